"""The week's results and the head of the record, put on the alerts list when they are due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from functools import partial

from ninja_daemon.adapters.stored.alert import encode_notice
from ninja_daemon.app.queues.opening import record_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.messages.message import Notice, Severity
from ninja_daemon.core.messages.timed_report import TimedReport, Topic, due_since
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.spans import WEEK
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.delivery.queue_ports import QueueAdmin

Write = Callable[[float], str]


class TimedReporter:
    """Puts one report on the alerts list when it is due.

    Its id is topic and date, so the inbox drops it when another notifier, or this one before a restart, has put it
    there.
    """

    def __init__(self, topic: Topic, report: TimedReport, write: Write, queue: QueueAdmin) -> None:
        """Prepare.

        Args:
            topic: what it is about.
            report: when it is due.
            write: writes the text of the report that became due at an instant; empty when there is nothing to say.
            queue: where it goes.
        """
        self._topic = topic
        self._report = report
        self._write = write
        self._queue = queue
        self._told = ""

    def tick(self, now: float) -> bool:
        """Send the report if one is due and was not sent by this process; return whether it was.

        Raises:
            NinjaError: what it says cannot be read, or the queue is away; try again.
        """
        day, since = due_since(self._report, now)
        if day == self._told:
            return False
        text = self._write(since)
        if text:
            notice = Notice(f"{self._topic}-{day}", self._topic, Severity.INFO, text, now)
            self._queue.push_alert(encode_notice(notice))
        self._told = day
        return bool(text)


def timed_reporters(environment: Environment, delivery: Delivery, queue: QueueAdmin) -> tuple[TimedReporter, ...]:
    """Return the reporters of results and record, as far as somebody asked for them."""
    writers: dict[Topic, Write] = {
        Topic.RESULTS: partial(results_text, environment),
        Topic.RECORD: partial(head_text, environment),
    }
    return tuple(
        TimedReporter(topic, report, writers[topic], queue)
        for topic, report in delivery.reports.items()
        if topic in writers
    )


def head_text(environment: Environment, since: float = 0.0) -> str:
    """Say where the record of this machine ends; empty when there is none.

    Raises:
        JournalUnavailable: it cannot be read.
    """
    del since
    with closing(record_file(environment)) as record:
        if not record.path.exists():
            return ""
        head = record.head()
    if not head.lines:
        return ""
    return (
        f"Line {head.lines} of the record ends in {head.chain}. Keep this line to check any later export: "
        f"ninja-daemon verify FILE --head {head.chain}"
    )


def results_text(environment: Environment, until: float) -> str:
    """Say what ended in the week up to an instant, and what all results so far prove.

    Raises:
        NinjaError: the record, or Redis, cannot be read.
    """
    # Statistics bring numpy along, which a notifier without this report does without.
    from ninja_daemon.app.record.report import report_of  # noqa: PLC0415
    from ninja_daemon.app.record.tracked import read_tracked  # noqa: PLC0415

    tracked = read_tracked(environment)
    ended = [one.outcome for one in tracked.signals if one.outcome is not None and one.outcome.exit_time <= until]
    week = [one for one in ended if one.exit_time > until - WEEK]
    total = report_of(tracked.signals, {}).total
    lines = [f"{counted(len(week), 'signal')} ended, {_sum(week):+f} R.", *_by_strategy(week)]
    lines.append(f"Since the beginning {total.closed} ended, {total.r.sum:+f} R: {total.verdict}.")
    return "\n".join(lines)


def _by_strategy(week: list[Outcome]) -> Iterator[str]:
    for name in sorted({one.strategy for one in week}):
        own = [one for one in week if one.strategy == name]
        won = sum(one.r > 0 for one in own)
        yield f"{name}: {_sum(own):+f} R, {won} of {len(own)} in profit"


def _sum(outcomes: list[Outcome]) -> Decimal:
    return sum((one.r for one in outcomes), start=Decimal(0))
