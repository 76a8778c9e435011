"""The dead man's switch's other end: a service that raises an alarm when it is not pinged any more."""

from __future__ import annotations

from ninja_daemon.adapters.network.answers import failure_of
from ninja_daemon.adapters.network.connecting import url_complaint
from ninja_daemon.adapters.network.posting import Poster
from ninja_daemon.core.errors import ConfigError
from ninja_daemon.core.messages.destination import Failure
from ninja_daemon.core.secret import Secret

_GOOD = range(200, 300)


class Ping:
    """Posts nothing to a URL, by the rules for all addresses from a configuration: see posting.py."""

    def __init__(self, url: Secret, *, insecure: bool) -> None:
        """Choose the address.

        Args:
            url: a secret; anybody who knows it can silence the alarm.
            insecure: plain http and private addresses are allowed.

        Raises:
            ConfigError: it is no address that may be posted to.
        """
        if complaint := url_complaint(url.reveal(), insecure=insecure):
            message = f"NINJA_PING_URL must be an https:// address of a public host, was not: {complaint}"
            raise ConfigError(message)
        self._poster = Poster(url.reveal(), insecure=insecure)

    def send(self) -> str:
        """Ping once; return what went wrong, empty when nothing did."""
        reply = self._poster.post(b"", {"Content-Type": "text/plain"})
        if isinstance(reply, Failure):
            return reply.text
        return "" if reply.status in _GOOD else failure_of(reply).text

    def close(self) -> None:
        """Let the connection go."""
        self._poster.close()
