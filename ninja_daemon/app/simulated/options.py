"""What ``simulator`` is asked for: where it listens, the market that it serves, its time, and what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ninja_daemon.app.candles.markets import market_of
from ninja_daemon.app.candles.options import FileOptions, refuse
from ninja_daemon.core.errors import CandleRejected, ConfigError
from ninja_daemon.core.market.instant import parse_typed_instant
from ninja_daemon.simulator.answers.broker import DEFAULT_ACCOUNT
from ninja_daemon.simulator.clock import SimulatedClock
from ninja_daemon.simulator.faults import FaultScript
from ninja_daemon.simulator.faults.words import read_fault
from ninja_daemon.simulator.markets.completion import ByLag, ByNextTick, ByTime, Completion as CompletionRule
from ninja_daemon.simulator.markets.market import Market, RandomMarket

T = TypeVar("T")


class CompletionOptions(StrEnum):
    """When a candle that has ended is called complete."""

    TIME = "time"
    LAG = "lag"
    TICK = "tick"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where it listens, and who is let in."""

    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any that is free.")] = 8080
    host: Annotated[str, typer.Option(help="Address to listen on. It speaks plain http: keep it on this machine.")] = (
        "127.0.0.1"
    )
    token: Annotated[str, typer.Option(help="The access token that is good; every other is answered 401.")] = "demo"  # noqa: S105 - guards nothing
    account: Annotated[str, typer.Option(help="The account that belongs to the token.")] = DEFAULT_ACCOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketOptions:
    """Whose candles are served."""

    seed: Annotated[int, typer.Option(help="Another seed is another market; the same is the same, everywhere.")] = 1
    csv: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            metavar="PATH",
            help="Serve the candles of a file, or of a folder's files, instead of a random market: any format that "
            "docs/candle-files.md lists, named like EUR_USD_H4.csv or with an instrument in the name.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the broker behaves: its time, when candles turn complete, its hours, what goes wrong."""

    speed: Annotated[
        float,
        typer.Option(
            min=0, max=1_000_000, help="Simulated seconds a second; 0 stands still. Daemons live in real time."
        ),
    ] = 1.0
    start: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Simulated time at the start, 2015-01-05T00:00:00Z. Left out: now."),
    ] = None
    completion: Annotated[
        CompletionOptions,
        typer.Option(
            help="When an ended candle turns complete. time: at once. lag: after 1 to 5 seconds, now and then up to "
            "45, as the real server does. tick: with the next price, after a minute at the latest."
        ),
    ] = CompletionOptions.TIME
    lag: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="With --completion lag: always that many seconds.")
    ] = None
    always_open: Annotated[
        bool, typer.Option("--always-open", help="No weekends, holidays or daily break in the random market.")
    ] = False
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            help="Something that goes wrong: a name, perhaps =VALUE, and conditions after commas: times, skip, "
            "share, path, instrument, granularity. May be repeated; docs/simulator.md has the names.",
        ),
    ] = None

    def clock(self) -> SimulatedClock:
        """Return the broker's clock; a start that cannot be read is a usage error."""
        if self.start is None:
            real = self.speed == 1
            return SimulatedClock.real() if real else SimulatedClock.accelerated(time.time(), self.speed)
        text = self.start
        return SimulatedClock.accelerated(_understood("--start", lambda: parse_typed_instant(text)), self.speed)

    def rule(self) -> CompletionRule:
        """Return the rule by which candles turn complete; a lag without its rule is a usage error."""
        if self.completion is CompletionOptions.LAG:
            return ByLag() if self.lag is None else ByLag.of(self.lag)
        if self.lag is not None:
            refuse("--lag", "must be given together with --completion lag")
        return ByNextTick() if self.completion is CompletionOptions.TICK else ByTime()

    def faults(self, seed: int) -> FaultScript:
        """Return what goes wrong, drawn with a seed; a fault that cannot be read is a usage error."""
        return FaultScript(*_understood("--fault", lambda: [read_fault(text) for text in self.fault or ()]), seed=seed)


def market(chosen: MarketOptions, files: FileOptions, *, always_open: bool) -> Market:
    """Return the market to serve: a random one, or that of files; files that cannot be read are a usage error."""
    said, join = files.said(), files.timeframe()
    if chosen.csv is None:
        return RandomMarket(chosen.seed, always_open=always_open)
    path = chosen.csv
    return _understood("--csv", lambda: market_of(path, said, join))


def _understood(option: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ConfigError, CandleRejected, ValueError) as error:
        refuse(option, str(error))
