"""The machine: programs that are run on it, and files that survive an interruption."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

STEP_LIMIT: Final = 1800


class StopError(Exception):
    """The installation cannot go on; the text says why, and what to do."""


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def stop(text: str) -> NoReturn:
    """End with a sentence instead of a traceback.

    Raises:
        StopError: always.
    """
    raise StopError(text)


def ran(
    command: Sequence[str | Path],
    *,
    check: bool = True,
    environ: Mapping[str, str] | None = None,
    text: str | None = None,
    limit: float = STEP_LIMIT,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, its output kept.

    Raises:
        StopError: it failed, with the end of what it said.
    """
    words = [str(word) for word in command]
    given = {**os.environ, **(environ or {})}
    try:
        done = subprocess.run(
            words,
            check=False,
            capture_output=True,
            text=True,
            env=given,
            input=text,
            stdin=None if text is not None else subprocess.DEVNULL,
            timeout=limit,
        )
    except FileNotFoundError:
        stop(f"{words[0]} must be installed, was not found")
    except subprocess.TimeoutExpired:
        stop(f"{words[0]} must end within {limit:.0f} s, did not: {' '.join(words)[:300]}")
    if check and done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        stop(f"{' '.join(words)[:300]} ended with {done.returncode}:\n{said}")
    return done


def put(path: Path, text: str, mode: int, owner: tuple[str, str] | None = None) -> bool:
    """Write a whole file or nothing; return whether it is other than it was."""
    if path.is_file() and path.read_text(encoding="utf-8") == text and path.stat().st_mode & 0o777 == mode:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    if owner is not None:
        shutil.chown(draft, *owner)
    draft.replace(path)
    return True


def point(link: Path, target: Path) -> None:
    """Have ``link`` lead to ``target``, a neighbour of it; there is no moment at which it leads nowhere."""
    draft = link.with_name(f".{link.name}.new")
    draft.unlink(missing_ok=True)
    draft.symlink_to(os.path.relpath(target, link.parent))
    draft.replace(link)


def ensure_packages(names: Sequence[str]) -> None:
    """Have apt install what is missing.

    Raises:
        StopError: there is no apt, or it cannot.
    """
    missing = [name for name in names if not _installed(name)]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        stop(f"these packages must be installed, were not: {', '.join(missing)}")
    say(f"installing {', '.join(missing)} (apt)")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing]
    if ran(command, check=False, environ=quiet).returncode == 0:
        return
    # Lists that are too old name files that are gone; new ones are fetched only then.
    ran(["apt-get", "update", "--quiet"], environ=quiet)
    ran(command, environ=quiet)


def available(name: str) -> bool:
    """Return whether the distribution has a package of this name."""
    said = ran(["apt-cache", "policy", name], check=False).stdout
    return "Candidate:" in said and "Candidate: (none)" not in said


def _installed(name: str) -> bool:
    said = ran(["dpkg-query", "--show", "--showformat=${db:Status-Status}", name], check=False)
    return said.returncode == 0 and said.stdout.strip() == "installed"


def require_root() -> None:
    """Stop unless this is root.

    Raises:
        StopError: it is not.
    """
    if os.geteuid() != 0:
        stop("must be run as root: sudo make …")


def running_systemd() -> bool:
    """Return whether systemd is the service manager of this machine."""
    return Path("/run/systemd/system").is_dir()


def systemctl(*words: str, check: bool = True, limit: float = STEP_LIMIT) -> subprocess.CompletedProcess[str]:
    """Ask systemd for something."""
    return ran(["systemctl", *words], check=check, limit=limit)


def complain(text: str) -> None:
    """Say what went wrong."""
    print(text, file=sys.stderr, flush=True)
