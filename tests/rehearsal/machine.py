"""A Debian or Ubuntu that is made by debootstrap and booted under systemd-nspawn, without a network."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final, TypeVar

from packaging.markers import Marker

ROOT: Final = Path(__file__).resolve().parents[2]
SUITES: Final = {(3, 11): "bookworm", (3, 12): "noble", (3, 13): "trixie", (3, 14): "forky"}
"""Which Debian or Ubuntu has which Python."""
SUITE: Final = os.environ.get("SUITE") or SUITES.get(sys.version_info[:2], "bookworm")
"""The system that is booted: that with this interpreter's Python unless told."""
_UBUNTU: Final = frozenset({"noble"})
_NEEDS_CGROUP_2: Final = frozenset({"trixie", "forky"})
"""systemd since 256 does not start on the older hierarchy, which a host may have mounted."""
_UBUNTU_KEYS: Final = Path("/usr/share/keyrings/ubuntu-archive-keyring.gpg")

_BASE: Final = ("systemd", "systemd-sysv", "dbus", "iproute2", "procps", "ca-certificates", "adduser")
SERVER: Final = os.environ.get("SERVER", "redis")
"""Which server is installed: ``redis``, or ``valkey`` where the distribution has it (Debian 13, Ubuntu 24.04)."""
_FETCHED: Final = ("make", "python3", "python3-venv", f"{SERVER}-server")
"""Packages that lie ready in apt's cache, so that the installer's own apt-get finds them without a network."""
_ENVIRONMENT: Final = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LANG=C.UTF-8",
)
_BOOT_LIMIT: Final = 90.0
_WANTS_REBOOT: Final = 133
"""systemd-nspawn leaves the second boot to whoever started it."""

Answer = TypeVar("Answer")


class FailedError(Exception):
    """The rehearsal found something that is not as promised."""


def missing_for_a_boot() -> str | None:
    """Return why this machine cannot boot another one, None when it can."""
    if os.geteuid() != 0:
        return "must be root"
    programs = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
    absent = [package for program, package in programs.items() if shutil.which(program) is None]
    if absent:
        return f"apt install {' '.join(absent)}"
    if SUITE not in SUITES.values():
        return f"SUITE must be one of {', '.join(SUITES.values())}; this is {SUITE!r}"
    if SUITE in _UBUNTU and not (_UBUNTU_KEYS.exists() and os.environ.get("MIRROR")):
        return f"{SUITE} is Ubuntu's: needs MIRROR=, where Ubuntu's packages are, and its keys in {_UBUNTU_KEYS}"
    return None


def prepared_tree(cache: Path) -> Path:
    """Return a bare Debian with what its apt will be asked for at hand; made once, then kept."""
    key = hashlib.sha256(repr((SUITE, _BASE, _FETCHED)).encode()).hexdigest()[:12]
    tree = cache / f"{SUITE}-{key}"
    if tree.is_dir():
        return tree
    draft = cache / f"{tree.name}.new"
    shutil.rmtree(draft, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(_BASE)}"]
    if SUITE in _UBUNTU:  # Redis is in "universe"
        command += ["--components=main,universe", f"--keyring={_UBUNTU_KEYS}"]
    # What debootstrap does for one release it does for the next, whose name it may not know.
    script = Path("/usr/share/debootstrap/scripts", "gutsy" if SUITE in _UBUNTU else "sid")
    _output([*command, SUITE, draft, _mirror(), script], limit=900)
    inside: list[str | Path] = ["chroot", draft, "env", "DEBIAN_FRONTEND=noninteractive"]
    # The index of a release that is not out yet is valid for a week; a mirror may keep it for longer.
    _output([*inside, "apt-get", "update", "--quiet", "-o", "Acquire::Check-Valid-Until=false"], limit=300)
    command = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "--download-only", *_FETCHED]
    _output([*inside, *command], limit=600)
    draft.rename(tree)
    return tree


def _mirror() -> str:
    """Return where packages come from: MIRROR, or where this machine has its own from."""
    told = _output(["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"])
    sites = [line.split()[0] for line in told.splitlines() if len(line.split()) > 1]
    return os.environ.get("MIRROR") or sites[0]


def fetched_wheels(cache: Path, tree: Path) -> Path:
    """Return a folder with every locked package that the Debian in ``tree`` will want, its hash checked."""
    version = next(
        match[1]
        for path in sorted((tree / "var/cache/apt/archives").glob("python3.*-minimal_*.deb"))
        if (match := re.match(r"python3\.\d+-minimal_(\d+\.\d+\.\d+)-", path.name))
    )
    locks = [ROOT / "requirements" / name for name in ("build.txt", "run.txt")]
    wanted = "".join(applying(lock.read_text(encoding="utf-8"), version) for lock in locks)
    wheels = cache / f"wheels-{version}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    if wheels.is_dir():
        return wheels
    draft = cache / f"{wheels.name}.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    (draft / "wanted.txt").write_text(wanted, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--no-build-isolation", f"--python-version={version}"]
    _output([*command, "--dest", draft, "--requirement", draft / "wanted.txt"], limit=600)
    draft.rename(wheels)
    return wheels


