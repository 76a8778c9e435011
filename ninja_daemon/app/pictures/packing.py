"""The daemon's part of a picture: behind the commit, in a thread of its own, candles are left for the notifier."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from queue import Full, Queue
from typing import Final, Protocol

import structlog

from ninja_daemon.adapters.stored.picture_pack import encode_pack
from ninja_daemon.app.background_writer import CLOSE_GRACE
from ninja_daemon.app.pictures.signal_view import fetched_view
from ninja_daemon.core.errors import NinjaError, StoreUnavailable
from ninja_daemon.core.messages.destination import Delivery
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.candle_ports import CandleSource
from ninja_daemon.usecases.wake_result import WakeResult

LIFE: Final = 3_600
"""Seconds for which a signal's candles wait for a notifier."""
_MOST_WAITING: Final = 500
"""Signals whose candles may wait to be asked for; more of one wake have no pictures."""


class PicturePacks(Protocol):
    """Where the candles of pictures lie. Each method raises StoreUnavailable."""

    def leave(self, identity: str, text: str, seconds: int) -> None:
        """Leave the candles of a signal for that many seconds."""

    def read(self, identity: str) -> str:
        """Return the candles of a signal, empty when there are none."""


class PicturePacker:
    """Asks the broker for the candles of listed signals and leaves them, when a destination wants pictures."""

    def __init__(self, source: CandleSource, places: Sequence[PicturePacks]) -> None:
        """Choose the broker and where the candles go; the thread begins with the first signal.

        Args:
            source: the broker.
            places: the first one that takes them has them.
        """
        self.is_wanted = False
        self._source = source
        self._places = places
        self._waiting: Queue[tuple[Strategy, Signal] | None] = Queue(_MOST_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._log = structlog.get_logger("ninja.daemon")

    def draws_for(self, delivery: Delivery) -> None:
        """Take note of whether any destination wants pictures."""
        self.is_wanted = any(one.policy.picture for one in delivery.destinations)

    def after(self, wake: WakeResult) -> None:
        """Hand over what a look listed; nobody waits for it."""
        if not self.is_wanted:
            return
        for strategy, signal in _listed(wake):
            try:
                self._waiting.put_nowait((strategy, signal))
            except Full:
                return
        with self._lock:  # several shards have one packer
            if self._thread is None and not self._waiting.empty():
                self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (job := self._waiting.get()) is not None:
            strategy, signal = job
            try:
                self._leave(signal.id, encode_pack(fetched_view(self._source, strategy, signal)))
            except Exception as error:  # noqa: BLE001 - a picture is a best effort; the next one may come about
                sentence = f"the candles for the picture of {signal.id} cannot be read: {error}"
                trace = None if isinstance(error, NinjaError) else error
                self._log.info(sentence, event_id="picture.no_candles", strategy=strategy.name, exc_info=trace)

    def _leave(self, identity: str, text: str) -> None:
        error: StoreUnavailable | None = None
        for place in self._places:
            try:
                place.leave(identity, text, LIFE)
            except StoreUnavailable as unavailable:
                error = unavailable
            else:
                return
        if error is not None:
            raise error

    def close(self) -> None:
        """Let what is being asked for end."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            with suppress(Full):
                self._waiting.put(None, timeout=CLOSE_GRACE)
            thread.join(CLOSE_GRACE)


def _listed(wake: WakeResult) -> Iterator[tuple[Strategy, Signal]]:
    for outcome in wake.results:
        for signal in outcome.signals:
            yield outcome.strategy, signal
