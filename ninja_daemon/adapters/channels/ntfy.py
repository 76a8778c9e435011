"""A topic of an ntfy server, ntfy.sh or one's own: priority, tags, and a page that a tap opens."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from ninja_daemon import __version__
from ninja_daemon.adapters.channels.kind import (
    ChannelKind,
    Complaints,
    Draft,
    endpoint_at,
    json_object,
    options_of,
    poster_for,
)
from ninja_daemon.adapters.channels.wording.plain import plain_text, subject
from ninja_daemon.adapters.channels.words import harmless, mark
from ninja_daemon.adapters.network.answers import failure_of
from ninja_daemon.adapters.network.connecting import url_complaint
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle, Severity
from ninja_daemon.core.messages.send_policy import Rate, SendPolicy
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.crossover import Side

_TOPIC: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)
_LONGEST: Final = 4_096
"""Bytes of a text; what is longer comes as a file to download."""
_PRIORITIES: Final = {"min": 1, "low": 2, "default": 3, "high": 4, "max": 5}
_QUIET: Final = 2
"""Priority that makes no sound; the first message has made it."""
_SEVERITIES: Final = {Severity.INFO: 2, Severity.WARNING: 3, Severity.ERROR: 4, Severity.CRITICAL: 5}
_SIDES: Final = {Side.BUY: "chart_with_upwards_trend", Side.SELL: "chart_with_downwards_trend"}


class Options(NamedTuple):
    """Options of an ntfy destination."""

    topic: Secret
    """Name of the topic; everybody who knows it can read it."""
    url: str = "https://ntfy.sh"
    """The server."""
    token: Secret | None = None
    """Access token of a topic that not everybody may write to."""
    priority: str = "default"
    """Priority of signals: ``min``, ``low``, ``default``, ``high`` or ``max``. Alerts have that of their severity."""
    tags: tuple[str, ...] = ()
    """Tags besides that of the side; the names of emojis are shown as these."""
    click: str = ""
    """Page that a tap opens; ``{id}`` and ``{mark}`` stand for the signal's id and its beginning."""
    insecure: bool = False
    """Allow plain http and addresses that are not public."""


class NtfyChannel:
    """Publishes JSON; a repeat has the sequence id of the first, by which ntfy 2.16 updates that in place.

    An older server answers without the sequence id and would show an update as a second message: it gets no picture.
    """

    def __init__(self, destination: Destination) -> None:
        """Prepare the server's address; nothing is connected yet."""
        self._options = options_of(destination, Options)
        self._poster = poster_for(destination, f"{self._options.url.rstrip('/')}/", insecure=self._options.insecure)
        self._policy = destination.policy
        self.provider = f"ntfy:{self._poster.parts.netloc}"

    def send(self, bundle: Bundle) -> PostResult:
        """Publish; see the port."""
        headers, body = self.written(bundle)
        reply = self._poster.post(body.encode(), headers)
        if isinstance(reply, Failure):
            return reply
        if 200 <= reply.status < 300:  # noqa: PLR2004 - the family of successes
            told = json_object(reply.body)
            sequence = _sequence_of(bundle)
            return Sent(sequence if told.get("sequence_id") == sequence else _message_id(told))
        return failure_of(reply)

    def illustrate(self, message_id: str, bundle: Bundle) -> PostResult:
        """Publish the message again in its place, as the text of a picture and without a sound; see the port."""
        if message_id != _sequence_of(bundle):
            return Failure(Fault.REFUSED, "this server changes no messages; ntfy does from version 2.16 on")
        (picture,) = bundle.attachments
        headers, body = self.written(bundle)
        message = json.loads(body)
        told = {"message": message["message"], "title": message["title"], "filename": picture.name}
        told |= {"priority": str(min(_QUIET, message["priority"])), "tags": ",".join(message["tags"])}
        if "click" in message:
            told["click"] = message["click"]
        target = f"{self._poster.parts.path}{self._options.topic.reveal()}?{urlencode(told)}"
        headers = {**headers, "Content-Type": picture.media_type, "X-Sequence-ID": message_id}
        reply = self._poster.post(picture.content, headers, target=target, method="PUT")
        if isinstance(reply, Failure):
            return reply
        is_accepted = 200 <= reply.status < 300  # noqa: PLR2004 - as above
        return Sent(message_id) if is_accepted else failure_of(reply)

    def written(self, bundle: Bundle) -> Draft:
        """Return what the server gets."""
        headers = {"Content-Type": "application/json", "User-Agent": f"ninja-daemon/{__version__}"}
        if self._options.token is not None:
            headers["Authorization"] = f"Bearer {self._options.token.reveal()}"
        title, text = subject(bundle, self._policy), plain_text(bundle, self._policy)
        message: dict[str, Any] = {
            "topic": self._options.topic.reveal(),
            "title": title,
            "message": _cut(text.removeprefix(f"{title}\n")),
            "priority": self._priority(bundle),
            "tags": self._tags(bundle),
            "sequence_id": _sequence_of(bundle),
        }
        if bundle.signals and self._options.click:
            identity = bundle.id
            message["click"] = self._options.click.replace("{id}", identity).replace("{mark}", mark(identity))
        return Draft(headers, json.dumps(message))

    def _priority(self, bundle: Bundle) -> int:
        if bundle.notice is not None:
            return _SEVERITIES[bundle.notice.severity]
        return _PRIORITIES[self._options.priority]

    def _tags(self, bundle: Bundle) -> list[str]:
        if not bundle.signals:
            return ["warning"] if bundle.notice and bundle.notice.severity is not Severity.INFO else []
        late = ["hourglass"] if any(signal.late for signal in bundle.signals) else []
        return [*late, *dict.fromkeys(_SIDES[signal.side] for signal in bundle.signals), *self._options.tags]

    def close(self) -> None:
        """Let the connection go."""
        self._poster.close()


def _sequence_of(bundle: Bundle) -> str:
    return _UNFIT.sub("_", bundle.id)[:64]


def _cut(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= _LONGEST else raw[: _LONGEST - 3].decode(errors="ignore") + "…"


def _message_id(told: dict[str, object]) -> str:
    found = told.get("id")
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def _complaints(destination: Destination) -> Complaints:
    options = options_of(destination, Options)
    found = []
    if _TOPIC.fullmatch(options.topic.reveal()) is None:
        found.append(("topic", "must be 1 to 64 letters, digits, _ or -"))
    if complaint := url_complaint(options.url, insecure=options.insecure):
        found.append(("url", complaint))
    if options.priority not in _PRIORITIES:
        found.append(("priority", f"must be one of {', '.join(_PRIORITIES)}"))
    if not all(tag and tag == harmless(tag) and "," not in tag for tag in options.tags):
        found.append(("tags", "must be texts without commas"))
    if options.click and not options.click.startswith(("https://", "http://")):
        found.append(("click", "must be an address that begins with https://"))
    return found


KIND: Final = ChannelKind(
    "ntfy", Options, NtfyChannel, endpoint_at("url", Options), _complaints, SendPolicy(rate=Rate(5, 5.0))
)
