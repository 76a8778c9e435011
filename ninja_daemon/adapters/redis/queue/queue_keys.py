"""The names of the queue's keys in one namespace; docs/redis-keys.md says what they hold."""

from __future__ import annotations


class QueueKeys:
    """The names of the queue's keys in one namespace."""

    def __init__(self, namespace: str) -> None:
        """Prefix every key with the namespace in braces."""
        self.prefix = f"{{{namespace}}}:"
        self.signals = f"{self.prefix}signals"
        self.alerts = f"{self.prefix}alerts"
        self.outcomes = f"{self.prefix}outcomes"
        self.dead = f"{self.prefix}dead"
        self.seen = f"{self.prefix}seen"
        self.sequence = f"{self.prefix}sequence"
        self.counters = f"{self.prefix}counters"
        self.lanes = f"{self.prefix}lanes"
        self.silences = f"{self.prefix}silences"
        self.heartbeat = f"{self.prefix}heartbeat:notifier"
        self.daily = f"{self.prefix}daily"

    def lane(self, destination: str) -> str:
        """Return the key of a destination's messages."""
        return f"{self.prefix}lane:{destination}"

    def lane_state(self, destination: str) -> str:
        """Return the key of a lane's record."""
        return f"{self.prefix}lane_state:{destination}"

    def picture(self, identity: str) -> str:
        """Return the key of the candles of a signal's picture."""
        return f"{self.prefix}picture:{identity}"

    def hold(self, provider: str) -> str:
        """Return the key that exists while a provider's lanes must send nothing."""
        return f"{self.prefix}hold:{provider}"

    def inbox(self, kind: str) -> str:
        """Return the key of the list that messages of a kind come from."""
        return {"signal": self.signals, "outcome": self.outcomes}.get(kind, self.alerts)
