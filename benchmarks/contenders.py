"""Ways to take in the newest candle of so many series, each a process that makes a wake when told and says the cost.

What each does is what its users would do: the arithmetic is two simple averages, a 14 candle ATR, and whether the
averages have crossed. Only ours is exact, fills gaps, and cannot say a signal twice; none of that is counted here.

noted              the same, and behind it the notes of evaluations, written by their thread
ours, ours_token   catch_up as the daemon calls it: broker adapter, Redis, local journal; with and without an account id
replaced           200 candles a strategy through oandapyV20, a pandas frame of floats, averages anew, cursor in Redis
cron               200 candles a strategy, TA-Lib over arrays, state in a file; start of the interpreter not counted
floor              the requests of ours on one plain ``requests`` session, nothing read of the answers; one round trip
                   to read and one to write these bytes in Redis
bare               the same over ``http.client``
fields             as ``floor``, but in Redis the keys and fields that ours writes, always with the same values
"""

from __future__ import annotations

import http.client
import json
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import redis
import requests

from benchmarks.canned import ACCOUNT, instrument_names
from benchmarks.peers import peer
from ninja_daemon.adapters.host.garbage import freeze_garbage, no_collection
from ninja_daemon.adapters.journal.failover_store import FailoverStore
from ninja_daemon.adapters.journal.history.evaluations import SqliteEvaluations
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.oanda.source import OandaSource
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.keys import Keys
from ninja_daemon.adapters.redis.state_store import RedisStateStore
from ninja_daemon.adapters.stored.open_signals import encode_book
from ninja_daemon.adapters.stored.state.counts import encode_quiet_counts
from ninja_daemon.adapters.stored.state.state_form import encode_moves
from ninja_daemon.app.daemon.notes.evaluation_notes import EvaluationNotes
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.market.instrument import Instrument
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.core.outcomes.following import Book
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.rules import rules_of
from ninja_daemon.core.signals.stepper import advance_all
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.ports import Counts
from ninja_daemon.usecases.wake_result import WakeResult

TOKEN: Final = "demo"  # noqa: S105 - guards nothing
WINDOW: Final = 200
ATR: Final = 14
_BATCH: Final = 60
_HEADERS: Final = {"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": "gzip"}


class Contender(Protocol):
    """One way to work."""

    def wake(self, now: int) -> int:
        """Take in what is new at ``now``; return for how many series something was new."""


class SetClock:
    """The market's time as the benchmark sets it; durations are real."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Return the time that was set."""
        return self.time

    def monotonic(self) -> float:
        """Return real seconds."""
        return time.monotonic()

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait in real time."""
        return stop.wait(seconds)


class Ours:
    """The daemon's own wake."""

    def __init__(self, stage: Stage, *, account: str | None = ACCOUNT) -> None:
        """Put the parts together as ``app/wiring.py`` does."""
        self._clock = SetClock()
        self._journal = SqliteJournal(stage.directory / f"journal-{stage.name}.sqlite3")
        self._store = FailoverStore(
            RedisStateStore(connect(stage.redis, name="bench"), Keys(stage.name)),
            self._journal,
            clock=self._clock,
            is_shared=False,
            push_alert=lambda *_: None,
        )
        self._source = OandaSource(Secret(TOKEN), stage.broker, account_id=account, clock=self._clock)
        self._strategies = [
            Strategy(
                name, name, Granularity.H1, fast_ma=stage.fast, slow_ma=stage.slow, market_hours=MarketHours.ALWAYS
            )
            for name in stage.instruments
        ]
        freeze_garbage()

    def wake(self, now: int) -> int:
        """Make one wake."""
        wake = self._looked(now)
        return sum(outcome.cursor is not None for outcome in wake.results)

    def _looked(self, now: int) -> WakeResult:
        self._clock.time = now
        with no_collection():
            wake = catch_up(
                self._strategies, source=self._source, store=self._store, journal=self._journal, clock=self._clock
            )
        troubles = [str(outcome.error) for outcome in wake.results if outcome.error is not None]
        if troubles or wake.journal_error is not None:
            raise RuntimeError(troubles[:1] or [wake.journal_error])
        return wake


class Noted(Ours):
    """The same with the notes of evaluations behind it."""

    def __init__(self, stage: Stage) -> None:
        """Put the notes beside it."""
        super().__init__(stage)
        file = SqliteEvaluations(stage.directory / f"evaluations-{stage.name}.sqlite3")
        self._notes = EvaluationNotes(file, self._clock)

    def wake(self, now: int) -> int:
        """Make one wake, and hand its notes over."""
        wake = self._looked(now)
        self._notes.after(wake)
        return sum(outcome.cursor is not None for outcome in wake.results)

    def settle(self) -> None:
        """Wait until the notes are written: what that takes of the processors counts."""
        while self._notes.waiting:
            time.sleep(0.001)  # to be told would cost the wake that is measured


