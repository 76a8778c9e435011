"""A wrapper of a channel: it adds what the texts need, and hides secrets in what the service answers.

An answer is quoted in logs, in the lane's state and in dead letters; ``queue`` and ``status`` show them. It may repeat
what was posted: an address with its token, or a header.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ninja_daemon.adapters.channels.kind import Draft, WritingChannel
from ninja_daemon.adapters.channels.wording.briefing import Briefing
from ninja_daemon.adapters.network.redaction import Redaction
from ninja_daemon.core.messages.destination import Failure, PostResult
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import EditableChannel, IllustratedChannel


class DiscreetChannel:
    """Another channel whose outcomes hold no secret of the destination."""

    def __init__(self, channel: WritingChannel, secrets: Iterable[Secret], briefing: Briefing | None = None) -> None:
        """Wrap a channel.

        Args:
            channel: what does the work.
            secrets: what no outcome may show.
            briefing: adds to each bundle what its texts need.
        """
        self._channel = channel
        self._briefing = briefing or Briefing()
        self._redaction = Redaction(secrets)
        self.provider = channel.provider

    def send(self, bundle: Bundle) -> PostResult:
        """Send; see the port."""
        return self._cleaned(self._channel.send(self._briefing.of(bundle)))

    def _cleaned(self, outcome: PostResult) -> PostResult:
        if isinstance(outcome, Failure):
            return replace(outcome, text=self._redaction.text(outcome.text))
        return replace(outcome, message_id=self._redaction.text(outcome.message_id))

    def written(self, bundle: Bundle) -> Draft | Failure:
        """Show what would be sent, secrets blanked."""
        written, clean = self._channel.written(self._briefing.of(bundle)), self._redaction.text
        if isinstance(written, Failure):
            return replace(written, text=clean(written.text))
        return Draft({name: clean(value) for name, value in written.headers.items()}, clean(written.body))

    def close(self) -> None:
        """Let the connections go."""
        self._channel.close()


class DiscreetIllustratedChannel(DiscreetChannel):
    """The same for a channel whose messages can get a picture afterwards."""

    def __init__(
        self,
        channel: WritingChannel,
        illustrated: IllustratedChannel,
        secrets: Iterable[Secret],
        briefing: Briefing | None = None,
    ) -> None:
        """Wrap a channel; see ``DiscreetChannel``.

        Args:
            channel: what does the work.
            illustrated: the same, which adds pictures.
            secrets: what must not come back.
            briefing: adds to each bundle what its texts need.
        """
        super().__init__(channel, secrets, briefing)
        self._illustrated = illustrated

    def illustrate(self, message_id: str, bundle: Bundle) -> PostResult:
        """Add a picture; see the port."""
        return self._cleaned(self._illustrated.illustrate(message_id, self._briefing.of(bundle, is_edit=True)))


class DiscreetEditableChannel(DiscreetIllustratedChannel):
    """The same for a channel that can change what it has posted."""

    def __init__(
        self,
        channel: WritingChannel,
        editable: EditableChannel,
        secrets: Iterable[Secret],
        briefing: Briefing | None = None,
    ) -> None:
        """Wrap a channel; see ``DiscreetIllustratedChannel``, which ``editable`` is as well."""
        super().__init__(channel, editable, secrets, briefing)
        self._editable = editable

    def edit(self, message_id: str, bundle: Bundle) -> PostResult:
        """Edit; see the port."""
        return self._cleaned(self._editable.edit(message_id, self._briefing.of(bundle, is_edit=True)))
