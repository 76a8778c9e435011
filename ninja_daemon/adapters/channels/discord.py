"""A Discord webhook: embeds, coloured by side; the service's rate limits obeyed before they bite."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from ninja_daemon import __version__
from ninja_daemon.adapters.channels.discord_api import WEBHOOK, failure_from, message_id, pause_of, versioned
from ninja_daemon.adapters.channels.kind import ChannelKind, Complaints, Draft, endpoint_at, options_of, poster_for
from ninja_daemon.adapters.channels.wording.discord_embeds import embeds_of
from ninja_daemon.adapters.channels.wording.languages import texts
from ninja_daemon.adapters.channels.wording.plain import is_laid_out, plain_text
from ninja_daemon.adapters.channels.words import shortened
from ninja_daemon.adapters.network.connecting import url_complaint
from ninja_daemon.adapters.network.multipart import form
from ninja_daemon.adapters.network.reachability import Trouble
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle, Kind
from ninja_daemon.core.messages.send_policy import Rate, SendPolicy
from ninja_daemon.core.secret import Secret

_WORTH_A_MENTION: Final = frozenset({Kind.SIGNAL, Kind.ALERT})
_ROLE: Final = re.compile(r"role:[1-9][0-9]{0,19}", re.ASCII)
_THREAD: Final = re.compile(r"[1-9][0-9]{0,19}", re.ASCII)
_MOST_ROLES: Final = 20
_LONGEST_CONTENT: Final = 2_000
_OK: Final = 200
_AGENT: Final = f"ninja-daemon ({__version__})"


class Options(NamedTuple):
    """Options of a Discord destination."""

    url: Secret
    """The webhook's URL, as Discord shows it."""
    thread_id: str | int = ""
    """Number of a thread, or of a post of a forum, in the webhook's channel."""
    mention: tuple[str, ...] = ()
    """Roles that signals and alerts mention: ``role:123``. Nobody else is ever mentioned."""
    insecure: bool = False
    """Allow plain http and addresses that are not public."""


class DiscordChannel:
    """Posts to a webhook with ``wait=true``, so that the answer names the message."""

    provider = "discord"

    def __init__(self, destination: Destination) -> None:
        """Prepare the webhook's address; nothing is connected yet."""
        options = options_of(destination, Options)
        self._poster = poster_for(destination, versioned(options.url.reveal()), insecure=options.insecure)
        self._policy = destination.policy
        parts = self._poster.parts
        others = [part for part in parts.query.split("&") if part and not part.startswith("wait=")]
        if options.thread_id:
            others = [*(part for part in others if not part.startswith("thread_id=")), f"thread_id={options.thread_id}"]
        self._roles = [role.removeprefix("role:") for role in options.mention]
        self._target = f"{parts.path}?{'&'.join([*others, 'wait=true'])}"
        # A message in a thread is found only with the thread it was posted to.
        self._thread = "".join(f"?{part}" for part in others if part.startswith("thread_id="))

    def send(self, bundle: Bundle) -> PostResult:
        """Post; see the port."""
        headers, body = self.written(bundle)
        return self._answered(body.encode(), headers, self._target, "POST")

    def edit(self, message_id: str, bundle: Bundle) -> PostResult:
        """Change a posted message; see the port. What is attached to it stays."""
        target = f"{self._poster.parts.path}/messages/{message_id}{self._thread}"
        headers, body = self.written(bundle)
        return self._answered(body.encode(), headers, target, "PATCH")

    def illustrate(self, message_id: str, bundle: Bundle) -> PostResult:
        """Attach the picture to a posted message, whose embeds stay; see the port."""
        (picture,) = bundle.attachments
        named = json.dumps({"attachments": [{"id": 0, "filename": picture.name}]})
        body, media_type = form({"payload_json": named}, {"files[0]": picture})
        target = f"{self._poster.parts.path}/messages/{message_id}{self._thread}"
        return self._answered(body, {"Content-Type": media_type, "User-Agent": _AGENT}, target, "PATCH")

    def _answered(self, body: bytes, headers: Mapping[str, str], target: str, method: str) -> PostResult:
        reply = self._poster.post(body, headers, target=target, method=method)
        if isinstance(reply, Failure):
            return reply
        if reply.status in {200, 204}:
            return Sent(message_id(reply), pause_of(reply))
        return failure_from(reply)

    def written(self, bundle: Bundle) -> Draft:
        """Return what the webhook gets."""
        headers = {"Content-Type": "application/json", "User-Agent": _AGENT}
        return Draft(headers, json.dumps(self._message(bundle)))

    def _message(self, bundle: Bundle) -> dict[str, Any]:
        message: dict[str, Any] = {"allowed_mentions": {"parse": []}}
        content = ""
        if not is_laid_out(bundle, self._policy):
            content = plain_text(bundle, self._policy)
        else:
            message["embeds"] = embeds_of(bundle, self._policy)
            content = texts(self._policy.language)["repeat"] if bundle.repeat else ""
        if self._roles and bundle.entries[0].kind in _WORTH_A_MENTION:
            message["allowed_mentions"]["roles"] = self._roles
            content = "\n".join(filter(None, [" ".join(f"<@&{role}>" for role in self._roles), content]))
        return message | ({"content": shortened(content, _LONGEST_CONTENT)} if content else {})

    def close(self) -> None:
        """Let the connection go."""
        self._poster.close()


def _complaints(destination: Destination) -> Complaints:
    options = options_of(destination, Options)
    found = []
    if complaint := url_complaint(options.url.reveal(), insecure=options.insecure):
        found.append(("url", complaint))
    elif WEBHOOK.fullmatch(urlsplit(options.url.reveal()).path) is None:
        found.append(("url", "must be the webhook's URL, https://discord.com/api/webhooks/…/…"))
    if options.thread_id and _THREAD.fullmatch(str(options.thread_id)) is None:
        found.append(("thread_id", "must be the number of a thread"))
    if len(options.mention) > _MOST_ROLES or not all(_ROLE.fullmatch(role) for role in options.mention):
        found.append(("mention", f'must be at most {_MOST_ROLES} roles like "role:123456789" (never everyone)'))
    return found


def _trial(destination: Destination) -> Trouble | None:
    """Ask for the webhook itself, which Discord shows to everybody who knows its address."""
    options = options_of(destination, Options)
    poster = poster_for(destination, versioned(options.url.reveal()), insecure=options.insecure)
    reply = poster.post(b"", {"User-Agent": _AGENT}, method="GET")
    poster.close()
    if isinstance(reply, Failure):
        return Trouble(reply.text)
    failure = None if reply.status == _OK else failure_from(reply)
    if failure is None or failure.fault is Fault.THROTTLED:
        return None
    return Trouble(failure.text, "is the webhook still there? Copy its address anew from the channel's integrations")


KIND: Final = ChannelKind(
    "discord",
    Options,
    DiscordChannel,
    endpoint_at("url", Options),
    _complaints,
    SendPolicy(rate=Rate(5, 2.0)),
    trial=_trial,
)
