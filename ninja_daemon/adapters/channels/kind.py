"""A kind of channel: its name, its options, where it connects to. Every channel file ends with its own ``KIND``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

from ninja_daemon.adapters.channels.wording.template import template_complaint
from ninja_daemon.adapters.network.posting import Poster
from ninja_daemon.adapters.network.reachability import Endpoint, Trouble, endpoint_of_url
from ninja_daemon.core.messages.destination import Destination, Failure
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import Channel

Complaints: TypeAlias = list[tuple[str, str]]
"""Pairs of an option and what it must be."""
Options = TypeVar("Options")
TEXT_KEYS: Final = frozenset({"template", "style", "language", "symbols", "symbol_suffix"})
"""The keys of a destination that say how its messages are worded."""


class Draft(NamedTuple):
    """A message as it leaves."""

    headers: Mapping[str, str]
    """Its headers, in order."""
    body: str
    """The rest of it."""


class WritingChannel(Channel, Protocol):
    """A channel that can show what it would send."""

    def written(self, bundle: Bundle) -> Draft | Failure:
        """Return the message that ``send`` would send now, or why it would send none."""


def no_complaints(destination: Destination) -> Complaints:
    """Accept every destination whose options have the right types."""
    del destination
    return []


def takes_everything(destination: Destination) -> bool:
    """Say that every kind of message can be sent."""
    del destination
    return True


def no_endpoint(destination: Destination) -> Endpoint | None:
    """Say that it is not known where this channel connects to."""
    del destination
    return None


def no_trial(destination: Destination) -> Trouble | None:
    """Try nothing beyond a connection."""
    del destination
    return None


def endpoint_at(option: str, model: type[Any]) -> Callable[[Destination], Endpoint]:
    """Return the endpoint of channels that post to the address in an option."""

    def endpoint(destination: Destination) -> Endpoint:
        options = options_of(destination, model)
        url = getattr(options, option)
        return endpoint_of_url(url.reveal() if isinstance(url, Secret) else url, insecure=options.insecure)

    return endpoint


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One kind of channel.

    Attributes:
        name: ``channel = "NAME"`` of the configuration file.
        options: the model of its options, a NamedTuple: a field is a key, a field without default is required, the type
            says how it is read, and ``Secret`` keeps it out of every message. ``from_`` stands for the key ``from``.
        opened: makes the channel of a destination.
        endpoint: where the channel of a destination connects to; ``check`` tries it.
        complaints: finds what is wrong with options of the right types.
        policy: send policy of a destination that sets none.
        trial: speaks to the service without sending anything, and says what is wrong; None when nothing is.
        template_complaint: finds what is wrong with a ``template``; empty when nothing is.
        takes_notices: tells whether a destination has a message for alerts, reports and tests.
        text_keys: those of ``TEXT_KEYS`` that its messages use; the others are refused.
    """

    name: str
    options: Any
    opened: Callable[[Destination], WritingChannel]
    endpoint: Callable[[Destination], Endpoint | None]
    complaints: Callable[[Destination], Complaints] = no_complaints
    policy: SendPolicy = field(default_factory=SendPolicy)
    trial: Callable[[Destination], Trouble | None] = no_trial
    template_complaint: Callable[[str], str] = template_complaint
    takes_notices: Callable[[Destination], bool] = takes_everything
    text_keys: frozenset[str] = TEXT_KEYS

    @property
    def has_pictures(self) -> bool:
        """Whether its channels show pictures, by an edit or in the first message."""
        return hasattr(self.opened, "illustrate") or hasattr(self.opened, "inlines_pictures")

    @property
    def edits(self) -> bool:
        """Whether its channels can change what they have posted (``EditableChannel``)."""
        return hasattr(self.opened, "edit")


def key_of(name: str) -> str:
    """Return the key of the configuration file for a field of an options model."""
    return name.removesuffix("_")


def options_of(destination: Destination, model: type[Options]) -> Options:
    """Return a destination's options as its channel's model, defaults filled in."""
    return model(**{f"{key}_" if iskeyword(key) else key: value for key, value in destination.options.items()})


def poster_for(destination: Destination, url: str, *, insecure: bool) -> Poster:
    """Return what posts to an address of a destination, by its ``timeout`` and through its ``proxy``."""
    return Poster(url, insecure=insecure, deadline=destination.policy.timeout, proxy=destination.proxy)


def json_object(body: bytes) -> dict[str, object]:
    """Read a reply that should be a JSON object; an empty one when it is not."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
