"""Every service that the optional library apprise knows, one URL a destination.

The library hides what the service answered, so that a failure is always an ambiguous one; the lane does the retrying.
"""

from __future__ import annotations

import contextlib
import io
from importlib.util import find_spec
from typing import Any, Final, NamedTuple

from ninja_daemon.adapters.channels.kind import ChannelKind, Complaints, Draft, no_endpoint, options_of
from ninja_daemon.adapters.channels.wording.plain import plain_text, subject
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.secret import Secret

MISSING: Final = "must not be apprise, the library is not installed; add it with: pip install 'ninja-daemon[apprise]'"


class Options(NamedTuple):
    """Options of an apprise destination."""

    url: Secret
    """Address of one service, as the library writes it."""


class AppriseChannel:
    """Hands the text of a bundle to one apprise service."""

    def __init__(self, destination: Destination) -> None:
        """Find the service of the destination's URL."""
        self._policy = destination.policy
        self._service = _service(options_of(destination, Options).url.reveal())
        for service in self._service or ():
            service.socket_read_timeout = destination.policy.timeout
        self.provider = f"apprise:{destination.name}"

    def send(self, bundle: Bundle) -> PostResult:
        """Hand it over; see the port."""
        written = self.written(bundle)
        try:
            # The library may print; standard output is the console channel's.
            with contextlib.redirect_stdout(io.StringIO()):
                accepted = bool(self._service.notify(title=written.headers["title"], body=written.body))
        except Exception as error:  # noqa: BLE001 - a hundred plugins, each with errors of its own
            return Failure(Fault.AMBIGUOUS, f"apprise failed ({type(error).__name__})")
        if accepted:
            return Sent()
        return Failure(Fault.AMBIGUOUS, "apprise could not deliver it (it does not say why)")

    def written(self, bundle: Bundle) -> Draft:
        """Return what the library is handed: a title, and a text."""
        return Draft({"title": subject(bundle, self._policy)}, plain_text(bundle, self._policy))

    def close(self) -> None:
        """Nothing is kept open."""


def _service(url: str) -> Any:  # noqa: ANN401 - apprise has no types
    import apprise  # noqa: PLC0415 - optional, and slow to load

    with contextlib.suppress(Exception):
        bundle = apprise.Apprise(asset=apprise.AppriseAsset(secure_logging=True, http_redirects=False))
        if bundle.add(url) and len(bundle) == 1:
            return bundle
    return None


def _complaints(destination: Destination) -> Complaints:
    if find_spec("apprise") is None:
        return [("channel", MISSING)]
    if _service(options_of(destination, Options).url.reveal()) is None:
        return [("url", "must be a URL that apprise knows, see its list of services")]
    return []


KIND: Final = ChannelKind("apprise", Options, AppriseChannel, no_endpoint, _complaints)
