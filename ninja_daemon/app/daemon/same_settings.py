"""Two daemons on one namespace must watch the same: the standby takes over what the active one leaves, no more.

The active daemon leaves the names and settings hashes of its strategies beside its lease. A daemon that does not get
the lease compares them with its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from ninja_daemon.core.errors import ConfigError, StoreUnavailable
from ninja_daemon.core.signals.strategy import Strategy

_NAMED: Final = 6


class SettingsBoard(Protocol):
    """Where the active daemon says what it watches."""

    def declare(self, holder: str, settings: Mapping[str, str]) -> None:
        """Say under which settings the holder of the lease works.

        Raises:
            StoreUnavailable: it was not written.
        """

    def declared(self, holder: str) -> Mapping[str, str] | None:
        """Return what this holder of the lease has declared; None when that is not known.

        Raises:
            StoreUnavailable: it cannot be read.
        """


def settings_of(strategies: Sequence[Strategy]) -> dict[str, str]:
    """Return the settings hash of each strategy by its name."""
    return {strategy.name: strategy.settings_hash for strategy in strategies}


def declare(board: SettingsBoard, holder: str, strategies: Sequence[Strategy]) -> bool:
    """Write what the holder of the lease watches; False when that failed, which stops nothing."""
    with contextlib.suppress(StoreUnavailable):
        board.declare(holder, settings_of(strategies))
        return True
    return False


def require_same(board: SettingsBoard, holder: str, strategies: Sequence[Strategy]) -> None:
    """Compare with what the holder of the lease watches.

    Raises:
        ConfigError: it watches something else; the text names the strategies and what to do.
    """
    if problem := difference(board, holder, strategies):
        raise ConfigError(problem)


def difference(board: SettingsBoard, holder: str, strategies: Sequence[Strategy]) -> str | None:
    """Return how our settings differ from those of the holder of the lease: empty if they do not, None if unknown."""
    try:
        theirs = board.declared(holder)
    except StoreUnavailable:
        return None
    ours = settings_of(strategies)
    if theirs is None or theirs == ours:
        return None if theirs is None else ""
    parts = [
        _listed("set otherwise", [name for name in ours if name in theirs and ours[name] != theirs[name]]),
        _listed("only here", [name for name in ours if name not in theirs]),
        _listed("only there", [name for name in theirs if name not in ours]),
    ]
    return (
        "two daemons under one NINJA_NAMESPACE must watch the same strategies with the same settings, but the "
        f"active one ({_shown(holder)}) does not: {'; '.join(part for part in parts if part)}. Give both the same "
        "configuration (stop the active one, then start this one), or give this one a NINJA_NAMESPACE of its own"
    )


def _listed(what: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(name[:64] for name in names[:_NAMED])}{more}"


def _shown(holder: str) -> str:
    """Name a holder as people look for it: process and host."""
    parts = holder.split("|")
    return f"process {parts[3]} on {parts[1]}" if len(parts) > 3 else holder[:60]  # noqa: PLR2004 - holder_token's parts
