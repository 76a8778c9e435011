"""A destination that shows outcomes by edits: what it posts is remembered, and an outcome changes it (contract 8.5)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ninja_daemon.core.errors import JournalUnavailable
from ninja_daemon.core.messages import destination
from ninja_daemon.core.messages.destination import Failure, Fault, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.usecases.delivery.delivery_ports import EditableChannel, IllustratedChannel, PostedMessages
from ninja_daemon.usecases.ports import Clock

PostedHook = Callable[[Bundle, str], None]
"""Is told of a posted message of signals and of the service's name for it; waits for nothing."""
UNKNOWN: Final = "this machine knows no posted message of the signal"


class FollowingChannel:
    """Another channel whose posted messages are edited when their signals end."""

    def __init__(
        self,
        channel: IllustratedChannel,
        posted: PostedMessages,
        clock: Clock,
        *,
        edits: bool = True,
        on_posted: PostedHook | None = None,
    ) -> None:
        """Wrap a channel.

        Args:
            channel: what posts, and edits where it can.
            posted: what was posted.
            clock: when.
            edits: outcomes edit, which the channel must be able to; otherwise they are posted.
            on_posted: told of each message of signals.
        """
        self._channel = channel
        self._posted = posted
        self._clock = clock
        self._editable = channel if edits and isinstance(channel, EditableChannel) else None
        self._on_posted = on_posted
        self.provider = channel.provider

    def send(self, bundle: Bundle) -> destination.PostResult:
        """Post signals and notices, and remember the signals' message; edit that for an outcome; see the port."""
        if bundle.outcome is not None and self._editable is not None:
            return self._edited(self._editable, bundle)
        answer = self._channel.send(bundle)
        if isinstance(answer, Sent) and answer.message_id and bundle.signals:
            # What cannot be kept is said by the ledger, which is asked to remember the same message at once.
            if self._editable is not None:
                with contextlib.suppress(JournalUnavailable):
                    self._posted.keep_posted(bundle, answer.message_id, self._clock.now())
            if self._on_posted is not None:
                self._on_posted(bundle, answer.message_id)
        return answer

    def _edited(self, channel: EditableChannel, bundle: Bundle) -> destination.PostResult:
        try:
            found = self._posted.posted(bundle.destination, bundle.entries[0])
        except JournalUnavailable as error:
            return Failure(Fault.REFUSED, str(error))
        if found is None:
            return Failure(Fault.REFUSED, UNKNOWN)
        answer = channel.edit(found.message_id, found.bundle)
        if isinstance(answer, Failure) and answer.fault is Fault.BROKEN:
            # A destination that is gone shows when the next signal is posted; an edit never stops a lane.
            return replace(answer, fault=Fault.REFUSED)
        return answer

    def close(self) -> None:
        """Let the connections go."""
        self._channel.close()
