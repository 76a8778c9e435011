"""The notifier of a process that takes changed destinations and routes over: one after another, never two at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.notifier.parts import NotifierParts
from ninja_daemon.app.notifier.process import Notifier
from ninja_daemon.app.process.liveness import Liveness
from ninja_daemon.core.histogram import Histogram
from ninja_daemon.core.lanes.depths import QueueDepths


class LiveNotifier:
    """Stands for the notifier at work. What is counted goes on over a takeover."""

    def __init__(
        self,
        make: Callable[[Configuration], NotifierParts],
        configuration: Configuration,
        on_crash: Callable[[BaseException], None],
        liveness: Liveness,
    ) -> None:
        """Make the first one; nothing runs before ``start``.

        Args:
            make: makes the ports of a configuration real; raises ConfigError.
            configuration: the first.
            on_crash: told of an error that nobody expected.
            liveness: where the threads leave marks of progress.
        """
        self._make = make
        self._on_crash = on_crash
        self._liveness = liveness
        self._parts = make(configuration)
        self._notifier = Notifier(self._parts, on_crash, liveness)

    def start(self) -> None:
        """Begin."""
        self._notifier.start()

    def stop(self) -> bool:
        """End; tell whether every post has ended."""
        ended = self._notifier.stop()
        self._notifier.say_stopped()
        return ended

    def close(self) -> None:
        """Let connections and files go."""
        self._parts.close()

    def take_over(self, configuration: Configuration) -> None:
        """Go on with other destinations and routes, between two posts.

        Lanes stay as they are in the queue, and are served from there. A post that does not end keeps its lane until
        its lease runs out, as after a crash.

        Raises:
            ConfigError: a destination cannot be made; the old ones go on.
        """
        parts = self._make(configuration)
        ended = self._notifier.stop()
        for worker in (*(f"lane {name}" for name in self.destinations), "drain", "journal", "heartbeat"):
            self._liveness.rest(worker)
        before, self._parts, old = self._parts, parts, self._notifier
        self._notifier = Notifier(parts, self._on_crash, self._liveness, old)
        self._notifier.start()
        if ended:
            before.close()
        else:
            threading.Thread(target=_close_behind, args=(old, before), name="last posts", daemon=True).start()

    def tell_refused(self, text: str) -> None:
        """Say nothing more: the daemon, which reads the same file, alerts."""

    @property
    def destinations(self) -> list[str]:
        """Those in force."""
        return [worker.destination.name for worker in self._parts.workers]

    def depths(self) -> QueueDepths:
        """Return what waits where.

        Raises:
            StoreUnavailable: the queue is away.
        """
        return self._parts.main.queue.depths(self.destinations)

    def sentence(self) -> str:
        """Return in a line how it goes."""
        return self._notifier.sentence()

    @property
    def counts(self) -> Counter[str]:
        """How often each event happened."""
        return self._notifier.counts

    @property
    def counts_by_destination(self) -> Counter[tuple[str, str]]:
        """How often each event happened at each destination."""
        return self._notifier.counts_by_destination

    @property
    def delivery_seconds(self) -> Histogram:
        """How long posts took that were accepted."""
        return self._notifier.delivery_seconds

    @property
    def is_store_up(self) -> bool:
        """Whether the queue answers, as far as is known."""
        return self._notifier.is_store_up


def _close_behind(notifier: Notifier, parts: NotifierParts) -> None:
    """Let connections and files go when the last post has ended."""
    notifier.join()
    parts.close()
