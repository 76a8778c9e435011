"""The strategies that the end-to-end tests run: the shipped ones over the real files, and nastier ones."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

from tests.oracle import Expectation, Rules, expectation, read_candles

DECIMALS = {"EUR_USD": 5, "GBP_JPY": 3}
SERIES = ("EUR_USD_H4", "EUR_USD_D", "GBP_JPY_H4", "GBP_JPY_D")


def rules_for(series: str, name: str, fast: int, slow: int, **settings: int | str) -> Rules:
    """A strategy over one of the real files; numbers beyond whole ones as decimal text."""
    instrument, timeframe = series.rsplit("_", 1)
    exact = {key: Decimal(value) if isinstance(value, str) else value for key, value in settings.items()}
    return Rules(name, instrument, timeframe, fast, slow, DECIMALS[instrument], **exact)  # type: ignore[arg-type]


# As in config/ninja.toml.
SHIPPED = {
    "EUR_USD_H4": rules_for("EUR_USD_H4", "EUR_USD_H4", 40, 140, min_atr_value="0.0002"),
    "EUR_USD_D": rules_for(
        "EUR_USD_D", "EUR_USD_D", 50, 200, sl_atr_multiplier="1.5", tp_atr_multiplier="2.25", min_atr_value="0.0003"
    ),
    "GBP_JPY_H4": rules_for("GBP_JPY_H4", "GBP_JPY_H4", 10, 70, min_atr_value="0.02"),
    "GBP_JPY_D": rules_for(
        "GBP_JPY_D", "GBP_JPY_D", 50, 200, sl_atr_multiplier="1.5", tp_atr_multiplier="2.25", min_atr_value="0.03"
    ),
}

_BINDING = {"EUR_USD_H4": "0.0025", "EUR_USD_D": "0.0065", "GBP_JPY_H4": "0.45", "GBP_JPY_D": "1.1"}


def nasty(series: str) -> tuple[Rules, ...]:
    """Settings at the edges: the close itself, mirrored sides, a range that fills last, filters that bind."""
    return (
        rules_for(series, "close_itself", 1, 2, atr_period=1),
        rules_for(series, "mirrored", 80, 50, min_atr_value=_BINDING[series]),
        rules_for(series, "late_range", 3, 5, atr_period=60, sl_atr_multiplier="0.7", tp_atr_multiplier="1.05"),
        # 64 in a divisor: averages that lie exactly between two printed digits
        rules_for(
            series,
            "odd_ratio",
            16,
            64,
            atr_period=64,
            sl_atr_multiplier="1.3",
            tp_atr_multiplier="3.7",
            min_rr_ratio="2.846",
        ),
        rules_for(series, "all_refused", 5, 20, sl_atr_multiplier="1.5", tp_atr_multiplier="2.0"),
    )


def all_rules(series: str) -> tuple[Rules, ...]:
    """Everything that runs over one series, the shipped one first."""
    return (SHIPPED[series], *nasty(series))


@cache
def oracle(csv: Path, rules: Rules) -> Expectation:
    """All that should come of one of the real files; worked out once a run, to be read only."""
    return expectation(read_candles(csv), rules)


def toml(rules: Iterable[Rules]) -> str:
    """A configuration file with these strategies."""
    return "\n".join(each.toml for each in rules)


def tied_candles(source: Path, step: str, places: str, count: int) -> Sequence[Mapping[str, str]]:
    """Candles of a real file whose prices move in coarse steps, so that closes and averages are often equal."""

    def coarse(price: str) -> str:
        return str(((Decimal(price) / Decimal(step)).to_integral_value() * Decimal(step)).quantize(Decimal(places)))

    return [
        {key: coarse(value) if key in {"open", "high", "low", "close"} else value for key, value in candle.items()}
        for candle in read_candles(source)[:count]
    ]


def write_candles(path: Path, candles: Iterable[Mapping[str, str]]) -> Path:
    """Write a file of the form of the real ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        ",".join(candle[key] for key in ("time", "open", "high", "low", "close", "volume")) + "\n" for candle in candles
    ]
    path.write_text("time,open,high,low,close,volume\n" + "".join(lines), encoding="ascii")
    return path


def sided(folder: Path, own: Path, series: str, price: str) -> Path:
    """A folder with the candles of one side of the price: seven tenths of a pip from mid, as the simulator has them."""
    if price == "mid":
        return folder
    away = Decimal(7).scaleb(-DECIMALS[series.rsplit("_", 1)[0]]) * (1 if price == "ask" else -1)
    candles = [
        {
            name: str(Decimal(text) + away) if name in {"open", "high", "low", "close"} else text
            for name, text in each.items()
        }
        for each in read_candles(folder / f"{series}.csv")
    ]
    return write_candles(own / price / f"{series}.csv", candles).parent


def cuts(chance: random.Random, candles: int, first: int, *, singles: int) -> list[int]:
    """Indices of the newest candle shown at each wake: many single steps, gaps of a few, 30, 300 and 6,000 candles."""
    room = candles - 1 - first
    steps = [*[1] * singles, *[2, 3, 5] * 3, *[30] * 8]
    steps += [300] * min(8, max(0, room - sum(steps)) // 600)
    steps += [6_000] * (room - sum(steps) > 6_000)
    chance.shuffle(steps)
    places = [first]
    for step in steps:
        if places[-1] + step < candles - 1:
            places.append(places[-1] + step)
    return [*places, candles - 1]
