"""A release: one folder with the program, its dependencies and its units, named by its content, never changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ninja_install.host import point, put, ran, say, stop
from ninja_install.layout import Layout

UNIT_SUFFIXES: Final = (".service", ".target", ".timer", ".socket", ".path")
_MARK: Final = "complete.json"
_PIP: Final = ("-m", "pip", "--disable-pip-version-check", "--no-input")
_LOCKED: Final = ("install", "--quiet", "--require-hashes", "--no-build-isolation", "--use-pep517", "--no-cache-dir")
_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class Release:
    """A folder under releases.

    Attributes:
        folder: where it is.
    """

    folder: Path

    @property
    def name(self) -> str:
        """Version and content, ``0.1.0-5f0c2a917b34``."""
        return self.folder.name

    @property
    def command(self) -> Path:
        """The program itself."""
        return self.folder / "venv" / "bin" / "ninja-daemon"

    @property
    def units(self) -> tuple[Path, ...]:
        """The units that belong to it."""
        return tuple(path for path in sorted((self.folder / "units").glob("*")) if path.suffix in UNIT_SUFFIXES)

    @property
    def complete(self) -> bool:
        """Whether its making went through to its end."""
        return (self.folder / _MARK).is_file()


def linked(link: Path) -> Release | None:
    """Return the release that ``link`` leads to, None when it leads to none that is complete."""
    release = Release(link.resolve()) if link.is_symlink() else None
    return release if release is not None and release.complete else None


def build(layout: Layout, python: str) -> Release:
    """Make the release of the source tree, or return it where it is there already.

    Raises:
        StopError: a package is missing or has another hash, or the source is not whole.
    """
    release = Release(layout.releases / release_name(layout.source, python))
    if release.complete:
        say(f"release {release.name} is there")
        return release
    say(f"making release {release.name}")
    discard(release.folder)
    release.folder.mkdir(parents=True)
    make_environment(layout.source, release.folder, python)
    _copy_units(layout.source, release.folder)
    ran([release.command, "--version"])
    _seal(release.folder)
    about = {"release": release.name, "python": ran([python, "--version"]).stdout.strip()}
    put(release.folder / _MARK, json.dumps(about) + "\n", 0o444)
    return release


def switch(layout: Layout, release: Release) -> None:
    """Have ``current`` lead to ``release``, and ``previous`` to what was there before."""
    before = linked(layout.current)
    if before is not None and before.name != release.name:
        point(layout.previous, before.folder)
    point(layout.current, release.folder)


def prune(layout: Layout) -> None:
    """Remove releases that nothing leads to, but for the newest few."""
    needed = {found.name for link in (layout.current, layout.previous) if (found := linked(link))}
    spare = [path for path in layout.releases.iterdir() if path.name not in needed]
    spare.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in spare[max(0, _KEPT - len(needed)) :]:
        discard(path)


def release_name(source: Path, python: str) -> str:
    """Return a name that is the same for the same content and the same interpreter."""
    version = source / "ninja_daemon" / "__init__.py"
    match = re.search(r'^__version__ = "([0-9][0-9A-Za-z.+]*)"$', version.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        stop(f"{version} must say __version__, did not: is the source tree whole?")
    digest = hashlib.sha256(ran([python, "--version"]).stdout.encode())
    for path in _content(source):
        digest.update(str(path.relative_to(source)).encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{match[1]}-{digest.hexdigest()[:12]}"


def _content(source: Path) -> Iterator[Path]:
    yield source / "pyproject.toml"
    yield from (source / "requirements" / name for name in ("build.txt", "run.txt"))
    for folder in ("ninja_daemon", "systemd"):
        for path in sorted((source / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and "ninja_install" not in path.parts:
                yield path


def make_environment(source: Path, folder: Path, python: str) -> None:
    """Make the environment of the locked packages with the program in it, and without what it was made with.

    Raises:
        StopError: a package is missing or has another hash.
    """
    ran([python, "-m", "venv", "--symlinks", folder / "venv"])
    inside = folder / "venv" / "bin" / "python"
    for lock in ("build.txt", "run.txt"):
        ran([inside, *_PIP, *_LOCKED, "-r", source / "requirements" / lock])
    _install_package(source, folder, inside)
    ran([inside, *_PIP, "uninstall", "--quiet", "--yes", "setuptools", "pip"])


def _install_package(source: Path, folder: Path, inside: Path) -> None:
    # Out of a copy: building leaves traces in the tree that it is done in, and the tree may belong to somebody else.
    copy = folder / "source"
    shutil.copytree(source / "ninja_daemon", copy / "ninja_daemon", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(source / name, copy / name)
    ran([inside, *_PIP, "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--use-pep517", copy])
    shutil.rmtree(copy)


def _copy_units(source: Path, folder: Path) -> None:
    (folder / "units").mkdir()
    for path in sorted((source / "systemd").iterdir()):
        if path.is_file():
            shutil.copy(path, folder / "units" / path.name)
    manual = source / "docs" / "operations.md"
    if manual.is_file():
        shutil.copy(manual, folder / "units" / manual.name)


def _seal(folder: Path) -> None:
    """Make everything readable for all and writable for nobody."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444)
    folder.chmod(0o755)


def discard(folder: Path) -> None:
    """Remove a release."""
    if not folder.exists():
        return
    # The mark goes first: half a release must not pass for a whole one.
    (folder / _MARK).unlink(missing_ok=True)
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
        path.chmod(0o755)
    shutil.rmtree(folder)


def find_python(asked: str | None) -> str:
    """Return the distribution's interpreter, or the one that was asked for.

    Raises:
        StopError: it is too old or not there.
    """
    python = asked or "/usr/bin/python3"
    done = ran([python, "-c", "import sys, venv, ensurepip; print(*sys.version_info[:2])"], check=False)
    if done.returncode != 0:
        stop(f"{python} must be there and have venv, did not: apt install python3 python3-venv\n{done.stderr[-300:]}")
    if tuple(map(int, done.stdout.split())) < (3, 11):
        stop(f"{python} must be Python 3.11 or newer, was {done.stdout.strip().replace(' ', '.')}")
    return python
