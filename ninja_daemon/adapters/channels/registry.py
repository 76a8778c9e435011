"""Which channels there are: a new one is a file and its name here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Final

from ninja_daemon.adapters.channels.discreet import DiscreetChannel, DiscreetEditableChannel, DiscreetIllustratedChannel
from ninja_daemon.adapters.channels.kind import ChannelKind, WritingChannel
from ninja_daemon.adapters.channels.wording.briefing import Briefing
from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.delivery_ports import EditableChannel, IllustratedChannel

_MODULES: Final = {
    "console": "console",
    "webhook": "webhook",
    "discord": "discord",
    "telegram": "telegram",
    "email": "mail",
    "ntfy": "ntfy",
    "apprise": "apprise_channel",
}
"""By the name of each kind its file, which is loaded when somebody asks for the kind."""


class _Kinds(Mapping[str, ChannelKind]):
    def __getitem__(self, name: str) -> ChannelKind:
        kind: ChannelKind = import_module(f"ninja_daemon.adapters.channels.{_MODULES[name]}").KIND
        return kind

    def __iter__(self) -> Iterator[str]:
        return iter(_MODULES)

    def __len__(self) -> int:
        return len(_MODULES)


KINDS: Final = _Kinds()


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