class Replaced:
    """The replaced system's way: every candle of the window anew, strategy by strategy, in binary floats."""

    def __init__(self, stage: Stage) -> None:
        """Open a session and a connection."""
        self._stage = stage
        self._api = _oanda_client(stage.broker)
        self._redis = redis.Redis.from_url(stage.redis, decode_responses=True)

    def wake(self, now: int) -> int:
        """Make one wake."""
        del now
        return sum(self._strategy(name) for name in self._stage.instruments)

    def _strategy(self, name: str) -> bool:
        pandas: Any = peer("pandas")
        key = f"{self._stage.name}:last_processed:{name}"
        seen = self._redis.get(key)
        rows = [row for row in self._api(name) if row["complete"]]
        frame = pandas.DataFrame([{"time": row["time"], **row["mid"]} for row in rows])
        frame["time"] = pandas.to_datetime(frame["time"])
        frame = frame.astype({"o": float, "h": float, "l": float, "c": float}).set_index("time").sort_index()
        frame["fast"] = frame["c"].rolling(self._stage.fast).mean()
        frame["slow"] = frame["c"].rolling(self._stage.slow).mean()
        before = frame["c"].shift(1)
        ranges = pandas.concat(
            [frame["h"] - frame["l"], (frame["h"] - before).abs(), (frame["l"] - before).abs()], axis=1
        )
        frame["atr"] = ranges.max(axis=1).rolling(ATR).mean()
        above = frame["fast"] > frame["slow"]
        frame["signal"] = above.astype(int).diff()
        newest = frame.iloc[-1]
        last = frame.index[-1].isoformat()
        if newest["signal"] and newest["atr"] > 0:
            self._redis.rpush(f"{self._stage.name}:signals", json.dumps({"instrument": name, "time": last}))
        state = {"fast": newest["fast"], "slow": newest["slow"], "atr": newest["atr"]}
        self._redis.set(f"{self._stage.name}:ma_state:{name}", json.dumps(state), ex=3_600)
        self._redis.set(key, last, ex=86_400)
        return bool(last != seen)


class Cron:
    """A script of an afternoon: TA-Lib over the closes, what was seen last in a file."""

    def __init__(self, stage: Stage) -> None:
        """Open a session."""
        self._stage = stage
        self._api = _oanda_client(stage.broker)
        self._file = stage.directory / "cron.json"

    def wake(self, now: int) -> int:
        """Make one wake."""
        del now
        talib: Any = peer("talib")
        numpy: Any = peer("numpy")
        state = json.loads(self._file.read_text()) if self._file.exists() else {}
        fresh = 0
        for name in self._stage.instruments:
            rows = [row for row in self._api(name) if row["complete"]]
            high, low, close = (numpy.array([float(row["mid"][field]) for row in rows]) for field in "hlc")
            fast, slow = talib.SMA(close, self._stage.fast), talib.SMA(close, self._stage.slow)
            atr = talib.ATR(high, low, close, ATR)
            last = rows[-1]["time"]
            if last != state.get(name, {}).get("time"):
                fresh += 1
                crossed = (fast[-1] > slow[-1]) != (fast[-2] > slow[-2]) and atr[-1] > 0
                state[name] = {"time": last, "signal": bool(crossed)}
        self._file.write_text(json.dumps(state))
        return fresh


