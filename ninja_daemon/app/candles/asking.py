"""What commands ask about history: which strategies, since when; and the bar that shows how far the answer is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.core.market.instant import Instant, parse_typed_instant
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.spans import span
from ninja_daemon.core.words import meant

if TYPE_CHECKING:
    from rich.progress import Progress

_MOMENTS: Final = "2026-01-31 or 2026-01-31T10:00:00Z"
_PATIENCE: Final = 2.0
"""Seconds after which a bar is shown."""


def chosen_strategies(configuration: Configuration, names: Sequence[str]) -> Sequence[Strategy]:
    """Return the strategies that are named, or all of them."""
    known = {strategy.name: strategy for strategy in configuration.strategies}
    for name in names:
        if name not in known:
            hint = meant(name, known) or f": {', '.join(known) or 'there is none'}"
            refuse("--strategy", f"must be one of {configuration.path}, was {name[:64]!r}{hint}")
    chosen = [known[name] for name in dict.fromkeys(names)] if names else list(configuration.strategies)
    if not chosen:
        refuse("--strategy", f"there is no strategy in {configuration.path}")
    return chosen


def typed_open(option: str, text: str | None, *, last_of_day: bool = False) -> Instant | None:
    """Read a date, or the open of a candle, as it was typed; a date is the first second of its day, or the last."""
    return None if text is None else _typed(option, text.strip(), _MOMENTS, last_of_day=last_of_day)


def typed_since(text: str | None) -> Instant | None:
    """Read what was typed for ``--since``: a moment, a date, or a length of time before now."""
    if text is None:
        return None
    try:
        return int(SystemClock().now()) - int(span(text))
    except ValueError:
        return _typed("--since", text.strip(), "2026-01-31, 2026-01-31T10:00:00Z or '2 days'")


def _typed(option: str, text: str, forms: str, *, last_of_day: bool = False) -> Instant:
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text)
            start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
            return start + 86_399 if last_of_day else start
        return parse_typed_instant(text)
    except ValueError:
        refuse(option, f"must be like {forms}, was {text[:40]!r}")


class _Bar:
    """A progress bar on a terminal's standard error, for what takes longer than two seconds; silent anywhere else."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._clock = SystemClock()
        self._begun = self._clock.monotonic()
        self._progress: Progress | None = None

    def advance(self, amount: int) -> None:
        """Say that so much more has come."""
        self._done += amount
        if self._progress is None and sys.stderr.isatty() and self._clock.monotonic() - self._begun >= _PATIENCE:
            self._progress = self._shown()
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=self._done)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()

    def _shown(self) -> Progress:
        from rich.console import Console  # noqa: PLC0415 - only when a bar is shown
        from rich.progress import Progress  # noqa: PLC0415 - as above

        progress = Progress(console=Console(stderr=True), transient=True)
        progress.add_task(self._what, total=self._total)
        progress.start()
        return progress


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[_Bar]:
    """Show a bar for the length of a block."""
    bar = _Bar(what, total)
    try:
        yield bar
    finally:
        bar.close()
