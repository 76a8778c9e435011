"""Which channels there are: the one place to add one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ninja_daemon.adapters.channels.apprise_channel import AppriseChannel
from ninja_daemon.adapters.channels.console import ConsoleChannel
from ninja_daemon.adapters.channels.discord import DiscordChannel
from ninja_daemon.adapters.channels.discreet import DiscreetChannel
from ninja_daemon.adapters.channels.mail import MailChannel
from ninja_daemon.adapters.channels.options import text_option
from ninja_daemon.adapters.channels.telegram import TelegramChannel
from ninja_daemon.adapters.channels.webhook import WebhookChannel
from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.messages.send_policy import Rate
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery_ports import Channel

Complaints = list[tuple[str, str]]


def _none(destination: Destination) -> Complaints:
    del destination
    return []


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """One kind of channel.

    Attributes:
        opened: makes the channel of a destination.
        complaints: what is wrong with its options: pairs of key and what it must be.
        options: names of its options, each with its type.
        needed: those that must be set.
        secret: those that are secrets, so that a literal one is never shown.
        rate: the rate when the configuration names none.
    """

    opened: Callable[[Destination], Channel]
    complaints: Callable[[Destination], Complaints]
    options: Mapping[str, type]
    needed: tuple[str, ...] = ()
    secret: frozenset[str] = frozenset()
    rate: Rate | None = None


KINDS: Final[Mapping[str, ChannelKind]] = {
    "console": ChannelKind(ConsoleChannel, _none, {}),
    "webhook": ChannelKind(
        WebhookChannel,
        WebhookChannel.complaints,
        {"url": str, "insecure": bool, "secret": str},
        needed=("url",),
        secret=frozenset({"url", "secret"}),
    ),
    "discord": ChannelKind(
        DiscordChannel,
        DiscordChannel.complaints,
        {"url": str, "insecure": bool},
        needed=("url",),
        secret=frozenset({"url"}),
        rate=Rate(5, 2.0),
    ),
    "telegram": ChannelKind(
        TelegramChannel,
        TelegramChannel.complaints,
        {"token": str, "chat_id": str, "api_url": str, "insecure": bool},
        needed=("token", "chat_id"),
        secret=frozenset({"token"}),
        rate=Rate(1, 1.0),
    ),
    "email": ChannelKind(
        MailChannel,
        MailChannel.complaints,
        {
            "host": str,
            "port": int,
            "security": str,
            "user": str,
            "password": str,
            "from": str,
            "to": tuple,
            "insecure": bool,
        },
        needed=("host", "from", "to"),
        secret=frozenset({"password"}),
        rate=Rate(20, 60.0),
    ),
    "apprise": ChannelKind(
        AppriseChannel,
        AppriseChannel.complaints,
        {"url": str},
        needed=("url",),
        secret=frozenset({"url"}),
    ),
}


def is_sound(destination: Destination) -> bool:
    """Tell whether a destination has all that its channel needs, and no complaints about it."""
    kind = KINDS[destination.channel]
    return all(name in destination.options for name in kind.needed) and not kind.complaints(destination)


def open_channel(destination: Destination) -> Channel:
    """Return the channel of a destination whose options have no complaints."""
    kind = KINDS[destination.channel]
    secrets = [Secret(text) for name in kind.secret if (text := text_option(destination, name))]
    return DiscreetChannel(kind.opened(destination), secrets)
