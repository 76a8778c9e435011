"""The digest of near crosses: before a close, who is nearly there, by complete candles only. It is never a signal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.app.notifier.daily_report import Load
from ninja_daemon.app.status.strategy_figures import StrategyFigures, strategy_figures
from ninja_daemon.core.market.instant import Instant, format_instant
from ninja_daemon.core.messages.message import Notice, Severity
from ninja_daemon.core.messages.timed_report import NearDigest, Topic
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin

_MOST: Final = 20
"""Strategies that a digest names."""


class NearReporter:
    """Puts one digest for each close on the alerts list; its id is the close, so that several notifiers send one."""

    def __init__(self, digest: NearDigest, strategies: Sequence[Strategy], load: Load, queue: QueueAdmin) -> None:
        """Prepare.

        Args:
            digest: when and to whom.
            strategies: whom it is about; those of short candles are left out.
            load: reads what is stored of them.
            queue: where the digest goes.
        """
        self._digest = digest
        self._strategies = [one for one in strategies if one.enabled and one.granularity.seconds >= 2 * digest.before]
        self._load = load
        self._queue = queue
        self._told: set[Instant] = set()

    def tick(self, now: float) -> bool:
        """Send what is due and was not sent by this process; return whether there was anything.

        Raises:
            StoreUnavailable: Redis is away; try again.
        """
        due = {close: some for close, some in self._closing(now).items() if close not in self._told}
        self._told = {close for close in self._told if close > now}
        said = False
        for close, strategies in due.items():
            loaded = self._load(strategies)
            figures = [strategy_figures(one, loaded[one.name], now) for one in strategies]
            text = near_text(figures, self._digest, close)
            if text:
                notice = Notice(f"near-{format_instant(close)}", Topic.NEAR, Severity.INFO, text, now)
                self._queue.push_alert(encode_notice(notice))
            self._told.add(close)
            said |= bool(text)
        return said

    def _closing(self, now: float) -> Mapping[Instant, Sequence[Strategy]]:
        """Return the strategies by their next close, as far as it is near."""
        closing: dict[Instant, list[Strategy]] = defaultdict(list)
        for one in self._strategies:
            close = one.market_hours.next_close(one.granularity, int(now))
            if close - now <= self._digest.before:
                closing[close].append(one)
        return closing


def near_text(figures: Sequence[StrategyFigures], digest: NearDigest, close: Instant) -> str:
    """Write the digest of those that close together; empty where none is near.

    What lags behind is left out: its averages are not those of the last complete candle.
    """
    current = [one for one in figures if one.behind == 0]
    gaps = [(one.averages.gap_pips, one) for one in current if one.averages is not None]
    near = [(gap, one) for gap, one in gaps if gap is not None and abs(gap) <= digest.within_pips]
    if not near:
        return ""
    at = format_instant(close)[:16].replace("T", " ")
    who = f"{len(near)} of {len(figures)} within {digest.within_pips.normalize():f} pips of a cross"
    head = f"{who} before the close of {at} UTC."
    near.sort(key=lambda pair: abs(pair[0]))
    lines = [
        f"{one.strategy.name}: fast average {abs(gap):.1f} pips {'above' if gap > 0 else 'below'} the slow one"
        for gap, one in near[:_MOST]
    ]
    if len(near) > _MOST:
        lines.append(f"{len(near) - _MOST} more.")
    return "\n".join([head, *lines, "By the last complete candles; this is no signal."])
