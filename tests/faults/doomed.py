"""Kill points: the places where daemon and notifier touch the outside world, and how a process dies at one of them.

A point is a method of a class that makes a port real: found by looking at the ports, so a new port or a new method of
one is a new point without anybody's help. What a port does not show (the bells, the spool behind the store, the
notifier's heartbeat) is listed here by hand.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import pkgutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ninja_daemon import adapters
from ninja_daemon.adapters.channels.discord import DiscordChannel
from ninja_daemon.adapters.channels.webhook import WebhookChannel
from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.journal.kept_commits import KeptCommits
from ninja_daemon.adapters.journal.queue.inbox import LocalDoorbell
from ninja_daemon.adapters.journal.queue.lanes import LocalQueueStore
from ninja_daemon.adapters.redis.queue.inbox import Doorbell
from ninja_daemon.adapters.redis.queue.lanes import RedisQueueStore
from ninja_daemon.usecases import candle_ports, ports
from ninja_daemon.usecases.delivery import delivery_ports

Moment = Literal["before", "after"]

# Time is asked without touching anything; the others have no place where a process could die that is not another's.
_NOT_OUTSIDE: Final = {
    "Clock.now",
    "Clock.monotonic",
    "Clock.wait",
    "CandleSource.changes",
    "Channel.close",
    *(f"{kind}Channel.{name}" for kind in ("Illustrated", "Editable") for name in ("send", "close")),
    "EditableChannel.illustrate",
} | {f"DaemonStore.{name}" for name in ("replayed", "kept_commits")}
_ONE_FOR_ALL: Final = {
    "Channel": (WebhookChannel,),
    "IllustratedChannel": (DiscordChannel,),
    "EditableChannel": (DiscordChannel,),
}
"""All channels are called at the same place; killing there differs by nothing but the service."""

_BY_HAND: Final[Mapping[type, tuple[str, ...]]] = {
    Doorbell: ("rang",),
    LocalDoorbell: ("rang",),
    RedisQueueStore: ("silences", "beat", "push_alert", "keep_figures"),
    LocalQueueStore: ("silences", "beat", "push_alert"),
    SqliteJournal: ("commit",),
    KeptCommits: ("keep", "begin", "reopen", "settle", "lead"),
}


@dataclass(frozen=True, slots=True)
class Doom:
    """Where a process kills itself.

    Attributes:
        point: name of a point.
        moment: before the call is made, or when it has been made, well or not, and nobody knows of it yet.
        call: which call of it, counted from 1.
    """

    point: str
    moment: Moment
    call: int = 1

    def __str__(self) -> str:
        return f"{self.moment} {self.point}" + (f" number {self.call}" if self.call > 1 else "")


def points() -> dict[str, tuple[type, str]]:
    """All kill points: class and method by name."""
    found = {_name(made, method): (made, method) for port in all_ports() for made, method in _touched(port)}
    found |= {_name(made, method): (made, method) for made, methods in _BY_HAND.items() for method in methods}
    return dict(sorted(found.items()))


def await_doom(doom: Doom) -> None:
    """Have this process kill itself at a point."""
    made, method = points()[doom.point]
    original: Callable[..., Any] = getattr(made, method)
    lock, calls = threading.Lock(), iter(range(1, 1_000_000))

    @functools.wraps(original)
    def doomed(*arguments: Any, **named: Any) -> Any:
        with lock:
            is_now = next(calls) == doom.call
        if is_now and doom.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return original(*arguments, **named)
        finally:
            if is_now:
                os.kill(os.getpid(), signal.SIGKILL)

    setattr(made, method, doomed)


def all_ports() -> list[type]:
    """Every Protocol through which the processes reach outside."""
    return [
        found
        for module in (candle_ports, ports, delivery_ports)
        for _, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__ and getattr(found, "_is_protocol", False)
    ]


def methods_of(port: type) -> list[str]:
    """What can be called on a port; its properties touch nothing."""
    return [
        name
        for base in port.__mro__
        if getattr(base, "_is_protocol", False) and base.__module__.startswith("ninja_daemon")
        for name, member in vars(base).items()
        if not name.startswith("_") and inspect.isfunction(member)
    ]


def implementations_of(port: type) -> list[type]:
    """The adapters that have all of a port's methods."""
    if port.__name__ in _ONE_FOR_ALL:
        return list(_ONE_FOR_ALL[port.__name__])
    return [made for made in _adapters() if all(callable(getattr(made, name, None)) for name in methods_of(port))]


def _touched(port: type) -> Iterator[tuple[type, str]]:
    for made in implementations_of(port):
        for method in methods_of(port):
            if f"{port.__name__}.{method}" not in _NOT_OUTSIDE:
                yield next(base for base in made.__mro__ if method in vars(base)), method


def _adapters() -> list[type]:
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(adapters.__path__, "ninja_daemon.adapters.")
        if "apprise" not in module.name
    ]
    return [
        found
        for module in modules
        for _, found in inspect.getmembers(module, inspect.isclass)
        if found.__module__ == module.__name__
    ]


def _name(made: type, method: str) -> str:
    return f"{made.__name__}.{method}"
