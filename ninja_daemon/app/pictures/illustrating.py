"""The notifier's part of a picture: a posted message gets it by an edit a moment later, in a thread of its own.

It is done with what is left: no signal waits for it, nothing is posted again for it, and a picture that does not come
about is counted. One thread draws and edits. It begins neither while the destination's lane is at work nor while
signals are on their way to any lane, so that it takes nothing of the rate and of the processors that signals need.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ninja_daemon.app.pictures.drawing import Drawer
from ninja_daemon.core.errors import JournalUnavailable, NinjaError
from ninja_daemon.core.messages.destination import Failure, Fault, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from ninja_daemon.usecases.delivery.delivery_ports import EditableChannel, IllustratedChannel, PostedMessages
from ninja_daemon.usecases.ports import Clock

_MOST_WAITING: Final = 500
"""Messages that wait for a picture; beyond, the one that waits longest stays without."""
_PATIENCE: Final = 20.0
"""Seconds from the post for which the candles of a signal are waited for, and that a drawing may take."""
_LOOK_EVERY: Final = 0.02
_TRIES: Final = 4
_LONGEST_WAIT: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Job:
    """A posted message that is to get a picture."""

    destination: str
    message_id: str
    bundle: Bundle
    posted_at: float


class Illustrator:
    """Gives posted messages their pictures."""

    def __init__(
        self,
        channels: Mapping[str, tuple[IllustratedChannel, str]],
        drawer: Drawer,
        posted: PostedMessages,
        clock: Clock,
        stop: threading.Event,
    ) -> None:
        """Prepare; the thread begins with the first message.

        Args:
            channels: by destination: a channel of this thread's own, and the reader's time zone.
            drawer: draws.
            posted: what the messages say by now.
            clock: for durations.
            stop: set when nobody waits any more.
        """
        self._tell: Callable[[Sequence[DeliveryEvent]], None] = lambda _: None
        self._is_busy: Callable[[str], bool] = lambda _: False
        self._idle = threading.Event()
        self._idle.set()
        self._channels = channels
        self._drawer = drawer
        self._posted = posted
        self._clock = clock
        self._jobs: deque[_Job] = deque()
        self._lock = threading.Lock()
        self._wake, self._stop = threading.Event(), stop
        self._thread: threading.Thread | None = None

    def begin(self, tell: Callable[[Sequence[DeliveryEvent]], None], is_busy: Callable[[str], bool]) -> None:
        """Say who is told of what happens, and which lanes are at work."""
        self._tell, self._is_busy = tell, is_busy

    def posted(self, bundle: Bundle, message_id: str) -> None:
        """Take note of a posted message; one with signals gets a picture."""
        if bundle.destination not in self._channels or not bundle.signals:
            return
        too_many: _Job | None = None
        with self._lock:
            if len(self._jobs) >= _MOST_WAITING:
                too_many = self._jobs.popleft()
            self._jobs.append(_Job(bundle.destination, message_id, bundle, self._clock.monotonic()))
            self._idle.clear()
            if len(self._jobs) == 1:  # A thread that has more to do looks by itself.
                self._wake.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
                self._thread.start()
        if too_many is not None:
            self._left_out(too_many, f"{_MOST_WAITING} messages wait for theirs")

    def _run(self) -> None:
        while not self._stop.is_set():
            job = self._next()
            if job is None:
                with self._lock:
                    if not self._jobs:
                        self._idle.set()
                # A lane that was at work may rest by now.
                self._wake.wait(_LOOK_EVERY if self._jobs else None)
                self._wake.clear()
                continue
            try:
                self._illustrate(job)
            except (NinjaError, OSError) as error:
                self._left_out(job, str(error))
            except Exception as error:  # noqa: BLE001 - a picture is a best effort; the next one may come about
                self._left_out(job, repr(error))

    def _next(self) -> _Job | None:
        resting = {name for name in self._channels if not self._is_busy(name)}
        with self._lock:
            job = next((one for one in self._jobs if one.destination in resting), None)
            if job is not None:
                self._jobs.remove(job)
        return job

    def _illustrate(self, job: _Job) -> None:
        channel, zone = self._channels[job.destination]
        patience = max(0.0, job.posted_at + _PATIENCE - self._clock.monotonic())
        picture = self._drawer.picture(job.bundle.signals, zone, patience, _PATIENCE)
        if self._is_busy(job.destination):  # The drawer keeps the picture.
            with self._lock:
                self._jobs.appendleft(job)
            return
        answer: Failure | Sent = Failure(Fault.REFUSED, "")
        for _ in range(_TRIES):
            bundle = replace(self._as_it_is(job), attachments=(picture,))
            answer = channel.illustrate(job.message_id, bundle)
            if not isinstance(answer, Failure):
                self._settle(job, channel, bundle)
                return
            if answer.fault not in {Fault.THROTTLED, Fault.UNREACHED, Fault.AMBIGUOUS}:
                break
            self._stop.wait(min(answer.wait or 1.0, _LONGEST_WAIT))
        self._left_out(job, answer.text if isinstance(answer, Failure) else "")

    def _settle(self, job: _Job, channel: IllustratedChannel, bundle: Bundle) -> None:
        """Say that the picture is there; an outcome that came while it was sent is shown again."""
        after = self._as_it_is(job)
        if after.results != bundle.results and isinstance(channel, EditableChannel):
            channel.edit(job.message_id, after)
        took = self._clock.monotonic() - job.posted_at
        fields = {"destination": job.destination, "id": job.bundle.id, "ms": f"{took * 1000:.1f}"}
        self._tell([DeliveryEvent("picture.shown", "debug", f"{job.destination} shows a picture", fields)])

    def _as_it_is(self, job: _Job) -> Bundle:
        try:
            found = self._posted.message_of(job.destination, job.bundle.id)
        except JournalUnavailable:
            found = None
        return job.bundle if found is None else found.bundle

    def _left_out(self, job: _Job, reason: str) -> None:
        sentence = f"a message at {job.destination} stays without its picture"
        fields = {"destination": job.destination, "id": job.bundle.id, "reason": reason}
        self._tell([DeliveryEvent("picture.left_out", "warning", sentence, fields)])

    def finish(self, patience: float = 5.0) -> None:
        """Wait until every message has its picture, or not, for that many seconds at most."""
        self._idle.wait(patience)

    def close(self) -> None:
        """End; pictures that wait are left out, which is said."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(1.0)
        with self._lock:
            left = list(self._jobs)
        for job in left:
            self._left_out(job, "the notifier ends, or takes changed settings over")
        for channel, _ in self._channels.values():
            channel.close()
