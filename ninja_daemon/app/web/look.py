"""What the pages show, read from Redis and the journal; kept for a second, so that many readers cost as much as one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, TypeVar

from ninja_daemon.adapters.journal.reports import read_local_history
from ninja_daemon.adapters.journal.sent_ledger import Delivered
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.reports import history_mark, read_history
from ninja_daemon.adapters.stored.reports import History
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.queues.opening import local_queue_file, open_queue
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.toml_file import changed_at
from ninja_daemon.app.status.gathering import gather_status
from ninja_daemon.app.status.in_force import in_force
from ninja_daemon.app.status.memory import StatusMemory
from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.why.noted import read_notes
from ninja_daemon.app.why.signal_story import read_story
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.lanes.dead_letters import DeadLetter
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.spans import HOUR
from ninja_daemon.usecases.ports import Clock
from ninja_daemon.usecases.proof.evaluations import CloseJudge, CloseVerdict
from ninja_daemon.usecases.proof.noted import Evaluation

MOST: Final = 2_000
"""Newest signals that the pages know."""
CLOSES: Final = 48
"""Newest closes of a strategy that its page shows."""
_FRESH: Final = 1.0
"""Seconds for which something read is shown again."""
_SETTLED: Final = 10.0
"""Seconds for which the settings are shown again while nothing seems to have changed."""
_WEEKEND: Final = 200_000
"""Seconds in which there may be no closes; shorter candles fill a page without it."""
_T = TypeVar("_T")


class Cached(Generic[_T]):
    """A value that is made anew when it is older than a second; one reader makes it, the others wait for it."""

    def __init__(self, make: Callable[[], _T], clock: Clock, fresh: float = _FRESH) -> None:
        """Make nothing yet."""
        self._make = make
        self._clock = clock
        self._fresh = fresh
        self._lock = threading.Lock()
        self._made: tuple[float, _T] | None = None

    def __call__(self) -> _T:
        """Return the value; raises what making it raises."""
        with self._lock:
            now = self._clock.monotonic()
            if self._made is None or now - self._made[0] >= self._fresh:
                self._made = (now, self._make())
            return self._made[1]


@dataclass(frozen=True, slots=True)
class ShownSettings:
    """What of the configuration the pages show.

    Attributes:
        strategies: in the order of the file.
        destinations: names of the destinations of the file; one whose address cannot be read here is shown by its lane.
        notes: how the file differs from what is in force, one sentence each.
    """

    strategies: tuple[Strategy, ...]
    destinations: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Histories:
    """The newest signals; what is listed is asked for, and read only when that has changed."""

    def __init__(self, environment: Environment, clock: Clock) -> None:
        """Connect to nothing yet."""
        self._environment = environment
        self._keys = Keys(environment.namespace)
        self._client = connect(environment.redis_url.reveal(), name="web") if environment.cache_enabled else None
        self._mark: object = None
        self._history = History(())
        self.newest = Cached(self._read, clock)
        """The history, oldest first; raises StoreUnavailable."""

    def close(self) -> None:
        """Let the connection go."""
        if self._client is not None:
            self._client.close()

    def _read(self) -> History:
        if self._client is None:
            with closing(local_queue_file(self._environment)) as file:
                return read_local_history(file, MOST)
        mark = history_mark(self._client, self._keys)
        if mark != self._mark:
            self._history = read_history(self._client, self._keys, MOST)
            self._mark = mark
        return self._history


class KnownConfiguration(NamedTuple):
    """A configuration that was read.

    Attributes:
        stamp: when its file had been changed before that.
    """

    configuration: Configuration
    stamp: int | None


class Insides:
    """What only the owner sees: status, settings, dead letters."""

    def __init__(self, environment: Environment, clock: Clock, known: KnownConfiguration | None = None) -> None:
        """Read nothing yet.

        Args:
            environment: where all is.
            clock: time.
            known: what the file says, where that was read before.
        """
        self._known = known
        self.environment = environment
        self._clock = clock
        self._stamp: object = None
        self._looked_at = float("-inf")
        self._settings = ShownSettings((), ())
        self._memory = StatusMemory(environment)
        self.status = Cached(self._read_status, clock)
        """The status; raises StoreUnavailable, ConfigError."""
        self.letters = Cached(self._read_letters, clock)
        """The dead letters, oldest first; raises StoreUnavailable."""

    def close(self) -> None:
        """Let the connection go."""
        self._memory.close()

    def settings(self) -> ShownSettings:
        """Return the settings in force: those of the daemon of this machine, else those of the file as it is now.

        Raises:
            ConfigError: the file cannot be read, and no daemon runs here.
        """
        stamp, now = self._stamped(), self._clock.monotonic()
        if stamp is None or stamp != self._stamp or not 0 <= now - self._looked_at < _SETTLED:
            self._settings, self._stamp, self._looked_at = self._read_settings(), stamp, now
        return self._settings

    def _stamped(self) -> object:
        """Return what changes with the file and with the settings in force."""
        try:
            return [each.stat().st_mtime_ns for each in (self.environment.config_path, self.environment.state_dir)]
        except OSError:
            return None

    def _read_settings(self) -> ShownSettings:
        configuration = self._configuration()
        # This process reads no secrets of destinations, so it cannot see their changes.
        strategies, notes = in_force(self.environment, configuration, with_delivery=False)
        names = tuple(destination.name for destination in configuration.delivery.destinations)
        return ShownSettings(tuple(strategies), names, tuple(notes))

    def _configuration(self) -> Configuration:
        stamp = changed_at(self.environment.config_path)
        if self._known is None or stamp is None or stamp != self._known.stamp:
            from ninja_daemon.app.settings.strategies import inspect_configuration  # noqa: PLC0415 - ten megabytes

            configuration, problems = inspect_configuration(self.environment)
            if configuration is None:
                raise ConfigError(*problems)
            self._known = KnownConfiguration(configuration, stamp)
        return self._known.configuration

    def closes(self, strategy: Strategy, cursor: Instant | None) -> Sequence[CloseVerdict]:
        """Return what became of a strategy's newest closes, oldest first."""
        end = strategy.market_hours.last_close(strategy.granularity, int(self._clock.now()))
        length = strategy.granularity.seconds
        since = end - CLOSES * length - (_WEEKEND if length >= HOUR else 0)
        notes = read_notes(self.environment, strategy.name, since - length, end)
        return list(CloseJudge(strategy, notes, cursor).each(since, end))[-CLOSES:]

    def evaluation(self, signal: Signal) -> Evaluation | None:
        """Return when the candle of a signal was taken in, None where that was not noted."""
        notes = read_notes(self.environment, signal.strategy, signal.time, signal.time)
        return notes.evaluations.get(signal.time)

    def sent(self, identity: str) -> Sequence[Delivered]:
        """Return where this machine delivered a signal."""
        return read_story(self.environment, identity, None, is_followed=False).sent

    def _read_status(self) -> Status:
        settings = self.settings()
        return gather_status(
            self.environment,
            settings.strategies,
            self._clock.now(),
            settings.destinations,
            settings.notes,
            memory=self._memory,
        )

    def _read_letters(self) -> Sequence[DeadLetter]:
        with open_queue(self.environment) as queue:
            return queue.dead_letters()
