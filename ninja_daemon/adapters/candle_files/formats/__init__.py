"""The formats, one small file each or each family, and the one tuple that lists them.

Rows and times are read by ``candle_files.text``; which format a file has is found by ``candle_files.opening``.
"""

from __future__ import annotations

from typing import Final

from ninja_daemon.adapters.candle_files.formats.binance import BINANCE
from ninja_daemon.adapters.candle_files.formats.daily import INVESTING, STOOQ, YAHOO
from ninja_daemon.adapters.candle_files.formats.dukascopy import DUKASCOPY, DUKASCOPY_NODE, FREQTRADE
from ninja_daemon.adapters.candle_files.formats.fxcm import FXCM
from ninja_daemon.adapters.candle_files.formats.histdata import HISTDATA, HISTDATA_MT
from ninja_daemon.adapters.candle_files.formats.lean import LEAN
from ninja_daemon.adapters.candle_files.formats.metatrader import METATRADER_PYTHON, MT4, MT5
from ninja_daemon.adapters.candle_files.formats.oanda import OANDA_JSON
from ninja_daemon.adapters.candle_files.formats.other import CSV
from ninja_daemon.adapters.candle_files.formats.own import OURS
from ninja_daemon.adapters.candle_files.formats.tradingview import TRADINGVIEW
from ninja_daemon.adapters.candle_files.formats.truefx import TRUEFX
from ninja_daemon.adapters.candle_files.layout import Format

FORMATS: Final[tuple[Format, ...]] = (
    OURS,
    HISTDATA,
    HISTDATA_MT,
    MT5,
    METATRADER_PYTHON,
    MT4,
    DUKASCOPY,
    DUKASCOPY_NODE,
    TRADINGVIEW,
    OANDA_JSON,
    FXCM,
    LEAN,
    TRUEFX,
    BINANCE,
    YAHOO,
    STOOQ,
    INVESTING,
    FREQTRADE,
    CSV,
)
"""In the order in which a file is tried; the first that knows it reads it."""
