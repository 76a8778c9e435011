"""The markets that the simulated broker can stand before."""

from __future__ import annotations

from ninja_daemon.simulator.markets.crosses import CrossMarket
from ninja_daemon.simulator.markets.csv_market import CsvMarket
from ninja_daemon.simulator.markets.quotes import Listing, Market, Row
from ninja_daemon.simulator.markets.random_market import RandomMarket

__all__ = ["CrossMarket", "CsvMarket", "Listing", "Market", "RandomMarket", "Row"]
