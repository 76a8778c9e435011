"""Configuration and credentials: made once, never overwritten."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

from ninja_install.host import put, say
from ninja_install.layout import Layout
from ninja_install.release import Release

TOKEN: Final = "oanda_access_token"  # noqa: S105 - the name of its file
_CREDENTIAL: Final = re.compile(r"^LoadCredential=\w+:/etc/ninja-daemon/credentials/(\w+)$", re.MULTILINE)
_ENVIRONMENT: Final = """\
# The environment of both services and of the command ninja-daemon. The names are those of config/ninja.env.example.
# No secrets here: each has a file of its own in credentials/.

# practice or live
#OANDA_ENVIRONMENT=practice
# Overrides the REST server: a proxy, or `ninja-daemon simulator`.
#OANDA_API_URL=
# Prefix of every key in Redis.
#NINJA_NAMESPACE=ninja
"""


def make_settings(layout: Layout, release: Release) -> None:
    """Make what is missing: the TOML file, the environment, and an empty file for each credential that a unit names."""
    owner = ("root", "root") if layout.real else None
    _folder(layout.settings, 0o755)
    _folder(layout.credentials, 0o700)
    _folder(layout.credentials / "destinations", 0o700)
    template = (layout.source / "config" / "ninja.toml").read_text(encoding="utf-8")
    _once(layout.settings / "ninja.toml", template, 0o644, owner)
    _once(layout.settings / "ninja.env", _ENVIRONMENT, 0o644, owner)
    # systemd starts no service whose credential has no file; an empty one counts as not set.
    for name in sorted({TOKEN, *credential_names(release)}):
        _once(layout.credentials / name, "", 0o600, owner)
    for path in layout.credentials.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def credential_names(release: Release) -> set[str]:
    """Return the files that the release's units read credentials from."""
    return {name for unit in release.units for name in _CREDENTIAL.findall(unit.read_text(encoding="utf-8"))}


def has_token(layout: Layout) -> bool:
    """Return whether somebody has put the broker's token in."""
    path = layout.credentials / TOKEN
    return path.is_file() and bool(path.read_text(encoding="utf-8").strip())


def drop_settings(layout: Layout) -> None:
    """Remove configuration, credentials and state for good."""
    for path in (layout.settings, layout.private_state, layout.state):
        if path.is_symlink():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
            say(f"removed {path}")


def _folder(path: Path, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)


def _once(path: Path, text: str, mode: int, owner: tuple[str, str] | None) -> None:
    if not os.path.lexists(path):
        put(path, text, mode, owner)
        say(f"made {path}")
