"""The options of every command that takes files of candles (contract 10)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, NoReturn

import typer

from ninja_daemon.adapters.candle_files.formats import FORMATS
from ninja_daemon.adapters.candle_files.layout import Options, Price, Stamp
from ninja_daemon.adapters.candle_files.text.prices import MOST_DECIMALS
from ninja_daemon.core.market.granularity import Granularity

_NAMES = ", ".join(each.name for each in FORMATS)


class StampOption(StrEnum):
    """Which end of its candle a time is."""

    OPEN = "open"
    CLOSE = "close"


class PriceOption(StrEnum):
    """Which price is made of bid and ask."""

    MID = "mid"
    BID = "bid"
    ASK = "ask"


FORMAT = Annotated[
    str | None, typer.Option("--format", metavar="NAME", help=f"The file's format: {_NAMES}. Left out: recognised.")
]
ZONE = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="ZONE",
        help="The clock of the file's times: UTC, UTC+3, EET, Europe/Athens, America/New_York, America/New_York+7; or "
        "UNTIL:ZONE,… where it changes, as 2015-01-01:CET,EET. Left out: as written or found, else asked for.",
    ),
]
STAMP = Annotated[StampOption | None, typer.Option("--stamp", help="Which end of its candle a time is.")]
JOIN = Annotated[
    str | None, typer.Option("--join", metavar="TIMEFRAME", help="Make candles of this timeframe of finer ones: H4.")
]
DECIMALS = Annotated[
    int | None,
    typer.Option(
        "--decimals",
        min=0,
        max=MOST_DECIMALS,
        help="Digits after the point of the file's prices. Left out: as written.",
    ),
]
COLUMNS = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="NAMES",
        help="What the columns hold, in order: date or time, open, high, low, close, volume, bid, ask, or another "
        "word for a column to pass over.",
    ),
]
TIME_FORMAT = Annotated[
    str | None,
    typer.Option("--time-format", metavar="FORM", help="How times are written: DD/MM/YYYY HH:MM, or %d/%m/%Y %H:%M."),
]
SEPARATOR = Annotated[
    str | None, typer.Option("--separator", metavar="SIGN", help="What parts the fields; tab is a tab.")
]
DECIMAL_COMMA = Annotated[bool, typer.Option("--decimal-comma", help="Prices are written as 1,0931.")]
PRICE = Annotated[PriceOption, typer.Option("--price", help="Which price to make of a file that has bid and ask.")]


def file_options(  # noqa: PLR0913 - all that a file may need
    *,
    name: str | None,
    zone: str | None,
    stamp: StampOption | None,
    decimals: int | None,
    columns: str | None,
    time_format: str | None,
    separator: str | None,
    decimal_comma: bool,
    price: PriceOption,
) -> Options:
    """Gather the options; a format that there is not is a usage error."""
    known = [each.name for each in FORMATS]
    if name is not None and name not in known:
        refuse("--format", f"must be one of {', '.join(known)}, was {name[:40]!r}")
    ends: dict[StampOption | None, Stamp | None] = {None: None, StampOption.OPEN: "open", StampOption.CLOSE: "close"}
    prices: dict[PriceOption, Price] = {PriceOption.MID: "mid", PriceOption.BID: "bid", PriceOption.ASK: "ask"}
    listed = None if columns is None else tuple(each.strip() for each in columns.split(","))
    return Options(
        name, zone, ends[stamp], decimals, listed, time_format, separator, decimal_comma, prices[price]
    )  # fmt: skip


def timeframe(join: str | None) -> Granularity | None:
    """Read ``--join``; a timeframe that there is not is a usage error."""
    if join is None:
        return None
    try:
        return Granularity.named(join.upper())
    except ValueError as error:
        refuse("--join", str(error))


def refuse(option: str, message: str) -> NoReturn:
    """End with a usage error."""
    raise typer.BadParameter(message, param_hint=option)
