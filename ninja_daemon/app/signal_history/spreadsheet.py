"""Signals and their outcomes as rows for a spreadsheet."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.signal import Signal

COLUMNS: Final = (
    *(
        "schema",
        "id",
        "strategy",
        "instrument",
        "timeframe",
        "time",
        "close_time",
        "signal",
        "side",
        "close",
        "fast_ma",
    ),
    *("slow_ma", "atr", "stop_loss", "take_profit", "sl_pips", "tp_pips", "risk_reward_ratio", "late", "created_at"),
)
"""Fields of a signal, in the contract's order; the first columns of ``--csv``."""
OUTCOME_COLUMNS: Final = (
    *("result", "exit", "exit_time", "candles", "r", "net_r", "pips", "mfe_r", "mae_r", "ambiguous"),
)
"""Fields of its outcome; the columns behind them, empty while it is open."""


def write_csv(chosen: Sequence[Signal], outcomes: Mapping[str, Outcome]) -> None:
    """Write a row for each signal to standard output."""
    rows = csv.DictWriter(sys.stdout, (*COLUMNS, *OUTCOME_COLUMNS), lineterminator="\n")
    rows.writeheader()
    for signal in chosen:
        fields = json.loads(encode_signal(signal), parse_float=str, parse_int=str)
        ended = outcomes.get(signal.id)
        if ended is not None:
            told = json.loads(encode_outcome(ended), parse_float=str, parse_int=str)
            fields |= {name: told[name] for name in OUTCOME_COLUMNS}
            fields["ambiguous"] = "true" if ended.ambiguous else "false"
        rows.writerow({**fields, "late": "true" if signal.late else "false"})
