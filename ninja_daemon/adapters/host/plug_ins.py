"""Filters and averages of installed packages: found by their entry points, called with a watch on them.

A plug-in that raises, or that does not come back in time, is named; its caller sets its strategy aside. One that runs
on in Python is broken off. One that waits inside the operating system cannot be: it is found out when it comes back.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from time import monotonic, sleep
from typing import Any, Final, TypeVar

from ninja_daemon.core.averages.plug_in import AveragePlugIn
from ninja_daemon.core.errors import PlugInFailed
from ninja_daemon.core.filters.plug_in import MOST_CANDLES, FilterPlugIn

FILTERS: Final = "ninja_daemon.filters"
AVERAGES: Final = "ninja_daemon.averages"
LONGEST_CALL: Final = 0.5
"""Seconds that one call may take. A useful one takes less than a millisecond."""
REST: Final = 60.0
"""Seconds for which a plug-in that was too slow is not called again, so that it does not hold up the others."""
_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}", re.ASCII)
_VERSION: Final = re.compile(r"[A-Za-z0-9_.\-]{1,32}", re.ASCII)
_LOOK: Final = 0.05
PlugIn = TypeVar("PlugIn", FilterPlugIn, AveragePlugIn)


def installed(group: str) -> Mapping[str, EntryPoint]:
    """Return the plug-ins of a group by name."""
    return {one.name: one for one in entry_points(group=group)}


@lru_cache(maxsize=64)
def filter_plug_in(name: str) -> FilterPlugIn:
    """Load a filter.

    Raises:
        ValueError: it is not installed, or is none.
    """
    found = _loaded(FILTERS, name, FilterPlugIn)
    if not 1 <= found.candles <= MOST_CANDLES:
        message = f"the plug-in {name} must look at 1 to {MOST_CANDLES} candles, looks at {found.candles}"
        raise ValueError(message)
    return replace(found, name=name, compare=WatchedCall(name, found.compare))


@lru_cache(maxsize=64)
def average_plug_in(name: str) -> AveragePlugIn:
    """Load an average.

    Raises:
        ValueError: it is not installed, or is none.
    """
    found = _loaded(AVERAGES, name, AveragePlugIn)
    return replace(
        found, name=name, value=WatchedCall(name, found.value), candles=lru_cache(WatchedCall(name, found.candles))
    )


def _loaded(group: str, name: str, kind: type[PlugIn]) -> PlugIn:
    known = installed(group)
    if name not in known or _NAME.fullmatch(name) is None:
        message = f"there is no plug-in {name[:64]!r}; installed are: {', '.join(sorted(known)) or 'none'}"
        raise ValueError(message)
    try:
        found = known[name].load()
    except Exception as error:
        message = f"the plug-in {name} cannot be loaded: {type(error).__name__}: {str(error)[:120]}"
        raise ValueError(message) from error
    if isinstance(found, kind) and _VERSION.fullmatch(found.version) is None:
        message = (
            f"the version of the plug-in {name} must be 1 to 32 letters, digits, . _ or -, was {found.version[:40]}"
        )
        raise ValueError(message)
    if not isinstance(found, kind):
        message = f"the plug-in {name} must be a {kind.__name__}, is a {type(found).__name__}"
        raise ValueError(message)  # noqa: TRY004 - for the caller the name is wrong
    return found


class _Broken(BaseException):
    """Raised inside a plug-in that does not come back."""


class WatchedCall:
    """A function of a plug-in that fails with an error of ours, whatever it does."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        """Watch a function; ``name`` stands in its errors."""
        self._name = name
        self._function = function
        self._rests_until = 0.0

    def __call__(self, *arguments: Any) -> Any:  # noqa: ANN401 - whatever the plug-in takes and returns
        """Call it.

        Raises:
            PlugInFailed: it raised, took too long, or did so within the last minute.
        """
        begun = monotonic()
        if begun < self._rests_until:
            raise self._slow()
        try:
            _WATCH.begin(begun + LONGEST_CALL)
            try:
                answer = self._function(*arguments)
            finally:
                _WATCH.end()
        except _Broken:
            self._rests_until = monotonic() + REST
            raise self._slow() from None
        except Exception as error:
            message = f"the plug-in {self._name} raised {type(error).__name__}: {str(error)[:120]}"
            raise PlugInFailed(message) from error
        if monotonic() - begun > LONGEST_CALL:
            self._rests_until = monotonic() + REST
            raise self._slow()
        return answer

    def _slow(self) -> PlugInFailed:
        message = f"the plug-in {self._name} took longer than {LONGEST_CALL} s; it is called again after {REST:.0f} s"
        return PlugInFailed(message)


class _Watch:
    """Breaks off calls that are past their time. Its thread runs while there is a call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[int, float] = {}
        self._thread: threading.Thread | None = None

    def begin(self, deadline: float) -> None:
        """Note a call of this thread."""
        with self._lock:
            self._calls[threading.get_ident()] = deadline
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="plug-in watch", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """Forget it; what was raised in this thread meanwhile arrives before this returns."""
        with self._lock:
            self._calls.pop(threading.get_ident(), None)
        for _ in range(2):
            pass  # the interpreter looks for it where a loop goes round

    def _run(self) -> None:
        import ctypes  # noqa: PLC0415 - not without plug-ins

        idle_since = monotonic()
        while True:
            sleep(_LOOK)
            now = monotonic()
            with self._lock:
                for thread, deadline in self._calls.items():
                    if now > deadline:
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_Broken))
                        self._calls[thread] = now + LONGEST_CALL
                idle_since = now if self._calls else idle_since
                if now - idle_since > 1:
                    self._thread = None
                    return


_WATCH: Final = _Watch()
