"""What a format must say about a file so that its rows can be read, and what the user may say instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

CANDLE: Final = ("open", "high", "low", "close")
SIDES: Final = tuple(f"{side}_{name}" for side in ("bid", "ask") for name in CANDLE)
TICK: Final = ("bid", "ask")
CLOCKS: Final = ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M")
RFC3339: Final = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z")

Stamp = Literal["open", "close"]
Price = Literal["mid", "bid", "ask"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says about a file (contract 10); None where he leaves it to the file.

    Attributes:
        format: name of the format.
        zone: name of the time zone, or several as ``UNTIL:ZONE,…``.
        stamp: which end of its candle a time is.
        decimals: digits after the point of the prices made.
        columns: what each column holds, in order.
        time_format: codes of ``strptime``, or ``YYYY-MM-DD HH:MM:SS``.
        separator: between the fields of a line.
        decimal_comma: the point of a price is a comma.
        price: which price is made of a file with bid and ask.
    """

    format: str | None = None
    zone: str | None = None
    stamp: Stamp | None = None
    decimals: int | None = None
    columns: tuple[str, ...] | None = None
    time_format: str | None = None
    separator: str | None = None
    decimal_comma: bool = False
    price: Price = "mid"


NOTHING_SAID: Final = Options()


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file, by which its format is known.

    Attributes:
        name: path of the file.
        lines: the first lines, without byte order mark and line ends; empty ones are kept.
        options: what the user says.
    """

    name: str
    lines: Sequence[str]
    options: Options

    @property
    def first(self) -> str:
        """Return the first line, or nothing."""
        return self.lines[0] if self.lines else ""

    @property
    def text(self) -> str:
        """Return the beginning as one text, for formats that are not made of lines."""
        return "\n".join(self.lines).lstrip()

    def rows(self, skip: int, separator: str) -> list[list[str]]:
        """Return the fields of the lines below a header."""
        return [line.split(separator) for line in self.lines[skip:] if line.strip()]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a file are read.

    Attributes:
        format: name of the format.
        columns: place of each field by what it holds: ``time`` (and ``clock`` where the time of day has a field of its
            own), the prices of ``CANDLE``, ``SIDES`` or ``TICK``, perhaps ``volume``.
        fields: how many fields a line has.
        forms: the ways in which a time may be written; codes of ``strptime`` and those of ``text.times``.
        separator: between fields.
        skip: header lines.
        point: what parts a price's whole number from its fraction.
        thousands: a comma groups the digits of a price.
        zone: the time zone that the format prescribes; None when it is to be found or asked for.
        zones: the zones among which the data may decide for each year, when the format allows only these.
        finds_zone: the data may decide among all candidates; False where the user must say it.
        stamp: which end of its candle a time is.
        day: a date alone is the day on which the candle closes at 17:00 in New York.
        epoch_is_wall: UNIX times count the seconds of the server's wall clock and not of UTC.
        drops_flat: a candle of one price and without volume is filling.
        is_fine: prices are as written and must not be rounded.
        rounds_to: digits to which the format's own noise is rounded when the user says nothing.
        elements: turns a file that is not made of lines into rows of fields; None for lines.
        notes: what the closing paragraph says besides.
        refusal: why a file of this kind cannot be taken in at all, and what would help.
    """

    format: str
    columns: Mapping[str, int]
    fields: int
    forms: tuple[str, ...]
    separator: str = ","
    skip: int = 0
    point: str = "."
    thousands: bool = False
    zone: str | None = None
    zones: tuple[str, ...] = ()
    finds_zone: bool = True
    stamp: Stamp = "open"
    day: bool = False
    epoch_is_wall: bool = False
    drops_flat: bool = False
    is_fine: bool = False
    rounds_to: int | None = None
    elements: ElementReader | None = None
    notes: tuple[str, ...] = ()
    refusal: tuple[str, str] | None = None

    @property
    def prices(self) -> tuple[str, ...]:
        """Return the names of the price columns, in the order in which rows hold them."""
        return next(names for names in (CANDLE, SIDES, TICK) if names[0] in self.columns)

    @property
    def is_ticks(self) -> bool:
        """Tell whether a row is a price and not a candle."""
        return self.prices == TICK


class Format(Protocol):
    """A kind of file. One object a kind; the registry is the tuple of them."""

    @property
    def name(self) -> str:
        """Return the name by which ``--format`` asks for it."""

    def layout(self, head: Head) -> Layout | None:
        """Return how to read a file; None when it is not of this format."""


ElementReader = Callable[[object], Sequence[str] | None]
"""Turns one decoded element of JSON into its fields in the order of the columns; None for an incomplete candle."""


@dataclass(frozen=True, slots=True)
class NamedFormat:
    """A format made of its name and a function."""

    name: str
    recognise: Callable[[Head], Layout | None]

    def layout(self, head: Head) -> Layout | None:
        """See ``Format``."""
        return self.recognise(head)


def columns_of(names: Sequence[str], aliases: Mapping[str, str]) -> dict[str, int]:
    """Find columns by their names, whatever the case; of several with one name the first counts."""
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        role = aliases.get(name.strip().strip('"<>').casefold())
        if role is not None:
            found.setdefault(role, place)
    return found


def has_prices(columns: Mapping[str, int]) -> bool:
    """Tell whether the columns of some kind of price are all there."""
    return any(all(name in columns for name in names) for names in (CANDLE, SIDES, TICK))
