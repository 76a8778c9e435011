"""Answers of the simulated broker: requests understood, candles chosen, JSON written as OANDA writes it.

Prices come from ``simulator.markets``; sockets are in ``simulator.server``.
"""
