"""What a bundle's texts need besides its signals: the time of the post, and which averages have crossed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.signals.signal import Signal, signal_id
from ninja_daemon.core.signals.strategy import Strategy


class Briefing:
    """Knows the strategies of the configuration, and the time."""

    def __init__(self, strategies: Iterable[Strategy] = (), now: Callable[[], float] = time.time) -> None:
        """Keep them by name."""
        self._strategies = {strategy.name: strategy for strategy in strategies}
        self._now = now

    def of(self, bundle: Bundle, *, is_edit: bool = False) -> Bundle:
        """Return the bundle with the averages behind each of its signals, and with the time of its post.

        An edit comes long after the post: there the time stays as it is.
        """
        found = {signal.id: self._averages(signal) for signal in bundle.signals}
        averages = {identity: names for identity, names in found.items() if names is not None}
        return replace(bundle, sent_at=bundle.sent_at or (0.0 if is_edit else self._now()), averages=averages)

    def _averages(self, signal: Signal) -> tuple[str, str] | None:
        strategy = self._strategies.get(signal.strategy)
        # The id holds the settings that the signal was found under: others may be in the file by now.
        if strategy is None or signal_id(strategy, signal.time, signal.side) != signal.id:
            return None
        return average_names(strategy)


def average_names(strategy: Strategy) -> tuple[str, str]:
    """Name the fast and the slow average as readers know them: ``SMA 40``."""
    fast, slow = (str(kind.value).partition("@")[0].upper() for kind in (strategy.fast_kind, strategy.ma_type))
    return f"{fast} {strategy.fast_ma}", f"{slow} {strategy.slow_ma}"
