"""(d) Candle complete → in the list → delivered: real daemon, real notifier, and the clock of one machine."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self
from urllib.parse import unquote

from benchmarks.canned import ACCOUNT, instrument_names
from benchmarks.children import ROOT, Child, clean_environment, redis_server
from benchmarks.results import Chapter, Figure, Table, at_most, quantile
from ninja_daemon.core.market.instant import parse_instant

DELAYS: Final = (0.0, 0.05, 0.2)
GROUPS: Final[Sequence[Mapping[int, float]]] = ({1: 2.0, 68: 0.0}, {340: 0.0})
"""What runs side by side: series, and seconds after the close at which the broker calls their candles complete. Two
daemons at once are never busy at the same moment."""
_PERIOD: Final = 5
_WARM: Final = 4
_CLOSES: Final = 4
_BEFORE_CLOSE: Final = 1.0
_START_LIMIT: Final = 60.0
_STOP_LIMIT: Final = 15.0
_TAIL: Final = 4.0
_HEADLINE: Final = (68, 0.05)
_PUSH: Final = re.compile(
    rb'^\+(\d+\.\d+) \[\d+ lua\] "rpush" "\{ninja\}:signals" .*?\\"id\\":\\"([0-9a-f]{32})\\"'
    rb'.*?\\"close_time\\":\\"([0-9TZ:-]+)\\"',
    re.IGNORECASE,
)
_TEXT: Final = """\
`ninja-daemon run` and `ninja-daemon notify` as processes, the simulated broker, a webhook and Redis as others.
Candles of five seconds, each of which makes every series cross, so that every series has a signal at every close. The
broker calls a candle complete at a known instant (*complete*: so long after its close); when the signal is in the
list is what Redis itself says (`MONITOR`); when it is delivered is when the webhook has read the post. All times are
of one clock. The broker answers after 0, 50 or 200 ms. The daemon has an account id and has seen {warm} closes
before, from which it learns when to look (decision 52); the wait until it looks is part of every figure (*asked*:
when the broker got the first request that could see the candle), and so is the simulator's own work. Signals of one
destination are delivered in order, one post after the other.
"""


@dataclass(slots=True)
class Pushes:
    """What Redis says of the list: ids, with when they were pushed and the close that they belong to."""

    seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def watch(self, url: str) -> Self:
        """Listen to a server on a unix socket."""
        wire = socket.socket(socket.AF_UNIX)
        wire.connect(unquote(url.removeprefix("unix://")))
        wire.sendall(b"MONITOR\r\n")
        wire.settimeout(0.2)
        self._thread = threading.Thread(target=self._listen, args=(wire,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _listen(self, wire: socket.socket) -> None:
        rest = b""
        with wire:
            while not self._stop.is_set():
                try:
                    rest += wire.recv(1 << 18)
                except TimeoutError:
                    continue
                *lines, rest = rest.split(b"\r\n")
                for line in lines:
                    if match := _PUSH.match(line):
                        self.seen[match[2].decode()] = (float(match[1]), parse_instant(match[3].decode()))


class Delays(NamedTuple):
    """Seconds from the complete candle, one a signal: to the first request that could see it, the list, the post."""

    asked: list[float]
    listed: list[float]
    delivered: list[float]


_Found = dict[tuple[int, float], Delays]
"""By number of series and the broker's delay."""


@dataclass(slots=True)
class Desk:
    """One daemon with all that it needs, and what is seen of it from outside."""

    series: int
    lag: float
    market: Child
    mailbox: Child
    pushes: Pushes

    def delays(self, delivered: Mapping[str, float], asked: Sequence[float], since: float, until: float) -> Delays:
        """Return what the closes of a span took, given when messages were delivered and the broker was asked."""
        found = Delays([], [], [])
        for name, (pushed, close) in dict(self.pushes.seen).items():
            if since < close <= until:
                complete = close + self.lag
                found.listed.append(pushed - complete)
                # The first request that saw the candle: those of one look come close together.
                found.asked.append(asked[min(bisect_left(asked, complete), len(asked) - 1)] - complete)
                if name in delivered:
                    found.delivered.append(delivered[name] - complete)
        return found


@contextmanager
def desk(series: int, lag: float) -> Iterator[Desk]:
    """Start broker, webhook, Redis, daemon and notifier."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(redis_server(directory))
        market = stack.enter_context(Child("market", str(series), str(lag)))
        mailbox = stack.enter_context(Child("mailbox"))
        config = directory / "ninja.toml"
        config.write_text(settings(instrument_names(series), "S5", mailbox.ready["url"]))
        environment = product_environment(directory, redis.url, market.ready["url"])
        pushes = Pushes().watch(redis.url)
        stack.callback(pushes.stop)
        processes = [stack.enter_context(product(command, environment)) for command in ("run", "notify")]
        made = Desk(series, lag, market, mailbox, pushes)
        _wait_for_signals(pushes, processes)
        yield made


def settings(names: Sequence[str], timeframe: str, webhook: str) -> str:
    """Write a configuration: one strategy a series, with averages that cross at every candle; one webhook."""
    strategies = "".join(
        f'[strategies.{name}_{timeframe}]\ninstrument = "{name}"\ntimeframe = "{timeframe}"\n' for name in names
    )
    listed = ", ".join(f'"{name}"' for name in names)
    return (
        f"extra_instruments = [{listed}]\n"
        '[defaults]\nfast_ma = 1\nslow_ma = 2\natr_period = 2\nmarket_hours = "always"\n'
        f'{strategies}[destinations.desk]\nchannel = "webhook"\nurl = "{webhook}/"\ninsecure = true\n'
    )


def product_environment(directory: Path, redis: str, broker: str) -> dict[str, str]:
    """Return the environment of the product's processes."""
    return clean_environment(
        REDIS_URL=redis,
        OANDA_API_URL=broker,
        OANDA_ACCESS_TOKEN="demo",  # noqa: S106 - guards nothing
        OANDA_ACCOUNT_ID=ACCOUNT,
        NINJA_CONFIG=str(directory / "ninja.toml"),
        NINJA_STATE_DIR=str(directory / "state"),
    )


