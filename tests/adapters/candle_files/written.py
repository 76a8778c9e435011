"""Made-up candles, and files of them in every format, as the programs and sites in docs/candle-files.md write them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity

NEW_YORK: Final = ZoneInfo("America/New_York")
H1: Final = Granularity.H1.seconds


class Ahead(tzinfo):
    """New York's clock and that many hours, as some MetaTrader servers have it."""

    def __init__(self, hours: int) -> None:
        self.hours = timedelta(hours=hours)

    def utcoffset(self, at: datetime | None) -> timedelta:
        assert at is not None
        return (NEW_YORK.utcoffset(at - self.hours) or timedelta()) + self.hours

    def tzname(self, at: datetime | None) -> str:
        del at
        return f"New York +{self.hours}"

    def dst(self, at: datetime | None) -> timedelta:
        del at
        return timedelta()

    def fromutc(self, at: datetime) -> datetime:
        return (at.replace(tzinfo=UTC).astimezone(NEW_YORK).replace(tzinfo=None) + self.hours).replace(tzinfo=self)


ZONES: Final[dict[str, tzinfo]] = {
    "UTC": UTC,
    "America/New_York": NEW_YORK,
    "America/New_York+7": Ahead(7),
    "EET": ZoneInfo("Europe/Athens"),
    "CET": ZoneInfo("Europe/Berlin"),
    "Europe/London": ZoneInfo("Europe/London"),
    "America/Santiago": ZoneInfo("America/Santiago"),
}


def opens(granularity: Granularity, first: datetime, last: datetime) -> Iterator[int]:
    """Opens of candles from Sunday to Friday 17:00 in New York."""
    at = granularity.open_at(int(first.timestamp()))
    end = int(last.timestamp())
    sunday = datetime.fromtimestamp(at, NEW_YORK).date()
    sunday -= timedelta(days=(sunday.weekday() + 1) % 7 + 7)
    while at < end:
        opening, closing = (
            int(datetime(day.year, day.month, day.day, 17, tzinfo=NEW_YORK).timestamp())
            for day in (sunday, sunday + timedelta(days=5))
        )
        if granularity.seconds <= H1:
            yield from range(max(at, opening), min(closing, end), granularity.seconds)
            at = max(at, closing)
        while at < min(closing, end):
            if at >= opening:
                yield at
            at = granularity.next_close(at)
        sunday += timedelta(days=7)


