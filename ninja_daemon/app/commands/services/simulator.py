"""``ninja-daemon simulator``: the simulated broker, stand-alone."""

from __future__ import annotations

import shlex
import signal
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import typer

from ninja_daemon.adapters.candle_files.layout import Options
from ninja_daemon.app.candles import options
from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.core.errors import CandleRejected, ConfigError
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.market.instant import format_instant, parse_typed_instant
from ninja_daemon.core.market.market_hours import MarketHours
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.faults import FaultScript
from ninja_daemon.simulator.faults.words import read_fault
from ninja_daemon.simulator.markets.completion import ByLag, ByNextTick, ByTime, Completion as CompletionRule
from ninja_daemon.simulator.markets.market import Market, RandomMarket
from ninja_daemon.simulator.record import Served
from ninja_daemon.simulator.server import SimulatorServer

T = TypeVar("T")

_HIDDEN: Final = "***"


class Completion(StrEnum):
    """When a candle that has ended is called complete."""

    TIME = "time"
    LAG = "lag"
    TICK = "tick"


def simulator(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any that is free.")] = 8080,
    host: Annotated[
        str, typer.Option(help="Address to listen on. It speaks plain http: keep it on this machine.")
    ] = "127.0.0.1",
    token: Annotated[str, typer.Option(help="The access token that is good; every other is answered 401.")] = "demo",  # noqa: S107 - guards nothing
    account: Annotated[str, typer.Option(help="The account that belongs to the token.")] = DEFAULT_ACCOUNT,
    seed: Annotated[int, typer.Option(help="Another seed is another market; the same is the same, everywhere.")] = 1,
    csv: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="PATH",
            help="Serve the candles of a file, or of a folder's files, instead of a random market: any format that "
            "docs/candle-files.md lists, named like EUR_USD_H4.csv or with an instrument in the name.",
        ),
    ] = None,
    name: options.FORMAT = None,
    zone: options.ZONE = None,
    stamp: options.STAMP = None,
    join: options.JOIN = None,
    decimals: options.DECIMALS = None,
    columns: options.COLUMNS = None,
    time_format: options.TIME_FORMAT = None,
    separator: options.SEPARATOR = None,
    decimal_comma: options.DECIMAL_COMMA = False,
    price: options.PRICE = options.PriceOption.MID,
    speed: Annotated[
        float,
        typer.Option(
            min=0, max=1_000_000, help="Simulated seconds a second; 0 stands still. Daemons live in real time."
        ),
    ] = 1.0,
    start: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Simulated time at the start, 2015-01-05T00:00:00Z. Left out: now."),
    ] = None,
    completion: Annotated[
        Completion,
        typer.Option(
            help="When an ended candle turns complete. time: at once. lag: after 1 to 5 seconds, now and then up to "
            "45, as the real server does. tick: with the next price, after a minute at the latest."
        ),
    ] = Completion.TIME,
    lag: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="With --completion lag: always so many seconds.")
    ] = None,
    always_open: Annotated[
        bool, typer.Option("--always-open", help="No weekends, holidays or daily break in the random market.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            help="Something that goes wrong: a name, perhaps =VALUE, and conditions after commas: times, skip, "
            "share, path, instrument, granularity. May be repeated; docs/simulator.md has the names.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line a request.")] = False,
) -> None:
    """Serve a simulated OANDA v20 REST server."""
    if lag is not None and completion is not Completion.LAG:
        _refuse("--lag", "must be given together with --completion lag")
    faults = FaultScript(*_understood("--fault", lambda: [read_fault(text) for text in fault or ()]), seed=seed)
    said = options.file_options(
        name=name,
        zone=zone,
        stamp=stamp,
        decimals=decimals,
        columns=columns,
        time_format=time_format,
        separator=separator,
        decimal_comma=decimal_comma,
        price=price,
    )
    market = _market(csv, said, options.timeframe(join), seed, always_open=always_open)
    clock = _clock(start, speed)
    stop = threading.Event()
    _stop_on_signals(stop)
    try:
        server = SimulatorServer(
            market,
            token=token,
            account=account,
            host=host,
            port=port,
            clock=clock,
            completion=_rule(completion, lag),
            faults=faults,
            on_request=_silent if quiet else _RequestLines(token, stop),
        )
    except OSError as error:
        reason = f"were {host} and {port} ({error.strerror}); --port 0 takes any port that is free"
        _refuse("--host and --port", f"must be an address of this machine and a free port, {reason}")
    with server:
        _introduce(server, market, clock.now(), always_open=always_open, token=token)
        stop.wait()


def _refuse(option: str, message: str) -> NoReturn:
    raise typer.BadParameter(message, param_hint=option)


def _understood(option: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ConfigError, CandleRejected, ValueError) as error:
        _refuse(option, str(error))


def _market(csv: Path | None, said: Options, join: Granularity | None, seed: int, *, always_open: bool) -> Market:
    if csv is None:
        return RandomMarket(seed, always_open=always_open)
    return _understood("--csv", lambda: market_of(csv, said, join))


def _clock(start: str | None, speed: float) -> SimulatedClock:
    if start is None:
        return SimulatedClock.real() if speed == 1 else SimulatedClock.accelerated(time.time(), speed)
    return SimulatedClock.accelerated(_understood("--start", lambda: parse_typed_instant(start)), speed)


def _rule(completion: Completion, lag: float | None) -> CompletionRule:
    if completion is Completion.LAG:
        return ByLag() if lag is None else ByLag.of(lag)
    return ByNextTick() if completion is Completion.TICK else ByTime()


def _introduce(server: SimulatorServer, market: Market, now: float, *, always_open: bool, token: str) -> None:
    environ = f"OANDA_API_URL={server.url} OANDA_ACCESS_TOKEN={shlex.quote(token)}"
    typer.echo(f"simulated broker at {server.url}, account {server.broker.account}, {len(market.listings)} instruments")
    typer.echo(f"its time is {format_instant(int(now))}")
    if not always_open and isinstance(market, RandomMarket) and not MarketHours.FX.is_open(int(now)):
        typer.echo("the market is closed now, as on every weekend; with --always-open it never is")
    if always_open and isinstance(market, RandomMarket):
        typer.echo('strategies look while the real market is open, unless they say market_hours = "always":')
        typer.echo("config/simulator.toml is a sample that signals within the hour, on weekends, too")
    typer.echo(f"try it: {environ} ninja-daemon run --once")
    typer.echo("Ctrl-C ends it")


def _silent(served: Served) -> None:
    del served


class _RequestLines:
    """One line a request, without the token, even where a client has put it into the address."""

    def __init__(self, token: str, stop: threading.Event) -> None:
        self._token = token
        self._stop = stop

    def __call__(self, served: Served) -> None:
        query = {name: self._hidden(value) for name, value in served.query.items()}
        path = "/".join(quote(self._hidden(part)) for part in served.path.split("/"))
        address = f"{path}?{urlencode(query, safe=':,')}" if query else path
        struck = "".join(f" [{type(fault.effect).__name__}]" for fault in served.faults)
        outcome = served.status or "reset"
        try:
            typer.echo(
                f"{time.strftime('%H:%M:%S')} {outcome} {served.method} {address} "
                f"{served.size} bytes, connection {served.connection}{struck}"
            )
        except OSError:  # nobody reads any more
            self._stop.set()

    def _hidden(self, value: str) -> str:
        return _HIDDEN if value == self._token else value


def _stop_on_signals(stop: threading.Event) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        del number, frame
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
