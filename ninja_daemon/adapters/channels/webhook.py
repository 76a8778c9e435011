"""A webhook: the signal's JSON as the body, or one that another system wants; signed when there is a secret."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from ninja_daemon import __version__
from ninja_daemon.adapters.channels.kind import ChannelKind, Complaints, Draft, endpoint_at, options_of, poster_for
from ninja_daemon.adapters.channels.wording.body_template import body_complaint, filled_body, is_json
from ninja_daemon.adapters.channels.wording.presets import PRESETS, field_complaints, not_sent_because, revealed
from ninja_daemon.adapters.channels.wording.told import told_of
from ninja_daemon.adapters.network.answers import failure_of
from ninja_daemon.adapters.network.connecting import url_complaint
from ninja_daemon.adapters.network.signing import signature, signing_key
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.send_policy import LatePolicy, OutcomePolicy, SendPolicy
from ninja_daemon.core.secret import Secret

_ONE_A_BODY: Final = "must leave each signal a message of its own: the receiver reads one a body"
_LONGEST_ID: Final = 128
_ID: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)
_OWN_HEADERS: Final = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "te"})
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{1,4096}", re.ASCII)


class Options(NamedTuple):
    """Options of a webhook destination."""

    url: Secret
    """Address that messages are posted to."""
    insecure: bool = False
    """Allow plain http and addresses that are not public."""
    secret: Secret | None = None
    """Key that signs messages: base64 of at least 16 bytes, with ``whsec_`` before it or not."""
    headers: Mapping[str, Secret] | None = None
    """Headers that are sent besides; their values are secrets."""
    preset: str = ""
    """System whose documented body is sent in place of the signal's JSON."""
    fields: Mapping[str, str | Decimal | Secret] | None = None
    """What that system wants besides: a licence, a volume."""


class WebhookChannel:
    """Posts JSON; any 2xx accepts it (contract 6)."""

    def __init__(self, destination: Destination, now: Callable[[], float] = time.time) -> None:
        """Prepare address and key; nothing is connected yet."""
        options = options_of(destination, Options)
        self._poster = poster_for(destination, options.url.reveal(), insecure=options.insecure)
        self.provider = f"webhook:{destination.name}"
        self._key = signing_key(options.secret.reveal()) if options.secret else None
        self._more = {name: value.reveal() for name, value in (options.headers or {}).items()}
        self._preset, self._fields = PRESETS.get(options.preset), revealed(options.fields or {})
        self._policy = destination.policy
        self._now = now

    def send(self, bundle: Bundle) -> PostResult:
        """Post; see the port."""
        written = self.written(bundle)
        if isinstance(written, Failure):
            return written
        reply = self._poster.post(written.body.encode(), written.headers)
        if isinstance(reply, Failure):
            return reply
        if 200 <= reply.status < 300:  # noqa: PLR2004 - the family of successes
            return Sent(_message_id(reply.headers.get("webhook-message-id", "")))
        return failure_of(reply)

    def written(self, bundle: Bundle) -> Draft | Failure:
        """Return what the receiver gets, or why it gets nothing."""
        if self._wants_own_body and (reason := self._not_sent_because(bundle)):
            return Failure(Fault.REFUSED, reason)
        body = self._body(bundle)
        return Draft(self._headers(bundle, body.encode()), body)

    @property
    def _wants_own_body(self) -> bool:
        return self._preset is not None or bool(self._policy.template)

    def _not_sent_because(self, bundle: Bundle) -> str:
        if not bundle.signals:
            return "this webhook's body is made of a signal; alerts and tests have none"
        (told,) = told_of(bundle, self._policy)
        if self._preset is None:
            return ""
        return not_sent_because(self._preset, self._fields, told, repeat=bundle.repeat)

    def _body(self, bundle: Bundle) -> str:
        if self._wants_own_body:
            (told,) = told_of(bundle, self._policy)
            if self._preset is None:
                return filled_body(self._policy.template, told)
            return self._preset.body(told, self._fields)
        # The text as it stood in the list: no number passes through a float, no byte changes.
        texts = [entry.text for entry in bundle.entries]
        return f"[{','.join(texts)}]" if bundle.grouped or bundle.digest else texts[0]

    def _headers(self, bundle: Bundle, body: bytes) -> dict[str, str]:
        timestamp = int(self._now())
        kind = "digest" if bundle.digest else bundle.entries[0].kind.value
        headers = {
            "Content-Type": "application/json" if self._is_json else "text/plain; charset=utf-8",
            "User-Agent": f"ninja-daemon/{__version__}",
            "webhook-id": bundle.id,
            "webhook-timestamp": str(timestamp),
            "ninja-kind": kind,
        }
        if bundle.repeat:
            headers["ninja-possible-repeat"] = "true"
        if any(signal.late for signal in bundle.signals):
            headers["ninja-late"] = str(int(bundle.late_by))
        if self._wants_own_body:
            headers["Idempotency-Key"] = bundle.id
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, bundle.id, timestamp, body)
        return headers | self._more

    @property
    def _is_json(self) -> bool:
        if self._preset is not None:
            return self._preset.is_json
        return not self._policy.template or is_json(self._policy.template)

    def close(self) -> None:
        """Let the connection go."""
        self._poster.close()


