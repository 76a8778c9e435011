"""Which channels there are: a new one is a file and its name here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from ninja_daemon.adapters.channels import apprise_channel, console, discord, mail, ntfy, telegram, webhook
from ninja_daemon.adapters.channels.discreet import (
    DiscreetChannel,
    DiscreetEditableChannel,
    DiscreetIllustratedChannel,
)
from ninja_daemon.adapters.channels.kind import ChannelKind, WritingChannel
from ninja_daemon.adapters.channels.wording.briefing import Briefing
from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.delivery_ports import EditableChannel, IllustratedChannel

_CHANNELS: Final = (console, webhook, discord, telegram, mail, ntfy, apprise_channel)
KINDS: Final[Mapping[str, ChannelKind]] = {channel.KIND.name: channel.KIND for channel in _CHANNELS}


def open_channel(destination: Destination, strategies: Sequence[Strategy] = ()) -> WritingChannel:
    """Return the channel of a destination whose options have no complaints.

    Args:
        strategies: whose settings messages may name as the reason of a signal.
    """
    channel, briefing = KINDS[destination.channel].opened(destination), Briefing(strategies)
    if isinstance(channel, EditableChannel):
        return DiscreetEditableChannel(channel, channel, destination.secrets, briefing)
    if isinstance(channel, IllustratedChannel):
        return DiscreetIllustratedChannel(channel, channel, destination.secrets, briefing)
    return DiscreetChannel(channel, destination.secrets, briefing)
