"""The running picture of ``up`` and ``demo``: what the processes do, and every signal as it is delivered.

On a terminal it is redrawn in place below the delivered signals; anywhere else it is one line for each signal and one
for each thing that changes, so that a log file of it reads well.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.app.configuration import Configuration
from ninja_daemon.app.process.children import Child, keep_running, metrics_address, second_page
from ninja_daemon.app.process.ending import EXIT_CONFIGURATION
from ninja_daemon.app.process.stopping import STOPPING, stop_on_signals
from ninja_daemon.app.settings.environment import Environment
from ninja_daemon.app.settings.strategies import load_settings
from ninja_daemon.app.status.gathering import gather_status
from ninja_daemon.app.status.in_force import in_force
from ninja_daemon.app.status.picture import Status
from ninja_daemon.app.status.terminal import status_view
from ninja_daemon.core.errors import StoreUnavailable
from ninja_daemon.core.words import counted

_TALLER: Final = "make the window taller, or: ninja-daemon status --all"
_ROUND: Final = 0.5
_PLAIN_EVERY: Final = 10.0


def show_together(
    title: str, environ: Mapping[str, str], directory: Path, *, footer: str, trouble: Callable[[], str] = str
) -> int:
    """Run daemon and notifier under ``environ`` until a signal comes, and show what they do.

    Args:
        title: said at the top.
        environ: the whole environment of both.
        directory: where their messages go, one file each.
        footer: said at the bottom.
        trouble: what happened to what else was started, in a sentence; empty while nothing has.

    Returns:
        The exit code: 0, or 78 when one of them cannot work with its configuration.

    Raises:
        ConfigError: the configuration cannot work; nothing was started.
    """
    environment, configuration = load_settings(environ)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    picture = _Picture(title, footer + _where_figures_are(environment), environment, configuration, trouble)
    elsewhere = second_page(environ, environment.metrics)
    notifier = Child(["notify"], elsewhere, directory / "notifier.log", picture.delivered)
    children = [Child(["run"], environ, directory / "daemon.log"), notifier]
    with picture:
        code = keep_running(children, _stopping(), lambda: picture.redraw(children), _ROUND)
    if code == EXIT_CONFIGURATION:
        _say_last_words(children)
    return code


def _stopping() -> threading.Event:
    stop = threading.Event()
    stop_on_signals(stop, (*STOPPING, signal.SIGHUP))
    return stop


def _say_last_words(children: Sequence[Child]) -> None:
    for child in children:
        if child.code == EXIT_CONFIGURATION:
            sys.stderr.write(child.last_words() + "\n")


def _where_figures_are(environment: Environment) -> str:
    if environment.metrics is None or not (port := environment.metrics[1]):
        return ""
    return f"\nFigures: http://{metrics_address(*environment.metrics)}/metrics, the notifier's on port {port + 1}"


class _Picture:
    """What is on the screen."""

    def __init__(
        self,
        title: str,
        footer: str,
        environment: Environment,
        configuration: Configuration,
        trouble: Callable[[], str],
    ) -> None:
        self._title = title
        self._trouble = trouble
        self._footer = footer
        self._environment = environment
        self._configuration = configuration
        self._console = Console(highlight=False)
        self._clock = SystemClock()
        self._live: Live | None = None
        self._signals = 0
        self._said = ""
        self._spoke = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._console.print(Text(self._title, style="bold"))
        if self._console.is_terminal:
            self._live = Live("", console=self._console, auto_refresh=False, transient=False)
            self._live.start()
        else:
            self._console.print(self._footer)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()
        self._console.print(f"stopped; {self._signals} lines came from the notifier's console")

    def delivered(self, line: str) -> None:
        """Show a line that the notifier's console channel has written."""
        with self._lock:
            self._signals += bool(line.strip())
            self._console.print(Text.from_ansi(line), soft_wrap=True)

    def redraw(self, children: Sequence[Child]) -> None:
        """Look again and show it."""
        try:
            strategies, _ = in_force(self._environment, self._configuration)
            status = gather_status(self._environment, strategies, self._clock.now())
        except StoreUnavailable as error:
            status, problem = None, str(error)
        else:
            problem = "; ".join(filter(None, [self._trouble(), *_restarts(children)]))
        with self._lock:
            if self._live is not None:
                self._live.update(self._view(status, problem), refresh=True)
            else:
                self._say(problem if status is None else _sentence(status, problem))

    def _view(self, status: Status | None, problem: str) -> RenderableType:
        below = [Text(problem, style="red")] if problem else []
        below.append(Text(self._footer, style="dim"))
        if status is None:
            return Group(Text(""), *below)
        width = self._console.width
        taken = 1 + sum(len(self._console.render_lines(part)) for part in below)
        # The cursor takes one line: a picture as high as the window would scroll at every redraw.
        room = self._console.height - taken - 1
        return Group(Text(""), status_view(status, width, room, cure=_TALLER), *below)

    def _say(self, sentence: str) -> None:
        now = self._clock.monotonic()
        if sentence != self._said and now - self._spoke >= _PLAIN_EVERY:
            self._said, self._spoke = sentence, now
            self._console.print(sentence, soft_wrap=True)


def _restarts(children: Sequence[Child]) -> list[str]:
    return [
        f"{child.name} was started again {counted(child.starts - 1, 'time')}, see {child.log}"
        for child in children
        if child.starts > 1
    ]


def _sentence(status: Status, problem: str) -> str:
    fresh = sum(figures.last_candle is not None and not figures.is_stale for figures in status.strategies)
    beat = status.daemon or {}
    found = sum(figures.counts.signals for figures in status.strategies)
    text = (
        f"{fresh} of {counted(len(status.strategies), 'strategy')} up to date, "
        f"{beat.get('evaluated', 0)} candles taken in "
        f"in {beat.get('wakes', 0)} wakes, {counted(found, 'signal')} found, {status.queued} waiting on the list"
    )
    return f"{text}; {problem}" if problem else text
