"""Drawn pictures as attachments: in the first message where there are no edits, and by channels that edit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ninja_daemon.adapters.channels.registry import open_channel
from ninja_daemon.core.messages.destination import Delivery, PostResult
from ninja_daemon.core.messages.message import Attachment, Bundle
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.delivery_ports import Channel, IllustratedChannel

Drawn = Callable[[Sequence[Signal], str], tuple[Attachment, ...]]
"""Returns the picture of signals in a reader's time zone if it is ready soon, else nothing."""


class InlineChannel:
    """A channel whose first message holds the picture if that is ready soon; for e-mail, which cannot be edited."""

    def __init__(self, channel: Channel, drawn: Drawn, time_zone: str) -> None:
        """Wrap a channel.

        Args:
            channel: what sends.
            drawn: returns the picture of signals.
            time_zone: the reader's.
        """
        self._channel = channel
        self._drawn = drawn
        self._zone = time_zone
        self.provider = channel.provider

    def send(self, bundle: Bundle) -> PostResult:
        """Send; see the port."""
        if bundle.signals and bundle.outcome is None:
            bundle = replace(bundle, attachments=self._drawn(bundle.signals, self._zone))
        return self._channel.send(bundle)

    def close(self) -> None:
        """Let the connections go."""
        self._channel.close()


def illustrated(delivery: Delivery, strategies: Sequence[Strategy] = ()) -> dict[str, tuple[IllustratedChannel, str]]:
    """Return a channel for pictures, and the reader's zone, of each destination whose messages can get one later."""
    opened = {
        one.name: (open_channel(one, strategies), one.policy.time_zone)
        for one in delivery.destinations
        if one.policy.picture
    }
    return {name: (made, zone) for name, (made, zone) in opened.items() if isinstance(made, IllustratedChannel)}


def attachment_of(signals: Sequence[Signal], png: bytes) -> Attachment:
    """Return a picture as a file with a name."""
    first = signals[0]
    more = f"_and_{len(signals) - 1}_more" if len(signals) > 1 else ""
    return Attachment(f"{first.instrument}_{first.timeframe}_{first.id[:8]}{more}.png", "image/png", png)
