"""The history of signals, read from Redis, or without it from the journal; and the record as a file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import typer

from ninja_daemon.adapters.journal.reports import read_local_history
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.reports import read_history
from ninja_daemon.adapters.stored.reports import History
from ninja_daemon.app.candles.options import refuse
from ninja_daemon.app.queues.opening import local_queue_file, record_file
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.errors import StateError, StoreUnavailable
from ninja_daemon.core.signals.signal import Signal


def read_signals(environment: Environment, *, reader: str) -> History:
    """Return the history of signals.

    Args:
        environment: where it is.
        reader: who asks, as Redis lists its clients.

    Raises:
        StoreUnavailable: it cannot be read.
    """
    if not environment.cache_enabled:
        with closing(local_queue_file(environment)) as file:
            return read_local_history(file)
    with closing(connect(environment.redis_url.reveal(), name=reader)) as client:
        return read_history(client, Keys(environment.namespace))


def export_record(environment: Environment, path: Path) -> None:
    """Write the whole record of this machine to a file.

    Raises:
        StoreUnavailable: there is none.
    """
    with closing(record_file(environment)) as record:
        if not record.path.exists():
            message = f"there is no record on this machine yet ({record.path.name}): the daemon writes it where it runs"
            raise StoreUnavailable(message)
        lines = list(record.lines())
        head = record.head()
    try:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        refuse("--export", f"must be a file that can be written, was not ({error.strerror})")
    typer.echo(f"{head.lines} lines written to {path}, head {head.chain}", err=True)


def listed_signal(environment: Environment, start: str) -> Signal:
    """Return the one listed signal whose id begins so.

    Raises:
        StateError: there is none, or there are several.
    """
    found = {
        signal.id: signal
        for signal, _ in read_signals(environment, reader="why").entries
        if signal.id.startswith(start)
    }
    if len(found) == 1:
        return next(iter(found.values()))
    what = "no signal" if not found else f"{len(found)} signals"
    message = f"the id must be that of one signal in the history (ninja-daemon signals), {start} is of {what}"
    raise StateError(message)
