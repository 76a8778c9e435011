"""A channel that remembers what it was given and answers as it was told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import takewhile

from ninja_daemon.core.messages.destination import PostResult, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.usecases.delivery.delivery_ports import Begun


class FakeChannel:
    """The channel port; ``answers`` are given one after the other, then everything is accepted."""

    def __init__(self, *answers: PostResult, provider: str = "fake") -> None:
        self.provider = provider
        self.answers = list(answers)
        self.bundles: list[Bundle] = []
        self.before: Callable[[Bundle], None] = lambda _: None
        self.closed = False

    def send(self, bundle: Bundle) -> PostResult:
        self.before(bundle)
        self.bundles.append(bundle)
        return self.answers.pop(0) if self.answers else Sent(f"m{len(self.bundles)}")

    @property
    def accepted(self) -> int:
        return len(self.bundles)

    @property
    def ids(self) -> list[str]:
        """Ids of everything that was sent, failures included."""
        return [entry.id for bundle in self.bundles for entry in bundle.entries]

    def close(self) -> None:
        self.closed = True


class FakeLedger:
    """The sent ledger in memory."""

    def __init__(self) -> None:
        self.sent: dict[tuple[str, str], str] = {}
        self.sending: set[tuple[str, str]] = set()
        self.elsewhere: set[tuple[str, str]] = set()
        self.failure: Exception | None = None

    def begin(self, destination: str, ids: Sequence[str], now: float) -> Begun:
        del now
        if self.failure is not None:
            raise self.failure
        sent = frozenset(one for one in ids if (destination, one) in self.sent)
        if any((destination, one) in self.elsewhere for one in ids):
            return Begun(sent, is_elsewhere=True)
        fresh = list(takewhile(lambda one: one not in sent, ids))
        maybe_sent = frozenset(one for one in fresh if (destination, one) in self.sending)
        self.sending |= {(destination, one) for one in fresh}
        return Begun(sent, maybe_sent)

    def ended(self, destination: str, ids: Collection[str], now: float, told: str, *, maybe_sent: bool) -> None:
        del now, told
        if self.failure is not None:
            raise self.failure
        if not maybe_sent:
            self.sending -= {(destination, one) for one in ids}

    def remember(self, destination: str, ids: Collection[str], message_id: str, now: float) -> None:
        del now
        if self.failure is not None:
            raise self.failure
        self.sent |= {(destination, one): message_id for one in ids}
        self.sending -= {(destination, one) for one in ids}
