"""What became of a listed signal: every attempt to deliver it, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from typing import NamedTuple

from ninja_daemon.adapters.journal.sent_ledger import Delivered, SqliteSentLedger, Tried, ledger_path
from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.record import parsed
from ninja_daemon.app.queues.opening import store_label
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.words import counted


class Story(NamedTuple):
    """What became of a signal.

    Attributes:
        sent: where this machine delivered it in the last seven days.
        tried: every attempt that it made, those for the outcome included.
        is_followed: its outcome is or will be listed.
        outcome: as it was listed; None while the signal is open, or where nothing is known.
    """

    sent: list[Delivered]
    tried: list[Tried]
    is_followed: bool
    outcome: Outcome | None


def read_story(environment: Environment, identity: str, outcome: Outcome | None, *, is_followed: bool) -> Story:
    """Add what the ledger of this machine knows."""
    path = ledger_path(environment.state_dir, store_label(environment), environment.namespace)
    with suppress(JournalUnavailable, OSError):
        if path.exists():
            with closing(SqliteSentLedger(path)) as ledger:
                return Story(ledger.sent(identity), ledger.tried(identity), is_followed, outcome)
    return Story([], [], is_followed, outcome)


def story_fields(story: Story) -> dict[str, object]:
    """Return it for ``--json``."""
    return {
        "delivered": [
            {"destination": one.destination, "at": format_instant(one.at), "message_id": one.message_id or None}
            for one in story.sent
        ],
        "attempts": [
            {
                "of": "outcome" if one.is_outcome else "signal",
                "destination": one.destination,
                "at": format_instant(one.at),
                "accepted": not one.told,
                "told": one.told or None,
                "message_id": one.message_id or None,
            }
            for one in story.tried
        ],
        "outcome": None if story.outcome is None else parsed(encode_outcome(story.outcome)),
    }


def story_lines(story: Story) -> Iterator[str]:
    """Say it: failed attempts, deliveries, the outcome, and where that was shown."""
    failed = [one for one in story.tried if one.told]
    for one in failed:
        what = "its outcome " if one.is_outcome else ""
        yield f"tried    {what}{format_instant(one.at)} at {escaped(one.destination)}: {escaped(one.told)}"
    if not story.sent:
        tries = f" after {counted(len(failed), 'attempt')}" if failed else ""
        yield f"delivered not by this machine in the last seven days{tries}; what waits: ninja-daemon queue"
    for sent in story.sent:
        message = f", message {escaped(sent.message_id)[:64]}" if sent.message_id else ""
        yield f"delivered {format_instant(sent.at)} to {escaped(sent.destination)}{message}"
    if story.outcome is not None:
        end = story.outcome
        yield (
            f"ended    {format_instant(end.exit_time)} by {end.result.value} at {end.exit:f}: {end.r:+f} R, "
            f"{end.pips:+f} pips, after {counted(end.candles, 'candle')}"
        )
    else:
        yield f"ended    {'not yet' if story.is_followed else 'it is not followed'}"
    for one in story.tried:
        if one.is_outcome and not one.told:
            message = f", message {escaped(one.message_id)[:64]}" if one.message_id else ""
            yield f"shown    its outcome {format_instant(one.at)} at {escaped(one.destination)}{message}"
