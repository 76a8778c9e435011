"""Where everything is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of an installation.

    Attributes:
        source: the tree that is installed from.
        root: what stands before every other place; ``/``, or a folder to try things in (DESTDIR).
    """

    source: Path
    root: Path = Path("/")

    def _at(self, place: str) -> Path:
        return self.root / place.lstrip("/")

    @property
    def real(self) -> bool:
        """Whether this is the machine itself: only then are packages, units and owners touched."""
        return self.root == Path("/")

    @property
    def home(self) -> Path:
        """The programs; nothing in it is ever written by a service."""
        return self._at("/opt/ninja-daemon")

    @property
    def releases(self) -> Path:
        """A folder a release, named by version and content."""
        return self.home / "releases"

    @property
    def current(self) -> Path:
        """The link to the release that runs."""
        return self.home / "current"

    @property
    def previous(self) -> Path:
        """The link to the release that ran before; what a rollback goes back to."""
        return self.home / "previous"

    @property
    def settings(self) -> Path:
        """Configuration, written by people."""
        return self._at("/etc/ninja-daemon")

    @property
    def credentials(self) -> Path:
        """Secrets, a file each, for root alone; systemd hands them to the services."""
        return self.settings / "credentials"

    @property
    def units(self) -> Path:
        """Units of locally installed software; /etc/systemd/system is left to the operator's own overrides."""
        return self._at("/usr/local/lib/systemd/system")

    @property
    def command(self) -> Path:
        """What people type."""
        return self._at("/usr/local/bin/ninja-daemon")

    @property
    def state(self) -> Path:
        """Journal and ledger."""
        return self._at("/var/lib/ninja-daemon")

    @property
    def private_state(self) -> Path:
        """Where systemd keeps the state of services with a dynamic user."""
        return self._at("/var/lib/private/ninja-daemon")
