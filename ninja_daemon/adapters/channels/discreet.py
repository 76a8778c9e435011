"""A channel that keeps its secrets although the other side sends them back.

What a service answers is quoted in logs, in the lane's state, in dead letters, and so by ``queue`` and ``status``; and
it may hold what was posted: an address with its token, a header.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ninja_daemon.adapters.network.redaction import Redaction
from ninja_daemon.core.messages.destination import Failure, Outcome
from ninja_daemon.core.messages.message import Parcel
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import Channel, EditableChannel


class DiscreetChannel:
    """Another channel, its outcomes cleaned of what that was trusted with."""

    def __init__(self, channel: Channel, secrets: Iterable[Secret]) -> None:
        """Wrap a channel.

        Args:
            channel: what does the work.
            secrets: what must not come back.
        """
        self._channel = channel
        self._redaction = Redaction(secrets)
        self.provider = channel.provider

    def send(self, parcel: Parcel) -> Outcome:
        """Send; see the port."""
        return self._cleaned(self._channel.send(parcel))

    def _cleaned(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Failure):
            return replace(outcome, text=self._redaction.text(outcome.text))
        return replace(outcome, message_id=self._redaction.text(outcome.message_id))

    def close(self) -> None:
        """Let the connections go."""
        self._channel.close()


class DiscreetEditableChannel(DiscreetChannel):
    """The same for a channel that can change what it has posted."""

    def __init__(self, channel: EditableChannel, secrets: Iterable[Secret]) -> None:
        """Wrap a channel; see ``DiscreetChannel``."""
        super().__init__(channel, secrets)
        self._editable = channel

    def edit(self, message_id: str, parcel: Parcel) -> Outcome:
        """Edit; see the port."""
        return self._cleaned(self._editable.edit(message_id, parcel))

    def illustrate(self, message_id: str, parcel: Parcel) -> Outcome:
        """Add a picture; see the port."""
        return self._cleaned(self._editable.illustrate(message_id, parcel))
