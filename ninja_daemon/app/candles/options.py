"""The options of every command that takes files of candles (contract 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from ninja_daemon.adapters.candle_files.formats import FORMATS
from ninja_daemon.adapters.candle_files.layout import Options, Price, Stamp
from ninja_daemon.adapters.candle_files.text.prices import MOST_DECIMALS
from ninja_daemon.core.market.granularity import Granularity

_NAMES: Final = ", ".join(each.name for each in FORMATS)


class StampOption(StrEnum):
    """Which end of its candle a time is."""

    OPEN = "open"
    CLOSE = "close"


class PriceOption(StrEnum):
    """Which price is made of bid and ask."""

    MID = "mid"
    BID = "bid"
    ASK = "ask"


_ENDS: Final[Mapping[StampOption, Stamp]] = {StampOption.OPEN: "open", StampOption.CLOSE: "close"}
_PRICES: Final[Mapping[PriceOption, Price]] = {PriceOption.MID: "mid", PriceOption.BID: "bid", PriceOption.ASK: "ask"}

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """What the user says of the files of a command."""

    name: FORMAT = None
    zone: ZONE = None
    stamp: STAMP = None
    join: JOIN = None
    decimals: DECIMALS = None
    columns: COLUMNS = None
    time_format: TIME_FORMAT = None
    separator: SEPARATOR = None
    decimal_comma: DECIMAL_COMMA = False
    price: PRICE = PriceOption.MID

    def said(self) -> Options:
        """Return what is said of how the files are written; a format that there is not is a usage error."""
        known = [each.name for each in FORMATS]
        if self.name is not None and self.name not in known:
            refuse("--format", f"must be one of {', '.join(known)}, was {self.name[:40]!r}")
        return Options(
            self.name,
            self.zone,
            None if self.stamp is None else _ENDS[self.stamp],
            self.decimals,
            None if self.columns is None else tuple(each.strip() for each in self.columns.split(",")),
            self.time_format,
            self.separator,
            self.decimal_comma,
            _PRICES[self.price],
        )

    def timeframe(self) -> Granularity | None:
        """Return the timeframe of ``--join``; one that there is not is a usage error."""
        if self.join is None:
            return None
        try:
            return Granularity.named(self.join.upper())
        except ValueError as error:
            refuse("--join", str(error))


def require_files(option: str, paths: Sequence[Path] | None, files: FileOptions) -> None:
    """Refuse what is said of files where the option names none."""
    said = files.said()
    if not paths and (said != Options() or files.timeframe() is not None):
        refuse(_first_said(said), f"must be given together with {option}: the broker says how it writes its candles")


def _first_said(said: Options) -> str:
    """Return the name of an option that is for files."""
    names = {"format": "--format", "time_format": "--time-format", "decimal_comma": "--decimal-comma"}
    given = [each.name for each in fields(said) if getattr(said, each.name) != getattr(Options(), each.name)]
    return names.get(given[0], f"--{given[0]}") if given else "--join"


def refuse(option: str, message: str) -> NoReturn:
    """End with a usage error."""
    raise typer.BadParameter(message, param_hint=option)