def made_up(
    granularity: Granularity, first: datetime, last: datetime, *, seed: int = 1, start: int = 110_000, move: int = 60
) -> list[Candle]:
    """A random walk over the hours in which the market is open; no candle is flat."""
    draw = random.Random(seed).random
    close, candles = start, []
    for at in opens(granularity, first, last):
        opened = close
        close = max(start // 2, opened - move + int(draw() * (2 * move + 1)))
        high, low = (close, opened) if close > opened else (opened, close)
        candles.append(Candle(at, opened, high + 1 + int(draw() * 9), low - 1 - int(draw() * 9), close))
    return candles


def joined(candles: Sequence[Candle], granularity: Granularity) -> list[Candle]:
    """Candles of a longer timeframe, made one by one."""
    made: list[Candle] = []
    for candle in candles:
        opened = granularity.open_at(candle.time)
        if made and made[-1].time == opened:
            last = made[-1]
            made[-1] = Candle(opened, last.open, max(last.high, candle.high), min(last.low, candle.low), candle.close)
        else:
            made.append(candle._replace(time=opened))
    return made


def price(units: int, decimals: int = 5) -> str:
    unit = 10**decimals
    return f"{units // unit}.{units % unit:0{decimals}d}"


def noisy(units: int, decimals: int = 5) -> str:
    """The number as a sum in binary floats leaves it now and then."""
    value = Decimal(units).scaleb(-decimals)
    return format(value + Decimal("2e-16"), "f") if units % 3 == 0 else format(value, "f")


Text = Callable[[int], str]
Wall = Callable[[int], datetime]


def wall(zone: tzinfo) -> Wall:
    return lambda at: datetime.fromtimestamp(at, UTC).astimezone(zone)


def lines(
    candles: Sequence[Candle], form: str, clock: Wall, text: Text = price, tail: str = "", part: str = ","
) -> list[str]:
    return [
        part.join([clock(candle.time).strftime(form), *map(text, candle[1:])]) + tail for candle in candles
    ]  # fmt: skip


def _ours(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    return ["time,open,high,low,close,volume", *lines(candles, "%Y-%m-%dT%H:%M:%SZ", wall(UTC), text, ",7")]


def _histdata(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    return lines(candles, "%Y%m%d %H%M%S", clock, lambda units: text(units) + "0", ";0", ";")


def _histdata_mt(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    return lines(candles, "%Y.%m.%d,%H:%M", clock, lambda units: text(units) + "0", ",0")


def _mt5(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    names = ("DATE", "TIME", "OPEN", "HIGH", "LOW", "CLOSE", "TICKVOL", "VOL", "SPREAD")
    header = "\t".join(f"<{name}>" for name in names)
    return [header, *lines(candles, "%Y.%m.%d\t%H:%M:%S", clock, text, "\t31\t0\t4", "\t")]


def _mt4(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    return lines(candles, "%Y.%m.%d,%H:%M", clock, text, ",31")


def _python(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    header = "time,open,high,low,close,tick_volume,spread,real_volume"
    return [header, *lines(candles, "%Y-%m-%d %H:%M:%S", clock, text, ",31,4,0")]


def _dukascopy(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    return [
        "Gmt time,Open,High,Low,Close,Volume",
        *lines(candles, "%d.%m.%Y %H:%M:%S.000", wall(UTC), text, ",8501299804.6875"),
    ]


def _dukascopy_local(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    return [
        "Local time,Open,High,Low,Close,Volume",
        *lines(candles, "%d.%m.%Y %H:%M:%S.000 GMT%z", clock, text, ",12.5"),
    ]


def _rows(candles: Sequence[Candle], text: Text, unit: int = 1_000) -> list[list[str]]:
    return [[str(candle.time * unit), *map(text, candle[1:]), "12.5"] for candle in candles]


def _node(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    return ["timestamp,open,high,low,close,volume", *(",".join(row) for row in _rows(candles, text))]


def _node_objects(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    names = ("timestamp", "open", "high", "low", "close", "volume")
    objects = (
        ", ".join(f'"{name}": {value}' for name, value in zip(names, row, strict=True)) for row in _rows(candles, text)
    )
    return ["[" + ", ".join(f"{{{each}}}" for each in objects) + "]"]


def _freqtrade(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    return ["[" + ",".join(f"[{','.join(row)}]" for row in _rows(candles, text)) + "]"]


def _tradingview(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    def at(time: int) -> str:
        return clock(time).isoformat()

    rows = (",".join([at(candle.time), *map(text, candle[1:]), "", "1.5"]) for candle in candles)
    return ["time,open,high,low,close,Shapes,Shapes", *rows]


def _tradingview_unix(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    rows = (",".join([str(candle.time), *map(text, candle[1:]), "", "1.5"]) for candle in candles)
    return ["time,open,high,low,close,Shapes,Shapes", *rows]


def _oanda(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    stamp = wall(UTC)

    def candle_of(candle: Candle, *, complete: bool = True) -> dict[str, object]:
        mid = dict(zip("ohlc", map(text, candle[1:]), strict=True))
        time = stamp(candle.time).strftime("%Y-%m-%dT%H:%M:%S.000000000Z")
        return {"complete": complete, "volume": 5, "time": time, "mid": mid}

    forming = candle_of(candles[-1]._replace(time=candles[-1].time + 7 * 86_400), complete=False)
    answer = {"instrument": "EUR_USD", "granularity": "H1", "candles": [*map(candle_of, candles), forming]}
    return [json.dumps(answer)]


def _fxcm(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    stamp, rows = wall(UTC), []
    for candle in candles:
        bid = [text(units - 4) for units in (candle.open, candle.close, candle.high, candle.low)]
        ask = [text(units + 4) for units in (candle.open, candle.close, candle.high, candle.low)]
        rows.append(",".join([stamp(candle.time).strftime("%m/%d/%Y %H:%M:%S.000"), *bid, *ask, "9"]))
    return ["DateTime,BidOpen,BidClose,BidHigh,BidLow,AskOpen,AskClose,AskHigh,AskLow,TickQty", *rows]


def _lean(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    rows = []
    for candle in candles:
        sides = [[text(units + spread) for units in candle[1:]] for spread in (-4, 4)]
        rows.append(",".join([clock(candle.time).strftime("%Y%m%d %H:%M"), *sides[0], "0", *sides[1], "0"]))
    return rows


def _binance(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    return [",".join([*row, str(int(row[0]) + 59_999), "1.5", "7", "1", "1", "0"]) for row in _rows(candles, text)]


def _stooq(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    del clock
    stamp = wall(ZoneInfo("Europe/Warsaw"))
    rows = lines(candles, "%Y%m%d,%H%M%S", stamp, text, ",0,0")
    header = ",".join(
        f"<{name}>" for name in ("TICKER", "PER", "DATE", "TIME", "OPEN", "HIGH", "LOW", "CLOSE", "VOL", "OPENINT")
    )
    return [header, *(f"EURUSD,60,{row}" for row in rows)]


def _csv(candles: Sequence[Candle], clock: Wall, text: Text) -> list[str]:
    return ["DateTime;Open;High;Low;Close;Volume", *lines(candles, "%d/%m/%Y %H:%M", clock, text, ";-1", ";")]


WRITERS: Final[dict[str, tuple[str, Callable[[Sequence[Candle], Wall, Text], list[str]]]]] = {
    "ours": ("ours", _ours),
    "histdata": ("histdata", _histdata),
    "histdata-mt": ("histdata-mt", _histdata_mt),
    "mt5": ("mt5", _mt5),
    "mt4": ("mt4", _mt4),
    "metatrader-python": ("metatrader-python", _python),
    "dukascopy": ("dukascopy", _dukascopy),
    "dukascopy-local": ("dukascopy", _dukascopy_local),
    "dukascopy-node": ("dukascopy-node", _node),
    "dukascopy-node-json": ("dukascopy-node", _node_objects),
    "tradingview": ("tradingview", _tradingview),
    "tradingview-unix": ("tradingview", _tradingview_unix),
    "oanda-json": ("oanda-json", _oanda),
    "fxcm": ("fxcm", _fxcm),
    "lean": ("lean", _lean),
    "binance": ("binance", _binance),
    "stooq": ("stooq", _stooq),
    "freqtrade": ("freqtrade", _freqtrade),
    "csv": ("csv", _csv),
}
"""By case: the format's name, and how it is written. What has a zone of its own does not ask the clock."""

ZONED: Final = frozenset({"histdata", "histdata-mt", "mt5", "mt4", "metatrader-python", "lean", "csv"})
"""Cases whose times are of a clock that no text names."""
SIDED: Final = frozenset({"fxcm", "lean"})
"""Cases with bid and ask, so that the mid has one more digit."""


def file_of(folder: Path, case: str, candles: Sequence[Candle], zone: tzinfo = UTC, text: Text = price) -> Path:
    """Write candles as a case does."""
    path = folder / f"{case}.txt"
    path.write_text("\n".join(WRITERS[case][1](candles, wall(zone), text)) + "\n", encoding="utf-8")
    return path
