"""The ids of the shipped strategies stay what they were: a receiver that knows an id must see it again.

``ids_of_the_sixteen.json`` was written with the tree of the tag ``before-the-house``: its ``load_settings`` read its
``config/ninja.toml``, its ``evaluate`` ran over the shared candles, and its ``signal_id`` named each cross. A
strategy on another instrument ran over the candles of EUR_USD, one in yen over those of GBP_JPY. A line a cross: the
id, and ``signal`` or the filter that rejected it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.signals.rules import Rules
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.core.signals.strategy import Strategy
from tests.core.series import real_candles, stepped

ROOT = Path(__file__).resolve().parents[2]
KNOWN = json.loads(Path(__file__).with_name("ids_of_the_sixteen.json").read_text(encoding="ascii"))

MENDED_SINCE: dict[str, dict[str, Any]] = {
    "AUD_USD_H4": {"tp_atr_multiplier": Decimal("2.0")},
    "USD_CAD_H4": {"fast_ma": 80, "slow_ma": 50},
}
"""What the first tree shipped where the shipped file says otherwise today: what the replaced system had."""

FORMER_NAMES = {"atr": "atr_warming"}  # of filters, as the first tree wrote them


def shipped() -> dict[str, Strategy]:
    environment = {"NINJA_CONFIG": str(ROOT / "config" / "ninja.toml")}
    strategies = load_settings(environment, ROOT)[1].strategies
    return {each.name: replace(each, **MENDED_SINCE.get(each.name, {})) for each in strategies}


def test_sixteen_strategies_are_shipped() -> None:
    assert set(shipped()) == set(KNOWN)
    assert len(KNOWN) == 16


@pytest.mark.parametrize("name", KNOWN)
def test_ids_of_a_shipped_strategy_are_those_of_the_first_tree(name: str, candles_dir: Path) -> None:
    strategy, known = shipped()[name], KNOWN[name]
    assert strategy.settings_hash == known["settings"]
    source, decimals = ("GBP_JPY", 3) if strategy.instrument.endswith("JPY") else ("EUR_USD", 5)
    candles = real_candles(candles_dir / f"{source}_{strategy.granularity.name}.csv", decimals)
    rules = Rules(strategy, Instrument.from_decimals(strategy.instrument, decimals))
    lines = []
    for cross in stepped(rules, candles)[1]:
        outcome = (
            "signal" if cross.rejected_by is None else FORMER_NAMES.get(cross.rejected_by.name, cross.rejected_by.name)
        )
        lines.append(f"{signal_id(strategy, cross.candle.time, cross.side)} {outcome}")
    assert (len(lines), lines[0], lines[-1]) == (known["crosses"], known["first"], known["last"])
    assert sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest() == known["sha256"]