def _message_id(text: str) -> str:
    return text if len(text) <= _LONGEST_ID and _ID.fullmatch(text) else ""


def _complaints(destination: Destination) -> Complaints:
    options, policy = options_of(destination, Options), destination.policy
    found = []
    if complaint := url_complaint(options.url.reveal(), insecure=options.insecure):
        found.append(("url", complaint))
    try:
        if options.secret:
            signing_key(options.secret.reveal())
    except ValueError as error:
        found.append(("secret", str(error)))
    found += [("headers", complaint) for complaint in _header_complaints(options.headers or {})]
    if options.preset and options.preset not in PRESETS:
        found.append(("preset", f"must be one of {', '.join(PRESETS)}, was {options.preset[:40]!r}"))
    elif options.preset:
        found += [("fields", complaint) for complaint in field_complaints(options.preset, options.fields or {})]
    elif options.fields:
        found.append(("fields", "must be left out without a preset"))
    if options.preset and policy.template:
        found.append(("template", "must be left out with a preset, which is a body of its own"))
    if not takes_notices(destination):
        found += [(key, _ONE_A_BODY) for key in _joined(policy)]
    return found


def _joined(policy: SendPolicy) -> list[str]:
    """Return the keys that ask for messages which are not one signal."""
    asked = {"group": policy.group, "late": policy.late is LatePolicy.DIGEST}
    asked["outcomes"] = policy.outcomes is not OutcomePolicy.NONE
    return [key for key, is_asked in asked.items() if is_asked]


def _header_complaints(headers: Mapping[str, Secret]) -> list[str]:
    """Say what is wrong with headers that a user adds; nothing of their values is quoted."""
    found = []
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OWN_HEADERS or name.lower().startswith("webhook-"):
            found.append(f"must not hold {name[:64]!r}: it is no name of a header, or one that is set here")
        elif not _HEADER_VALUE.fullmatch(value.reveal()):
            found.append(f"must hold values of one line of ASCII, that of {name} was not")
    return found


def takes_notices(destination: Destination) -> bool:
    """Tell whether there is a body for alerts and tests: not where it is made of a signal."""
    return not (options_of(destination, Options).preset or destination.policy.template)


KIND: Final = ChannelKind(
    "webhook",
    Options,
    WebhookChannel,
    endpoint_at("url", Options),
    _complaints,
    text_keys=frozenset({"template", "language", "symbols", "symbol_suffix"}),
    template_complaint=body_complaint,
    takes_notices=takes_notices,
)
