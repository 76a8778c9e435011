"""The names of one namespace's keys in Redis."""

from __future__ import annotations


class Keys:
    """The names of one namespace's keys; one hash tag, so that one script may touch them all."""

    def __init__(self, namespace: str, shard: int | None = None) -> None:
        """Prefix every key with the namespace in braces.

        Args:
            namespace: without braces.
            shard: whose lease is meant, where there are several; their keys end with its number.
        """
        end = "" if shard is None else f":{shard}"
        self.prefix = f"{{{namespace}}}:"
        self.signals = f"{self.prefix}signals"
        self.outcomes = f"{self.prefix}outcomes"
        self.record = f"{self.prefix}record"
        self.history = f"{self.prefix}history"
        self.outcome_history = f"{self.prefix}outcome_history"
        self.alerts = f"{self.prefix}alerts"
        self.fence = f"{self.prefix}fence{end}"
        self.epoch = f"{self.prefix}epoch{end}"
        self.leader = f"{self.prefix}leader{end}"
        self.settings = f"{self.prefix}settings{end}"
        self.shards = f"{self.prefix}shards"
        self.members = f"{self.prefix}members"
        self.replicated = f"{self.prefix}replicated"
        self.heartbeat = f"{self.prefix}heartbeat:daemon{end}"

    def last_processed(self, strategy: str) -> str:
        """Return the cursor's key."""
        return f"{self.prefix}last_processed:{strategy}"

    def ma_state(self, strategy: str) -> str:
        """Return the key of the averages."""
        return f"{self.prefix}ma_state:{strategy}"

    def signal_state(self, strategy: str) -> str:
        """Return the key of side and counts."""
        return f"{self.prefix}signal_state:{strategy}"

    def listed(self, strategy: str) -> str:
        """Return the key of the listed ids."""
        return f"{self.prefix}listed:{strategy}"

    def committed(self, strategy: str) -> tuple[str, str, str, str]:
        """Return the keys of a strategy that a commit writes."""
        at, prefix = f":{strategy}", self.prefix
        return (
            f"{prefix}last_processed{at}",
            f"{prefix}ma_state{at}",
            f"{prefix}signal_state{at}",
            f"{prefix}listed{at}",
        )

    def mirror(self, name: str) -> str:
        """Return the key of the second copy of every signal."""
        return f"{self.prefix}mirror:{name}"
