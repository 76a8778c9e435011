"""Settings on their way from the short-lived process that read them to the one that works by them.

Both are processes of one start, and what lies between them is a pipe that nobody else can open.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable, MutableMapping
from enum import Enum
from pathlib import Path
from typing import IO, Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ninja_daemon.adapters.host.plug_ins import filter_plug_in
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.lean.bodies import body_of
from ninja_daemon.app.plug_ins import recorded_kind
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.core.averages.plug_in import PlugInKind
from ninja_daemon.core.filters.plug_in import FilterPlugIn
from ninja_daemon.core.secret import Secret

_MADE_OF: Final = frozenset(
    {
        ("builtins", "frozenset"),
        ("decimal", "Decimal"),
        ("fractions", "Fraction"),
        ("zoneinfo", "ZoneInfo"),
    }
)


class Handed(NamedTuple):
    """What a lasting command works by.

    Attributes:
        options: those of its command line.
        environment: checked, like all that follows.
        configuration: what the file says; None where the command does not show it.
    """

    options: Any
    environment: Environment
    configuration: Configuration | None = None


def go_on(command: str, handed: Handed, waiting: Callable[[Handed], None] | None) -> int:
    """Work by the settings; return the exit code.

    Args:
        command: what to do.
        handed: the settings.
        waiting: gives them to the process that waits for them; None where this process goes on itself.
    """
    if waiting is None:
        return body_of(command)(handed)
    waiting(handed)
    return 0


def _own_environ() -> MutableMapping[str, str]:
    return os.environ


def _path(text: str) -> Path:
    return Path(text)


class _Packer(pickle.Pickler):
    """Packs secrets, which refuse every other way out, and names what the other process has itself."""

    def reducer_override(self, value: object) -> Any:  # noqa: ANN401 - as pickle has it
        if isinstance(value, Secret):
            return Secret, (value.reveal(),)
        if value is os.environ:
            return _own_environ, ()
        if isinstance(value, ZoneInfo):
            return ZoneInfo, (value.key,)
        if isinstance(value, PlugInKind):
            return recorded_kind, (str(value),)
        if isinstance(value, FilterPlugIn):
            return filter_plug_in, (value.name,)
        if isinstance(value, Path):  # whose module is another one in each release of Python
            return _path, (str(value),)
        if isinstance(value, Enum):  # some releases of Python name the member to getattr, which is no value of ours
            return type(value), (value.value,)
        return NotImplemented


class _Unpacker(pickle.Unpickler):
    """Reads values of ours, and what they are made of."""

    def find_class(self, module: str, name: str) -> object:
        """Return what a value is made by.

        Raises:
            UnpicklingError: no value of ours is.
        """
        if module.partition(".")[0] == "ninja_daemon" or (module, name) in _MADE_OF:
            return super().find_class(module, name)
        message = f"settings must be made of values of ours, had {module}.{name}"
        raise pickle.UnpicklingError(message)


def pack(value: object, file: IO[bytes]) -> None:
    """Write a value for the process at the other end."""
    _Packer(file, pickle.HIGHEST_PROTOCOL).dump(value)
    file.flush()


def unpack(file: IO[bytes]) -> Any:  # noqa: ANN401 - whatever was packed
    """Read what the process at the other end packed, to the end of the file; None when it packed nothing."""
    packed = file.read()
    return _Unpacker(io.BytesIO(packed)).load() if packed else None
