"""The configuration file as TOML: a bounded file, numbers as decimals."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ninja_daemon.core.errors import ConfigError

_LARGEST_FILE: Final = 16_777_216


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    content = _content(path)
    try:
        return tomllib.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        message = f"{path} must be TOML, was not: {str(error)[:200]}"
        raise ConfigError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} must be text in UTF-8, was not from byte {error.start} on"
        raise ConfigError(message) from error
    except (ValueError, ArithmeticError, RecursionError) as error:
        # Numbers of thousands of digits, or tables thousands deep, which the parser does not call a TOML error.
        message = f"{path} must be TOML with numbers and tables of ordinary size, was not"
        raise ConfigError(message) from error


def changed_at(path: Path) -> int | None:
    """Return when the file was last changed, in nanoseconds; None where it cannot be found."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError as error:
        message = (
            f"NINJA_CONFIG must name a configuration file, was {path}, which is not there; copy config/ninja.toml of "
            "the distribution (the sixteen strategies) to that place, or set NINJA_CONFIG to where yours is"
        )
        raise ConfigError(message) from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "not a path"
        message = f"NINJA_CONFIG must name a file that can be read, was {path} ({reason})"
        raise ConfigError(message) from error
    if len(content) > _LARGEST_FILE:
        message = f"{path} must be at most {_LARGEST_FILE} bytes, was larger"
        raise ConfigError(message)
    return content
