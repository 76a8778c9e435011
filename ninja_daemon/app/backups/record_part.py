"""The record in a backup: whether it or the one that is here goes on, told by their chains."""

from __future__ import annotations

from contextlib import closing
from enum import StrEnum
from pathlib import Path

from ninja_daemon.adapters.journal.backup import place_database, set_journal_aside
from ninja_daemon.adapters.journal.history.record import SqliteRecord


class RecordFate(StrEnum):
    """What a restoration does with the record."""

    NONE = "none"
    STAYS = "stays"
    """The one that is here goes on from the backup's, or the backup has none."""
    RESTORED = "restored"
    """None is here."""
    REPLACED = "replaced"
    """The backup's goes on from the one that is here, which is set aside."""
    BROKEN = "broken"
    """They contradict each other; the one that is here stays, and a person has to look."""


def record_fate(here: Path, copy: Path | None) -> RecordFate:
    """Compare the record of this machine with that of a backup.

    Raises:
        JournalUnavailable: one of them cannot be read.
    """
    if not here.exists():
        return RecordFate.NONE if copy is None else RecordFate.RESTORED
    if copy is None:
        return RecordFate.STAYS
    with closing(SqliteRecord(here)) as ours, closing(SqliteRecord(copy)) as theirs:
        lines = min(ours.head().lines, theirs.head().lines)
        if ours.chain_at(lines) != theirs.chain_at(lines):
            return RecordFate.BROKEN
        return RecordFate.STAYS if theirs.head().lines == lines else RecordFate.REPLACED


def record_warning(fate: RecordFate) -> list[str]:
    """Return what to know before, if anything."""
    if fate is not RecordFate.BROKEN:
        return []
    return ["the records here and in the backup contradict each other; the one here stays: keep both and compare"]


def restore_record(here: Path, copy: Path | None, fate: RecordFate, at: int) -> Path | None:
    """Put the record of a backup where it belongs; return where the one that was here is kept, if it was replaced.

    Raises:
        JournalUnavailable: it was not put there.
    """
    aside = set_journal_aside(here, at) if fate is RecordFate.REPLACED else None
    if fate in {RecordFate.RESTORED, RecordFate.REPLACED} and copy is not None:
        place_database(copy, here)
    return aside
