"""A strategy as a running process notes it in the state directory, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from typing import Any, Final, get_type_hints

from ninja_daemon.app.plug_ins import FILTERS, recorded_filters, recorded_kind
from ninja_daemon.core.filters.kinds import restored, written
from ninja_daemon.core.signals.strategy import Strategy

_FILTERS: Final = "filters"


_PLUG_INS: Final = "plug_ins"


_KINDS: Final = ("ma_type", "fast_type")


_TYPES: Final = get_type_hints(Strategy)


def encoded_strategy(strategy: Strategy) -> Mapping[str, object]:
    """Return its fields as JSON has them."""
    return dict(_plain_fields(strategy))


def _plain_fields(strategy: Strategy) -> Iterator[tuple[str, object]]:
    for field in fields(strategy):
        value = getattr(strategy, field.name)
        if field.name == _FILTERS:
            yield field.name, written(value)
        elif field.name == _PLUG_INS:
            yield field.name, [one.written for one in value]
        elif field.name in _KINDS:
            yield field.name, value and value.value
        elif isinstance(value, Enum):
            yield field.name, value.name
        elif isinstance(value, Decimal):
            yield field.name, str(value)
        else:
            yield field.name, value


def decoded_strategy(plain: Mapping[str, Any]) -> Strategy:
    """Return the strategy of such fields; raises the errors of Python's own when they are none."""
    own: dict[str, Any] = {
        _FILTERS: restored(plain[_FILTERS]),
        _PLUG_INS: recorded_filters({FILTERS: plain[_PLUG_INS]}),
    }
    own |= {name: plain[name] and recorded_kind(plain[name]) for name in _KINDS}
    others = {name: _typed(_TYPES[name], value) for name, value in plain.items() if name not in own}
    return Strategy(**others, **own)


def _typed(kind: Any, value: Any) -> Any:  # noqa: ANN401 - whatever a field of a strategy is
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind[value]
    return Decimal(value) if kind is Decimal else value
