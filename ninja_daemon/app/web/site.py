"""What both sites show, and the public one, which is made of published signals alone; the owner's is in owner/."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Protocol

from ninja_daemon.adapters.network.redaction import escaped
from ninja_daemon.app.web.events import Entries, EventStream
from ninja_daemon.app.web.html import Child, element
from ninja_daemon.app.web.layout import Navigation, notice, page
from ninja_daemon.app.web.look import Histories
from ninja_daemon.app.web.record.delayed_record import DelayedRecord
from ninja_daemon.app.web.record.page import public_record_content
from ninja_daemon.app.web.signal_pages import Outcomes, WantedSignals, feed, signal_content, signals_content
from ninja_daemon.core.errors import ConfigError, StoreUnavailable
from ninja_daemon.core.market.instant import Instant
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.words import duration
from ninja_daemon.usecases.ports import Clock

_HTML: Final = "text/html; charset=utf-8"
_STATIC: Final = {
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer.

    Attributes:
        status: of HTTP.
        kind: its content type.
        body: its content.
    """

    status: int
    kind: str
    body: bytes


class Site(Protocol):
    """What the server asks."""

    @property
    def stream(self) -> EventStream:
        """The events."""

    def answer(self, path: str, query: Query, origin: str) -> Response:
        """Return what an address shows; ``origin`` is by which scheme, name and port it was asked."""

    def close(self) -> None:
        """Let connections go."""


class Pages:
    """What both sites have: files, feed, events, pages of signals, and errors as pages."""

    def __init__(self, histories: Histories, clock: Clock, navigation: Navigation, delay: float | None = None) -> None:
        def entries() -> Entries:
            newest = histories.newest().entries
            return newest if delay is None else [entry for entry in newest if self._is_due(entry[0].close_time)]

        self._delay = delay
        self._histories = histories
        self.stream = EventStream(entries)
        self._entries = entries
        self._clock = clock
        self._navigation = navigation
        self._public = delay is not None
        folder = files("ninja_daemon.app.web") / "static"
        self._static = {path: (kind, (folder / name).read_bytes()) for path, (name, kind) in _STATIC.items()}

    def answer(self, path: str, query: Query, origin: str) -> Response:
        """Return what an address shows."""
        if path in self._static:
            kind, body = self._static[path]
            return Response(200, kind, body)
        try:
            if path == "/feed.json":
                return Response(200, "application/feed+json", feed(self.signals(), origin))
            return self.shown(path, query) or self._lost()
        except (StoreUnavailable, ConfigError) as error:
            return self._away(path, error)

    def close(self) -> None:
        """Let connections go."""
        self._histories.close()

    def shown(self, path: str, query: Query) -> Response | None:
        """Return the page of an address; None where there is none."""
        signals = self.signals
        if path == "/signals":
            wanted = WantedSignals.of(query)
            content = signals_content(signals(), self.outcomes(), wanted)
            return self.page("Signals", content, here="/signals", status=400 if wanted.problem else 200)
        if path == "/healthz":
            signals()
            return _health(good=True, reasons=[])
        if path.startswith("/signals/"):
            return self._signal_page(path.removeprefix("/signals/"))
        return None

    def _is_due(self, closed: Instant) -> bool:
        return self._delay is None or closed <= self._clock.now() - self._delay

    def outcomes(self) -> Outcomes:
        """Return how signals ended, as far as it may be shown."""
        outcomes = self._histories.newest().outcomes
        return {each: outcome for each, outcome in outcomes.items() if self._is_due(outcome.exit_time)}

    def signals(self) -> Sequence[Signal]:
        """Return the signals that may be shown, oldest first."""
        return [signal for signal, _ in self._entries()]

    def _signal_page(self, identity: str) -> Response | None:
        for signal in self.signals():
            if signal.id == identity:
                title = f"{signal.side.name} {signal.instrument} {signal.timeframe}"
                return self.page(
                    title, signal_content(signal, self.outcomes().get(identity), self.more(signal)), here="/signals"
                )
        return None

    def more(self, signal: Signal) -> Child:
        """Return what follows the numbers of a signal."""
        del signal
        return None

    def _lost(self) -> Response:
        return self.page("Not here", element("p", "There is no such page."), status=404)

    def _away(self, path: str, error: StoreUnavailable | ConfigError) -> Response:
        # Strangers are not told what is wrong with the machine.
        reason = "the signals cannot be read at the moment" if self._public else escaped(str(error))
        if path in {"/healthz", "/feed.json"}:
            return _health(good=False, reasons=[reason])
        content = notice([reason, "." if self._public else ". Nothing can be shown until it answers."])
        return self.page("Not available", content, status=503)

    def page(self, title: str, content: Child, *, here: str = "", status: int = 200) -> Response:
        """Return a whole page."""
        body = page(
            title,
            content,
            at=self._clock.now(),
            here=here,
            navigation=self._navigation,
            is_public=self._public,
        )
        return Response(status, _HTML, body)


def _health(*, good: bool, reasons: Sequence[str]) -> Response:
    body = json.dumps({"good": good, "reasons": list(reasons)}) + "\n"
    return Response(200 if good else 503, "application/json", body.encode())


class PublicSite(Pages):
    """Signals, outcomes and record whose delay is over, and nothing else: the rest is not even known here."""

    def __init__(self, histories: Histories, record: DelayedRecord, clock: Clock, delay: float) -> None:
        """Read nothing yet.

        Args:
            histories: the signals.
            record: the record, as far as it may be shown.
            clock: time.
            delay: seconds after the candle's close from which on a signal is shown.
        """
        super().__init__(histories, clock, (("/", "Signals"), ("/record", "Record"), ("/feed.json", "Feed")), delay)
        self._record = record
        self._seconds = delay

    def shown(self, path: str, query: Query) -> Response | None:
        """Return the page of an address."""
        if path == "/":
            signals = self.signals()
            after = duration(self._seconds)
            words = f"Every signal is shown {after} after the close of its candle. They are no advice."
            wanted = WantedSignals.of(query)
            content = [element("p", words), signals_content(signals, self.outcomes(), wanted)]
            return self.page("Signals", content, here="/", status=400 if wanted.problem else 200)
        if path == "/record":
            shown = self._record.until(self._clock.now() - self._seconds)
            return self.page("Record", public_record_content(shown, duration(self._seconds)), here="/record")
        return super().shown(path, query)