@contextmanager
def product(command: str, environment: Mapping[str, str], *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of the product's processes, and end it as a service manager does."""
    words = [sys.executable, "-m", "ninja_daemon", command, "--log-level", "error", *options]
    with subprocess.Popen(words, cwd=ROOT, env=dict(environment)) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()


class _Plan(NamedTuple):
    """How a group is measured: closes before the first delay, closes under each, seconds for the last deliveries."""

    delays: Sequence[float]
    warm: int
    closes: int
    tail: float


def measure(*, quick: bool) -> Chapter:
    """Run each group of daemons through all delays."""
    groups = ({1: 0.0, 3: 2.0},) if quick else GROUPS
    delays = (0.05,) if quick else DELAYS
    found: _Found = {}
    lags = {series: lag for group in groups for series, lag in group.items()}
    for group in groups:
        with ExitStack() as stack:
            desks = [stack.enter_context(desk(series, lag)) for series, lag in group.items()]
            plan = _Plan(delays, *((1, 1, 1.0) if quick else (_WARM, _CLOSES, _TAIL)))
            _measure(desks, plan, found)
    rows = [_row(series, lags[series], delay, found[series, delay]) for series, delay in sorted(found)]
    head = [
        "series, broker's delay",
        "complete",
        "signals",
        "asked p50",
        "listed p50",
        "p99",
        "max",
        "delivered p50",
        "p99",
        "max",
    ]
    return Chapter(
        "From the complete candle to the list, and to the destination",
        _TEXT.format(warm=_WARM),
        [Table(head, rows)],
        _figures(found),
    )


def _measure(desks: Sequence[Desk], plan: _Plan, found: _Found) -> None:
    """Let closes pass under each delay; the first after a change is not counted."""
    spans = []
    for place, delay in enumerate(plan.delays):
        # Shortly before a close: what it is about has been dealt with long before.
        _sleep_until_close(-_BEFORE_CLOSE / 2)
        for each in desks:
            each.market.ask(delay=delay)
        since = _sleep_until_close(_BEFORE_CLOSE, plan.warm if place == 0 else 1)
        until = _sleep_until_close(-_BEFORE_CLOSE / 2, plan.closes + 1)
        spans.append((delay, since, until))
    time.sleep(plan.tail)
    for each in desks:
        delivered, asked = each.mailbox.ask(), sorted(each.market.ask()["asked"])
        for delay, since, until in spans:
            found[each.series, delay] = each.delays(delivered, asked, since, until)


def _sleep_until_close(offset: float, ahead: int = 1) -> float:
    """Sleep until so much before or after the next close but ``ahead`` − 1; return when that was."""
    at = (int(time.time()) // _PERIOD + ahead) * _PERIOD + offset
    time.sleep(max(0.0, at - time.time()))
    return at


def _wait_for_signals(pushes: Pushes, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _START_LIMIT
    while not pushes.seen:
        if time.monotonic() > deadline or any(process.poll() is not None for process in processes):
            message = f"daemon and notifier must run and find a signal within {_START_LIMIT:g} s, did not"
            raise RuntimeError(message)
        time.sleep(0.05)


def _row(series: int, lag: float, delay: float, found: Delays) -> list[str]:
    cells = [f"{series:,} series, {delay * 1e3:.0f} ms", f"{lag:g} s", f"{len(found.listed):,}"]
    cells.append(f"{quantile(found.asked, 0.5) * 1e3:,.0f} ms" if found.asked else "–")
    for values in (found.listed, found.delivered):
        points = [quantile(values, 0.5), quantile(values, 0.99), max(values)] if values else []
        cells += [f"{point * 1e3:,.0f} ms" for point in points] or ["–"] * 3
    return cells


def _figures(found: _Found) -> list[Figure]:
    series, delay = _HEADLINE if _HEADLINE in found else max(found)
    _, listed, delivered = found[series, delay]
    where = f"{series} series due at once, {delay * 1e3:.0f} ms of broker delay"
    listed_at = 1e3 * quantile(listed, 0.99)
    delivered_at = 1e3 * quantile(delivered, 0.5)
    return [
        at_most("latency-listed", f"p99 from the complete candle to the list, {where}", listed_at, 150.0, " ms"),
        Figure(
            "latency-delivered",
            f"p50 from the complete candle to the accepted post, {where}",
            delivered_at,
            f"{delivered_at:.0f} ms",
        ),
    ]
