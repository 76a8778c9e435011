"""Every signal that is known on this machine, with what became of it: the record, and what Redis still shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ninja_daemon.adapters.journal.history.record import RecordEntry, entries_of
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.outcome import decode_outcome
from ninja_daemon.adapters.stored.record import canonical, parsed
from ninja_daemon.app.queues.opening import local_queue_file, record_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.instant import Instant, parse_instant
from ninja_daemon.core.outcomes.outcome import Outcome

_RECENT = 10_000


@dataclass(frozen=True, slots=True)
class TrackedSignal:
    """A listed signal that is followed.

    Attributes:
        id: the signal's.
        strategy: name of its strategy.
        close_time: close of its candle.
        reward_to_risk: of the settings that it was found under.
        outcome: how it ended; None while it is open.
    """

    id: str
    strategy: str
    close_time: Instant
    reward_to_risk: Decimal
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class Tracked:
    """Everything that is known.

    Attributes:
        signals: in the order in which they were listed.
        strategies: how many strategies were ever tried.
        settings: how many settings of strategies.
    """

    signals: Sequence[TrackedSignal]
    strategies: int
    settings: int


def read_tracked(environment: Environment) -> Tracked:
    """Read the record of this machine, and what is newer in the histories.

    Raises:
        StoreUnavailable: Redis did not answer.
        JournalUnavailable: the record cannot be read.
        StateUnreadable: it does not hold what was written.
    """
    try:
        return _tracked([*_recorded(environment), *entries_of(*_histories(environment))])
    except (ValueError, ArithmeticError, LookupError, TypeError) as error:
        message = "the record must hold signals and outcomes, was changed; `signals --export` and `verify` say where"
        raise StateUnreadable(message) from error


def _histories(environment: Environment) -> tuple[Sequence[str], Sequence[str]]:
    if not environment.cache_enabled:
        with closing(local_queue_file(environment)) as file:
            return file.history(_RECENT), file.outcomes(2 * _RECENT)
    with closing(connect(environment.redis_url.reveal(), name="report")) as client:
        return RedisStateStore(client, Keys(environment.namespace)).histories()


def _recorded(environment: Environment) -> Sequence[RecordEntry]:
    with closing(record_file(environment)) as record:
        if not record.path.exists():
            return ()
        lines = [parsed(line) for line in record.lines()]
    return [RecordEntry(line["kind"], _id(line), line) for line in lines if line["kind"] != "end"]


def _id(line: dict[str, Any]) -> str:
    entry = line["entry"]
    return str(entry["id"]) if "id" in entry else f"{entry['strategy']}|{entry['hash']}"


def _tracked(entries: Iterable[RecordEntry]) -> Tracked:
    by_kind: dict[str, dict[str, dict[str, Any]]] = {"settings": {}, "signal": {}, "outcome": {}}
    for entry in entries:
        by_kind[entry.kind].setdefault(entry.id, entry.content["entry"])
    outcomes = {id_: decode_outcome(canonical(fields)) for id_, fields in by_kind["outcome"].items()}
    signals = [
        TrackedSignal(
            id_,
            str(fields["strategy"]),
            parse_instant(fields["close_time"]),
            Decimal(fields["risk_reward_ratio"]),
            outcomes.get(id_),
        )
        for id_, fields in by_kind["signal"].items()
    ]
    names = {one.strategy for one in signals} | {id_.partition("|")[0] for id_ in by_kind["settings"]}
    return Tracked(signals, len(names), max(len(by_kind["settings"]), len(names)))
