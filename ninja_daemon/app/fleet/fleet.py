"""One process's shards: a daemon for each, over one broker, one journal and one membership."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ninja_daemon.app.daemon.figures import WakeFigures
from ninja_daemon.app.daemon.process import Daemon
from ninja_daemon.core.polling import CompletionDelay
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted, duration
from ninja_daemon.usecases.candle_ports import Traffic
from ninja_daemon.usecases.sharing.sharding import shares_of


class Fleet:
    """The daemons of a process; it looks like one of them from outside."""

    def __init__(
        self,
        strategies: Sequence[Strategy],
        count: int,
        make: Callable[[int, Sequence[Strategy], WakeFigures], Daemon],
        leave: Callable[[], None],
    ) -> None:
        """Make a daemon for each shard.

        Args:
            strategies: all that are watched.
            count: number of shards.
            make: makes the daemon of a shard, of its strategies and of the figures that all of them share.
            leave: called when all have ended.
        """
        delays: ChainMap[str, CompletionDelay] = ChainMap()
        self.figures = WakeFigures(delays)
        self._leave = leave
        shares = shares_of(strategies, count)
        self.shards = [make(shard, share, self.figures) for shard, share in enumerate(shares)]
        delays.maps = [one.delays for one in self.shards]

    @property
    def strategies(self) -> Sequence[Strategy]:
        """All that are watched."""
        return [strategy for one in self.shards for strategy in one.strategies]

    @property
    def led_strategies(self) -> Sequence[Strategy]:
        """Those of the shards that this process leads now."""
        return [strategy for one in self.shards for strategy in one.led_strategies]

    # --- the life of the process -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        for one in self.shards:
            one.start()

    def stop(self) -> bool:
        """End; tell whether all running work has ended."""
        with ThreadPoolExecutor(len(self.shards)) as threads:
            ended = list(threads.map(Daemon.stop, self.shards))
        self._leave()
        return all(ended)

    def take_over(self, strategies: Sequence[Strategy]) -> None:
        """Go on with other settings; see ``Daemon.take_over``."""
        for one, share in zip(self.shards, shares_of(strategies, len(self.shards)), strict=True):
            one.take_over(share)
        self.figures.keep_only(strategy.name for strategy in strategies)

    def tell_refused(self, text: str) -> None:
        """Alert the operator: a changed configuration was refused."""
        self.shards[0].tell_refused(text)

    # --- how it goes -------------------------------------------------------------------------------------------------

    @property
    def is_active(self) -> bool:
        """Whether this process holds the lease of any shard."""
        return any(one.is_active for one in self.shards)

    @property
    def is_store_up(self) -> bool:
        """Whether Redis answers and takes writes, as far as is known."""
        return all(one.is_store_up for one in self.shards)

    @property
    def can_work(self) -> bool:
        """Whether a cross of our shards that comes now would be found and kept."""
        return all(one.can_work for one in self.shards)

    @property
    def takeover_seconds(self) -> float | None:
        """The longest of the shards' last takeovers; None before."""
        return max((one.takeover_seconds for one in self.shards if one.takeover_seconds is not None), default=None)

    @property
    def led(self) -> Mapping[int, bool]:
        """Whether we lead each shard."""
        return {shard: one.is_active for shard, one in enumerate(self.shards)}

    def troubles(self) -> dict[str, str]:
        """Return what somebody should see to, by strategy."""
        return {name: reason for one in self.shards if one.is_active for name, reason in one.troubles().items()}

    def sentence(self) -> str:
        """Return in a line how it goes, for ``systemctl status``."""
        return "; ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        led = sum(self.led.values())
        yield f"{counted(len(self.strategies), 'strategy')}, leads {led} of {counted(len(self.shards), 'shard')}"
        yield f"{counted(self.figures.counters.signals, 'signal')} so far"
        if waiting := len(self.figures.reasons()):
            yield f"{waiting} waiting"
        away = max((one.away_seconds or 0.0 for one in self.shards), default=0.0)
        yield f"Redis away for {duration(away)}" if away else "Redis ok"

    @property
    def traffic(self) -> Traffic:
        """What was exchanged with the broker."""
        return self.shards[0].traffic

    def kept_commits(self) -> int:
        """Return how many commits wait for Redis in the local journal.

        Raises:
            JournalUnavailable: it cannot be read.
        """
        return sum(one.kept_commits() for one in self.shards)
