"""``run --once``: one pass, also while a daemon is at work (contract 4.10)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from ninja_daemon.adapters.host.lease_token import holder_token
from ninja_daemon.app.daemon.outcome_log import say_result
from ninja_daemon.app.daemon.same_settings import require_same
from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.core.market.news import NO_CALENDAR, Calendar
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.core.words import counted
from ninja_daemon.usecases.candle_ports import Wanted
from ninja_daemon.usecases.catch_up import catch_up
from ninja_daemon.usecases.ports import DaemonPorts
from ninja_daemon.usecases.wake_result import Start, StrategyResult, WakeResult

_LEASE: Final = 60.0
"""Seconds that a pass is expected to take at most. Correctness does not hang on it, the commits see to that."""
_WAIT: Final = 20.0
"""Seconds to wait for another daemon to let go or to be done."""
_STEP: Final = 2.0


def bring_up_to_date(
    strategies: Sequence[Strategy],
    ports: DaemonPorts,
    recorded: Callable[[WakeResult], None] = lambda _: None,
    calendar: Calendar = NO_CALENDAR,
) -> bool:
    """Make one pass under the lease, or wait for the daemon that holds it.

    Args:
        strategies: whom to bring up to date.
        ports: broker, store, journal and clock.
        recorded: keeps the record of what the pass listed.
        calendar: scheduled news.

    Raises:
        ConfigError: a daemon that holds the lease watches something else.

    Returns:
        Whether every strategy is up to date with the broker's newest complete candle.
    """
    token = holder_token("once")
    try:
        behind = _waited(strategies, ports, token)
        if behind is not None:
            return not behind
        return _pass_and_release(strategies, ports, token, recorded, calendar)
    except StoreUnavailable as error:
        structlog.get_logger("ninja.daemon").error(f"nothing could be done: {error}", event_id="redis.down")
        return False


def _waited(strategies: Sequence[Strategy], ports: DaemonPorts, token: str) -> Mapping[str, str] | None:
    """Wait for the lease; None when we hold it, else who is behind when the other daemon is done, which is said."""
    deadline = ports.clock.monotonic() + _WAIT
    while not (lease := ports.store.lease(token, _LEASE)).held:
        require_same(ports.store, lease.holder, strategies)
        behind = _behind(strategies, ports)
        if not behind:
            log = structlog.get_logger("ninja.daemon")
            log.info("another daemon has brought every strategy up to date", event_id="leader.other")
            return behind
        if ports.clock.monotonic() >= deadline:
            _say_behind(behind)
            return behind
        ports.clock.wait(threading.Event(), _STEP)
    return None


def _pass_and_release(
    strategies: Sequence[Strategy],
    ports: DaemonPorts,
    token: str,
    recorded: Callable[[WakeResult], None],
    calendar: Calendar,
) -> bool:
    try:
        wake = _pass(strategies, ports, calendar)
        recorded(wake)
        return all(one.error is None for one in wake.results)
    finally:
        ports.store.release(token)


def _pass(strategies: Sequence[Strategy], ports: DaemonPorts, calendar: Calendar) -> WakeResult:
    log = structlog.get_logger("ninja.daemon")
    began = ports.clock.monotonic()
    source, store, journal = ports.source, ports.store, ports.journal
    wake = catch_up(strategies, source=source, store=store, journal=journal, clock=ports.clock, calendar=calendar)
    seconds = ports.clock.monotonic() - began
    if wake.journal_error is not None:
        log.warning(f"the local journal could not be used: {wake.journal_error}", event_id="journal.down")
    for outcome in wake.results:
        _say(outcome)
    for change in ports.source.changes():
        log.warning(change, event_id="broker.instruments")
    if doubt := ports.source.doubt:
        log.warning(doubt, event_id="broker.doubt")
    behind = [outcome for outcome in wake.results if outcome.error is not None]
    new = sum(outcome.taken_in for outcome in wake.results)
    stored = sum(outcome.start is Start.STORED for outcome in wake.results)
    log.info(
        f"incremental fetch: {counted(new, 'new candle')} for {counted(len(strategies), 'strategy')} "
        f"in {seconds:.3f} s",
        event_id="wake",
        signals=sum(len(outcome.signals) for outcome in wake.results),
        waiting=len(behind),
        hit_ratio=f"{stored / len(strategies):.1%}",
    )
    return wake


def _say(outcome: StrategyResult) -> None:
    log = structlog.get_logger("ninja.daemon").bind(strategy=outcome.strategy.name)
    for note in outcome.notes:
        log.warning(f"{outcome.strategy.name}: {note}", event_id="state.unusable")
    if outcome.error is not None:
        log.error(
            f"{outcome.strategy.name} could not be brought up to date: {outcome.error}", event_id="strategy.trouble"
        )
    say_result(structlog.get_logger("ninja.daemon"), outcome)


def _say_behind(behind: Mapping[str, str]) -> None:
    log = structlog.get_logger("ninja.daemon")
    for name, reason in behind.items():
        log.error(f"{name} is behind while another daemon holds the lease: {reason}", event_id="strategy.trouble")


def _behind(strategies: Sequence[Strategy], ports: DaemonPorts) -> dict[str, str]:
    """Return the strategies for which the broker has newer complete candles than are taken in, with the reason."""
    loaded = ports.store.load(strategies)
    wanted: dict[str, Wanted] = {}
    behind: dict[str, str] = {}
    for strategy in strategies:
        known = loaded[strategy.name]
        if isinstance(known, NinjaError):
            behind[strategy.name] = str(known)
        elif known.cursor is None:
            behind[strategy.name] = "it was never started"
        else:
            wanted[strategy.name] = Wanted(strategy.series, known.cursor)
    answers = ports.source.newer(set(wanted.values())) if wanted else {}
    for name, request in wanted.items():
        answer = answers[request]
        if isinstance(answer, NinjaError):
            behind[name] = str(answer)
        elif answer.rejected is not None:
            behind[name] = str(answer.rejected)
        elif answer.candles:
            behind[name] = f"{len(answer.candles)} candles are waiting"
    return behind
