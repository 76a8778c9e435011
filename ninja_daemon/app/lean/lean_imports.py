"""What libraries load without need, left out: start and memory of the processes that last are counted.

``structlog`` takes rich along for tracebacks that our logs do not print, ``requests`` a guesser of encodings for
answers whose bytes we read ourselves, and ``redis`` clients for asyncio and for clusters.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Final

_TABLES: Final = ("rich",)
_GUESSERS: Final = ("chardet", "charset_normalizer")
_LOADING: Final = RLock()
_LATER: Final = frozenset({"redis", "redis.asyncio", "asyncio"})
_HOMES: Final = {
    "IncompleteReadError": "exceptions",
    "Lock": "locks",
    "StreamReader": "streams",
    "current_task": "tasks",
    "iscoroutinefunction": "coroutines",
}
"""In which modules of asyncio the names are that others take from it while they load, and logging with each record."""


def import_structlog() -> None:
    """Load structlog without rich."""
    with _left_out("structlog", _TABLES):
        import_module("structlog")


def import_requests() -> None:
    """Load requests without what guesses encodings; it does without, and warns."""
    with _left_out("requests", _GUESSERS), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("requests")


def load_in_parts() -> None:
    """Have asyncio and redis-py's packages be empty at first: what is taken from inside loads, all else when used."""
    if _LATER.isdisjoint(sys.modules):
        sys.meta_path.insert(0, _Later())


@contextmanager
def _left_out(library: str, names: Sequence[str]) -> Iterator[None]:
    """Hide the names while a library is loaded for the first time."""
    absent = [] if library in sys.modules else [name for name in names if name not in sys.modules]
    for name in absent:
        # What the import system itself takes for "there is no such module".
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


class _Later(MetaPathFinder):
    """Finds the packages that are loaded when the first name in them is wanted."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the package; everything else is for others to find."""
        if fullname not in _LATER:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Deferred(spec.loader)
        return spec


class _Deferred(Loader):
    """A loader that leaves a package empty; modules inside it can be imported all the same."""

    def __init__(self, real: Loader) -> None:
        self._real = real

    def exec_module(self, module: ModuleType) -> None:
        """Load nothing yet."""
        vars(module)["_load"] = self._real.exec_module
        module.__class__ = _Empty


class _Empty(ModuleType):
    """A package that is loaded when a name in it is wanted; other threads that want one wait meanwhile."""

    def __getattr__(self, name: str) -> object:
        if name in _HOMES:
            return getattr(import_module(f"{self.__name__}.{_HOMES[name]}"), name)
        if not name.startswith("__") and find_spec(f"{self.__name__}.{name}") is not None:
            return import_module(f"{self.__name__}.{name}")
        with _LOADING:
            load = vars(self).pop("_load", None)
            if load is not None:
                load(self)
                self.__class__ = ModuleType  # type: ignore[assignment]
        return ModuleType.__getattribute__(self, name)
