"""Drawn pictures as attachments: in the first message where there are no edits, and by channels that edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ninja_daemon.adapters.channels.registry import open_channel
from ninja_daemon.core.messages.destination import Delivery, Outcome
from ninja_daemon.core.messages.message import Attachment, Bundle
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.delivery_ports import Channel, EditableChannel

Drawn = Callable[[Signal, str], tuple[Attachment, ...]]
"""Returns the picture of a signal in a reader's time zone if it is drawn, else nothing."""


class InlineChannel:
    """A channel whose first message holds the picture, if that is drawn by then; for e-mail, which cannot be edited."""

    def __init__(self, channel: Channel, drawn: Drawn, time_zone: str) -> None:
        """Wrap a channel.

        Args:
            channel: what sends.
            drawn: returns the picture of a signal if it is there.
            time_zone: the reader's.
        """
        self._channel = channel
        self._drawn = drawn
        self._zone = time_zone
        self.provider = channel.provider

    def send(self, bundle: Bundle) -> Outcome:
        """Send; see the port."""
        if len(bundle.entries) == 1 and bundle.signals:
            bundle = replace(bundle, attachments=self._drawn(bundle.signals[0], self._zone))
        return self._channel.send(bundle)

    def close(self) -> None:
        """Let the connections go."""
        self._channel.close()


def illustrated(delivery: Delivery, strategies: Sequence[Strategy] = ()) -> dict[str, tuple[EditableChannel, str]]:
    """Return a channel for pictures, and the reader's zone, of each destination whose messages can get one later."""
    opened = {
        one.name: (open_channel(one, strategies), one.policy.time_zone)
        for one in delivery.destinations
        if one.policy.picture
    }
    return {name: (made, zone) for name, (made, zone) in opened.items() if isinstance(made, EditableChannel)}


def attachment_of(signal: Signal, png: bytes) -> Attachment:
    """Return a picture as a file with a name."""
    return Attachment(f"{signal.instrument}_{signal.timeframe}_{signal.id[:8]}.png", "image/png", png)
