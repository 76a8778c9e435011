"""Draws the pictures of signals for the notifier: from the candles that the daemon left, kept for a while."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC
from typing import Final
from zoneinfo import ZoneInfo

from ninja_daemon.adapters.pictures.png import png_of
from ninja_daemon.adapters.stored.picture_pack import decode_pack
from ninja_daemon.app.pictures.drawn_pictures import attachment_of
from ninja_daemon.app.pictures.packing import PicturePacks
from ninja_daemon.core.errors import NinjaError, PictureRefused, StoreUnavailable
from ninja_daemon.core.messages.message import Attachment
from ninja_daemon.core.pictures.signal_view import SignalView
from ninja_daemon.core.pictures.theme import DARK
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.usecases.ports import Clock

_KEPT: Final = 16
"""Pictures that are kept for other destinations of the same signals."""
_LOOK_EVERY: Final = 0.05
SOON: Final = 1.0
"""Seconds that a message which cannot be edited waits for its picture."""
_REST: Final = 300.0
"""Seconds for which no message waits after one has waited without a picture."""


class Drawer:
    """Draws in a child process; used by several threads."""

    def __init__(self, packs: Sequence[PicturePacks], clock: Clock, stop: threading.Event) -> None:
        """Choose where the candles lie.

        Args:
            packs: where the candles of signals may lie.
            clock: for durations.
            stop: set when nobody waits any more.
        """
        self._packs = packs
        self._clock = clock
        self._stop = stop
        self._lock = threading.Lock()
        self._drawn: OrderedDict[tuple[str, int, str], bytes] = OrderedDict()
        self._rests_until = float("-inf")

    def picture(self, signals: Sequence[Signal], zone: str, patience: float, drawing: float = 0.1) -> Attachment:
        """Return the picture of signals, of the first of them where they are many.

        Args:
            signals: those of one message.
            zone: time zone of the reader; empty for UTC.
            patience: seconds for which the candles are waited for, and the drawing may take.
            drawing: seconds that the drawing may take at least, however long the candles were waited for.

        Raises:
            NinjaError: there are no candles, or they cannot be drawn.
        """
        from ninja_daemon.core.pictures.sheet import MOST, sheet_of  # noqa: PLC0415 - few messages have pictures

        shown = signals[:MOST]
        key = (shown[0].id, len(shown), zone)
        with self._lock:
            png = self._drawn.get(key)
        if png is None:
            deadline = self._clock.monotonic() + patience
            views = [self._view(signal, deadline) for signal in shown]
            svg = sheet_of(views, DARK, ZoneInfo(zone) if zone else UTC)
            png = png_of(svg, max(drawing, deadline - self._clock.monotonic()))
            self._keep(key, png)
        return attachment_of(signals, png)

    def soon(self, signals: Sequence[Signal], zone: str) -> tuple[Attachment, ...]:
        """Return the picture if it is ready within a second; for a while after a failed wait nobody waits."""
        now = self._clock.monotonic()
        try:
            return (self.picture(signals, zone, SOON if now >= self._rests_until else 0.0),)
        except (NinjaError, OSError):
            self._rests_until = now + _REST
            return ()

    def _keep(self, key: tuple[str, int, str], png: bytes) -> None:
        with self._lock:
            self._drawn[key] = png
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)

    def _view(self, signal: Signal, deadline: float) -> SignalView:
        while True:
            for place in self._packs:
                try:
                    if text := place.read(signal.id):
                        return decode_pack(text, signal)
                except StoreUnavailable:
                    continue
            if self._clock.monotonic() >= deadline or self._stop.wait(_LOOK_EVERY):
                message = "the daemon left no candles of this signal"
                raise PictureRefused(message)
