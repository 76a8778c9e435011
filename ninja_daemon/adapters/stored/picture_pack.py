"""The candles of a signal's picture as one short text: differences to the candle before, averages in tenths."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.pictures.signal_view import CANDLES, AverageLine, SignalView
from ninja_daemon.core.rounding import half_even
from ninja_daemon.core.signals.signal import Signal

FORM: Final = 1
_TENTHS: Final = 10
_LONGEST: Final = 32_768


def encode_pack(view: SignalView) -> str:
    """Write what a picture shows, but the signal itself; some 4 kB."""
    rows: list[list[int]] = []
    before, last = 0, 0
    for candle in view.candles:
        prices = [price - last for price in candle[1:]]
        rows.append([candle.time - before, *prices])
        before, last = candle.time, candle.close
    lines = [[line.name, *_tenths(line.values)] for line in (view.fast, view.slow)]
    fields: dict[str, Any] = {"v": FORM, "decimals": view.decimals, "candles": rows, "lines": lines}
    if any(view.shaded):
        fields["shaded"] = [int(one) for one in view.shaded]
    return json.dumps(fields, separators=(",", ":"))


def _tenths(values: Sequence[tuple[int, int] | None]) -> list[int | None]:
    return [None if one is None else half_even(_TENTHS * one[0], one[1]) for one in values]


def decode_pack(text: str, signal: Signal) -> SignalView:
    """Read it back.

    Raises:
        StateUnreadable: it is not what this version writes.
    """
    try:
        fields: dict[str, Any] = json.loads(text) if len(text) <= _LONGEST else {}
        if fields["v"] != FORM or len(fields["candles"]) > CANDLES:
            message = f"it must be of form {FORM}"
            raise StateUnreadable(message)
        candles: list[Candle] = []
        time, last = 0, 0
        for step, *prices in fields["candles"]:
            candles.append(Candle(time + int(step), *(last + int(price) for price in prices)))
            time, last = candles[-1].time, candles[-1].close
        fast, slow = (_line(one, len(candles)) for one in fields["lines"])
        shaded = [bool(one) for one in fields.get("shaded", ())][: len(candles)]
        return SignalView(signal, int(fields["decimals"]), candles, fast, slow, shaded=shaded)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        message = f"the candles of a picture must be what was written, were changed: {str(error)[:80]}"
        raise StateUnreadable(message) from error


def _line(stored: Sequence[Any], count: int) -> AverageLine:
    name, *values = stored
    if len(values) != count:
        message = "an average must have a value a candle"
        raise ValueError(message)
    return AverageLine(str(name)[:40], [None if one is None else (int(one), _TENTHS) for one in values])