def applying(lock: str, version: str) -> str:
    """Return what of a lock applies to this Python of Linux, its conditions taken out: pip would ask its own Python."""
    kept, applies = [], False
    for line in lock.splitlines():
        match = re.fullmatch(r"(\S+==\S+)(?: ; (.*?))? \\", line)
        if match:
            condition = match[2]
            applies = condition is None or Marker(condition).evaluate({"python_full_version": version})
            line = f"{match[1]} \\"  # noqa: PLW2901 - the same line, without its condition
        if applies and not line.startswith("#"):
            kept.append(f"{line}\n")
    return "".join(kept)


def copied(base: Path, tree: Path) -> None:
    """Copy a whole tree, devices, owners and all."""
    _output(["cp", "--archive", "--reflink=auto", base, tree], limit=120)


class Machine:
    """One boot after the other of one tree."""

    def __init__(self, tree: Path, log: Path) -> None:
        self.tree = tree
        self.log = log
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._console: IO[bytes] | None = None

    def boot(self) -> None:
        """Boot, and wait until systemd has started what it starts.

        Raises:
            FailedError: it does not come up.
        """
        self._start()
        self.wait_for_boot(None)

    def _start(self) -> None:
        if self._console is None:
            self._console = self.log.open("wb")
        self._nspawn = subprocess.Popen(
            [
                "systemd-nspawn", "--quiet", "--directory", self.tree, "--boot", "--register=no", "--keep-unit",
                "--private-network", f"--machine=ninja-rehearsal-{os.getpid()}", "--resolv-conf=off",
            ],
            stdin=subprocess.DEVNULL, stdout=self._console, stderr=self._console, start_new_session=True,
            env=os.environ | ({"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"} if SUITE in _NEEDS_CGROUP_2 else {}),
        )  # fmt: skip

    def wait_for_boot(self, before: str | None) -> str:
        """Wait for a boot other than ``before``; return its id."""

        def booted() -> str | None:
            ended = None if self._nspawn is None else self._nspawn.poll()
            if ended == _WANTS_REBOOT:
                self._start()
            elif ended is not None:
                message = f"systemd-nspawn ended with {ended}; see {self.log}"
                raise FailedError(message)
            try:
                state = self.run("systemctl is-system-running || true", limit=10).strip()
                boot_id = self.run("cat /proc/sys/kernel/random/boot_id", limit=10)
            except FailedError:
                return None
            return boot_id if state in {"running", "degraded"} and boot_id != before else None

        return until(booted, "the machine is up", _BOOT_LIMIT)

    def run(self, command: str, *, limit: float = 120.0, environ: Sequence[str] = ()) -> str:
        """Run a line of shell inside; return what it printed.

        Raises:
            FailedError: it failed, with what it said.
        """
        words = ["nsenter", "--target", str(self._leader()), "--all", "--wdns=/", "--", "env", "-i"]
        words += [*_ENVIRONMENT, *environ, "bash", "-euo", "pipefail", "-c", command]
        try:
            done = subprocess.run(
                words, check=False, capture_output=True, text=True, errors="replace", timeout=limit,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            message = f"must end within {limit:.0f} s, did not: {command}"
            raise FailedError(message) from error
        if done.returncode != 0:
            message = f"{command}\n  ended with {done.returncode}: {(done.stderr + done.stdout).strip()[-3000:]}"
            raise FailedError(message)
        return done.stdout

    def fails(self, command: str, *, limit: float = 120.0, environ: Sequence[str] = ()) -> str:
        """Run a line of shell that must fail; return what it said.

        Raises:
            FailedError: it did not fail.
        """
        return self.run(f"if {{ {command}; }} 2>&1; then exit 97; fi", limit=limit, environ=environ)

    def end(self) -> None:
        """Power off, or pull the plug."""
        if self._nspawn is None:
            return
        if self._nspawn.poll() is None:
            self._nspawn.send_signal(signal.SIGTERM)  # which asks the system inside to power off
            try:
                self._nspawn.wait(30)
            except subprocess.TimeoutExpired:
                self._nspawn.kill()
                self._nspawn.wait(10)
        self._nspawn = None
        if self._console is not None:
            self._console.close()
            self._console = None

    def _leader(self) -> int:
        if self._nspawn is None:
            message = "the machine must be booted first"
            raise FailedError(message)
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        pids = children.read_text(encoding="ascii").split() if children.exists() else []
        if not pids:
            message = "the machine is not there"
            raise FailedError(message)
        return int(pids[0])


def until(ask: Callable[[], Answer | None], what: str, limit: float) -> Answer:
    """Ask a few times a second until there is an answer.

    Raises:
        FailedError: there was none in time.
    """
    deadline = time.monotonic() + limit
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            message = f"within {limit:.0f} s: {what}"
            raise FailedError(message)
        time.sleep(0.3)


def _output(command: Sequence[str | Path], limit: float = 60.0) -> str:
    done = subprocess.run(
        [str(word) for word in command], check=False, capture_output=True, text=True, timeout=limit,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        message = (
            f"{' '.join(map(str, command[:4]))} … ended with {done.returncode}: {(done.stderr + done.stdout)[-2000:]}"
        )
        raise FailedError(message)
    return done.stdout
