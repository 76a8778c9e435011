"""Which channels there are: a new one is a file and its name here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ninja_daemon.adapters.channels import apprise_channel, console, discord, mail, telegram, webhook
from ninja_daemon.adapters.channels.discreet import DiscreetChannel, DiscreetEditableChannel
from ninja_daemon.adapters.channels.kind import ChannelKind
from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import Channel, EditableChannel

_CHANNELS: Final = (console, webhook, discord, telegram, mail, apprise_channel)
KINDS: Final[Mapping[str, ChannelKind]] = {channel.KIND.name: channel.KIND for channel in _CHANNELS}


def open_channel(destination: Destination) -> Channel:
    """Return the channel of a destination whose options have no complaints."""
    secrets = [value for value in destination.options.values() if isinstance(value, Secret)]
    channel = KINDS[destination.channel].opened(destination)
    if isinstance(channel, EditableChannel):
        return DiscreetEditableChannel(channel, secrets)
    return DiscreetChannel(channel, secrets)
