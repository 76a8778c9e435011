"""Every command with its help, in the order in which they are listed; the texts are in ``app.help_texts``."""

from __future__ import annotations

from typing import Final

from ninja_daemon.app.help_texts import history, services, upkeep, views

OVERVIEW: Final = """\
Exact moving average crossover signals from OANDA candles, every one listed once and delivered.

Two processes do the work: `run` finds signals and puts them on a Redis list, `notify` delivers them. New here?
`ninja-daemon demo` shows all of it with no account and no server; `ninja-daemon check` says what is missing for yours.
"""

_TEXTS: Final = {**services.HELP, **views.HELP, **history.HELP, **upkeep.HELP}
_ORDER: Final = (
    "run",
    "notify",
    "demo",
    "up",
    "check",
    "init",
    "reload",
    "status",
    "signals",
    "report",
    "verify",
    "why",
    "queue",
    "strategies",
    "replay",
    "audit",
    "import",
    "backup",
    "restore",
    "web",
    "simulator",
)
COMMANDS: Final = {name: _TEXTS[name] for name in _ORDER}
"""Every command by name, in the order in which they are listed."""