class Floor:
    """What nobody can go below who asks the same and keeps as many bytes: no logic at all."""

    def __init__(self, stage: Stage, *, bare: bool = False) -> None:
        """Work out the requests that ours sends with an account id: all series in batches, one of them singly."""
        self._name = stage.name
        self._instruments = stage.instruments
        self._keys = [f"{stage.name}:{name}" for name in stage.instruments]
        self._single, *batched = stage.instruments
        batches = (batched[start : start + _BATCH] for start in range(0, len(batched), _BATCH))
        alignment = "dailyAlignment=17&alignmentTimezone=America%2FNew_York&weeklyAlignment=Friday"
        names = (quote(",".join(f"{name}:H1:M" for name in batch), safe="") for batch in batches)
        self._paths = [
            f"/v3/accounts/{ACCOUNT}/candles/latest?candleSpecifications={each}&{alignment}" for each in names
        ]
        self._alignment = alignment
        self._redis = redis.Redis.from_url(stage.redis)
        self._get = _bare_get(stage.broker) if bare else _session_get(stage.broker)

    def wake(self, now: int) -> int:
        """Make one wake."""
        since = quote(format_instant(now // 3_600 * 3_600 - 10_801), safe="")
        single = f"/v3/instruments/{self._single}/candles?granularity=H1&price=M&includeFirst=true&from={since}&count=5"
        self._redis.mget(self._keys)
        self._keep(b"".join(map(self._get, [f"{single}&{self._alignment}", *self._paths])))
        return len(self._keys)

    def _keep(self, body: bytes) -> None:
        share = len(body) // len(self._keys) + 1
        self._redis.mset({key: body[place * share : (place + 1) * share] for place, key in enumerate(self._keys)})


class Fields(Floor):
    """The floor of one who keeps averages, sides and cursors where ours does: the same fields in as many commands."""

    def __init__(self, stage: Stage) -> None:
        """Make the values once; what they are is no matter here, how long they are is."""
        super().__init__(stage)
        strategy = Strategy("S", "EUR_USD", Granularity.H1, fast_ma=stage.fast, slow_ma=stage.slow)
        rules = rules_of(strategy, Instrument("EUR_USD", 5, -4))
        candles = [Candle(3_600 * hour, 110_000, 110_020, 109_990, 110_000 + hour) for hour in range(1, WINDOW)]
        state, _ = advance_all(rules, rules.empty_state(), candles)
        counts = Counts(evaluated=1, shown_before=(candles[-2].close, candles[-3].close))
        self._averages: dict[Any, str] = dict(encode_moves(rules, state, 1))
        self._sides: dict[Any, str] = {
            **encode_quiet_counts(state, counts),
            "open": encode_book(Book(candles[-1].time), strategy.series),
            "commit": "0" * 16,
        }
        self._cursor = format_instant(candles[-1].time)

    def _keep(self, body: bytes) -> None:
        del body
        pipeline, keys = self._redis.pipeline(transaction=False), Keys(self._name)
        for name in self._instruments:
            pipeline.hset(keys.signal_state(name), mapping=self._sides)
            pipeline.hset(keys.ma_state(name), mapping=self._averages)
            pipeline.pexpire(keys.ma_state(name), 345_600_000)
            pipeline.set(keys.last_processed(name), self._cursor)
        pipeline.execute()


class Stage:
    """What a contender is given.

    Attributes:
        name: prefix of its keys.
        broker: address of the broker.
        redis: address of Redis.
        directory: for files.
        instruments: one series each, H1.
        fast: period of the fast average.
        slow: period of the slow average.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        """Read the command line."""
        self.name, self.broker, self.redis, directory, count, fast, slow = arguments
        self.directory = Path(directory)
        self.instruments = instrument_names(int(count))
        self.fast, self.slow = int(fast), int(slow)


CONTENDERS: Final[dict[str, Callable[[Stage], Contender]]] = {
    "ours": Ours,
    "noted": Noted,
    "ours_token": lambda stage: Ours(stage, account=None),
    "replaced": Replaced,
    "cron": Cron,
    "floor": Floor,
    "bare": lambda stage: Floor(stage, bare=True),
    "fields": Fields,
}


def _oanda_client(broker: str) -> Callable[[str], list[Any]]:
    """Return a way to ask for the window of a series, as oandapyV20's manual shows it."""
    import oandapyV20  # noqa: PLC0415 - where ours does not pay for it a second time
    from oandapyV20.endpoints.instruments import InstrumentsCandles  # noqa: PLC0415

    oandapyV20.oandapyV20.TRADING_ENVIRONMENTS["practice"]["api"] = broker
    api = oandapyV20.API(TOKEN, environment="practice")
    parameters = {"granularity": "H1", "count": WINDOW, "price": "M"}

    def ask(name: str) -> list[Any]:
        answer: Any = api.request(InstrumentsCandles(name, params=parameters))
        candles: list[Any] = answer["candles"]
        return candles

    return ask


def _session_get(broker: str) -> Callable[[str], bytes]:
    session = requests.Session()
    session.trust_env = False
    return lambda path: session.get(broker + path, headers=_HEADERS, timeout=30).content


def _bare_get(broker: str) -> Callable[[str], bytes]:
    connection = http.client.HTTPConnection(broker.removeprefix("http://"))

    def get(path: str) -> bytes:
        connection.request("GET", path, headers=_HEADERS)
        return connection.getresponse().read()

    return get


def _told() -> Iterator[dict[str, Any]]:
    """Yield what comes in, one JSON object a line."""
    for line in sys.stdin:
        yield json.loads(line)


def main(name: str, *arguments: str) -> None:
    """Make wakes as told, and say what each cost this process: seconds of the clock, seconds of its processors."""
    contender = CONTENDERS[name](Stage(arguments))
    print(json.dumps({"ready": name}), flush=True)
    for told in _told():
        wall, cpu = time.perf_counter(), time.process_time()
        fresh = contender.wake(told["now"])
        wall = time.perf_counter() - wall
        getattr(contender, "settle", float)()
        cost = {"wall": wall, "cpu": time.process_time() - cpu, "fresh": fresh}
        print(json.dumps(cost | {"rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
