"""What install, upgrade, rollback and uninstall do, in order."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final

from ninja_install import host, release as releases, settings
from ninja_install.candles import History, write_histories
from ninja_install.host import StopError, complain, put, ran, say, stop, systemctl
from ninja_install.layout import Layout
from ninja_install.release import Release, build, linked

TARGET: Final = "ninja.target"
SERVICES: Final = ("ninja-daemon.service", "ninja-notifier.service")
_WRAPPER: Final = "ninja-daemon.sh"
_UP: Final = ("active", "activating", "reloading")
_SETTLES: Final = 5.0
"""Seconds after READY in which a service that dies at once is seen to."""


def install(layout: Layout, python: str | None) -> None:
    """Install, or mend what is installed; a newer source tree than the installed one makes it an upgrade.

    Raises:
        StopError: something is missing.
    """
    interpreter = _prepared(layout, python)
    current = linked(layout.current)
    if current is not None and current.name != releases.release_name(layout.source, interpreter):
        say(f"{current.name} is installed: this is an upgrade")
        upgrade(layout, python)
        return
    release = build(layout, interpreter)
    settings.make_settings(layout, release)
    releases.switch(layout, release)
    _put_units(layout, release, None)
    _restart_what_is_stale(layout, release)
    releases.prune(layout)
    _tell_next_steps(layout)


def upgrade(layout: Layout, python: str | None, *, skip_replay: bool = False) -> None:
    """Build beside, prove, switch, restart; go back by itself when the services do not come up.

    Raises:
        StopError: nothing is installed, the new release does not pass, or it did not come up and the old one is back.
    """
    interpreter = _prepared(layout, python)
    old = linked(layout.current)
    if old is None:
        stop("ninja-daemon must be installed before it is upgraded, was not: sudo make install")
    new = build(layout, interpreter)
    settings.make_settings(layout, new)
    if new.name == old.name:
        _put_units(layout, new, None)
        _restart_what_is_stale(layout, new)
        say(f"{new.name} is the current release")
        return
    _prove(layout, old, new, skip_replay=skip_replay)
    releases.switch(layout, new)
    _put_units(layout, new, old)
    _restart_or_go_back(layout, new, old)
    releases.prune(layout)
    say(f"{new.name} runs; sudo make rollback goes back to {old.name}")


def rollback(layout: Layout) -> None:
    """Go back to the release before; doing it twice comes back.

    Raises:
        StopError: there is none.
    """
    new, old = linked(layout.current), linked(layout.previous)
    if old is None:
        stop(f"there must be a release before this one, was none in {layout.releases}")
    if new is None or new.name == old.name:
        stop(f"{old.name} runs already, and no other is noted")
    # Failed ones, too: going back should start what the newer release brought down.
    _go_back(layout, old, new, _those_that_are(*_UP, "failed") if layout.real else [])
    say(f"{old.name} runs again; sudo make rollback comes back to {new.name}")


def uninstall(layout: Layout, *, purge: bool) -> None:
    """Remove program and units; configuration, credentials and state only when asked to."""
    release = linked(layout.current)
    names = [path.name for path in release.units] if release else []
    # Left over from an interrupted removal, which took the program before its units.
    names += [path.name for path in layout.units.glob("ninja[-.]*") if path.name not in names]
    if layout.real and host.running_systemd() and names:
        systemctl("disable", "--now", *(name for name in names if "@" not in name), check=False)
    for name in names:
        (layout.units / name).unlink(missing_ok=True)
    if layout.real and host.running_systemd():
        systemctl("daemon-reload")
        systemctl("reset-failed", "ninja-*", check=False)
    layout.command.unlink(missing_ok=True)
    if layout.home.exists():
        ran(["chmod", "-R", "u+w", layout.home])
        shutil.rmtree(layout.home)
    say(f"removed {layout.home}, {layout.command} and the units")
    if purge:
        settings.drop_settings(layout)
    else:
        say(f"kept {layout.settings} and {layout.state}; sudo make uninstall PURGE=1 removes them, too")


# --- parts ----------------------------------------------------------------------------------------------------------


def _prepared(layout: Layout, python: str | None) -> str:
    os.umask(0o022)
    if layout.real:
        host.require_root()
        if not host.running_systemd():
            stop("systemd must be the service manager of this machine, is not; `make run` needs none")
        host.ensure_packages(["python3", "python3-venv"] if python is None else [])
    return releases.find_python(python)


def _put_units(layout: Layout, release: Release, before: Release | None) -> None:
    """Have systemd know the units of ``release`` and no others of ours."""
    for path in release.units:
        put(layout.units / path.name, path.read_text(encoding="utf-8"), 0o644)
    for path in before.units if before else ():
        if path.name not in {unit.name for unit in release.units}:
            if layout.real:
                systemctl("disable", "--now", path.name, check=False)
            (layout.units / path.name).unlink(missing_ok=True)
    wrapper = (release.folder / "units" / _WRAPPER).read_text(encoding="utf-8")
    put(layout.command, wrapper, 0o755)
    if not layout.real:
        return
    for path in sorted((release.folder / "units").glob("*.conf")):
        if path.name.startswith("sysusers"):
            ran(["systemd-sysusers", path])
    systemctl("daemon-reload")
    wanted = [path.name for path in release.units if "\n[Install]\n" in path.read_text(encoding="utf-8")]
    if wanted:
        systemctl("enable", "--quiet", *wanted)
    if timers := [name for name in wanted if name.endswith(".timer")]:
        systemctl("start", *timers)


def _go_back(layout: Layout, old: Release, new: Release, services: Sequence[str]) -> None:
    releases.switch(layout, old)
    _put_units(layout, old, new)
    if layout.real:
        _restart(services)


def _restart_or_go_back(layout: Layout, new: Release, old: Release) -> None:
    """Restart the services; where they do not come up, put the old release back.

    Raises:
        StopError: the old one is back.
    """
    if not layout.real:
        return
    # Asked once: what the new release brings down is no longer running, and must come up with the old one.
    services = _those_that_are(*_UP)
    try:
        _restart(services)
    except StopError as error:
        complain(f"{new.name} did not come up; going back to {old.name}\n{error}")
        _go_back(layout, old, new, services)
        stop(f"{new.name} must come up, did not; {old.name} runs again. sudo journalctl -u 'ninja-*' -n 50 says why")


def _restart_what_is_stale(layout: Layout, release: Release) -> None:
    """Restart services that an interrupted upgrade left running in another release."""
    previous = linked(layout.previous)
    if layout.real and previous is not None and any(_runs_in(name, previous) for name in SERVICES):
        say(f"restarting the services, which still run {previous.name}")
        _restart_or_go_back(layout, release, previous)


def _runs_in(name: str, release: Release) -> bool:
    pid = systemctl("show", name, "--property=MainPID", "--value", check=False).stdout.strip()
    command = Path("/proc") / pid / "cmdline"
    # The interpreter is named by the release's own folder, whatever the link says by now.
    return pid.isdecimal() and command.is_file() and f"/{release.name}/".encode() in command.read_bytes()


def _restart(services: Sequence[str]) -> None:
    """Restart services, wait for READY, and look again a little later.

    Raises:
        StopError: one of them did not come up, or fell down again.
    """
    systemctl("reset-failed", *SERVICES, check=False)
    if not services:
        say("the services are not running; nothing to restart")
        return
    # systemctl waits for READY, since the units are of Type=notify.
    systemctl("restart", *services)
    time.sleep(_SETTLES)
    fallen = [name for name in services if not _steady(name)]
    if fallen:
        stop(f"{', '.join(fallen)} must stay up, fell down again")


def _those_that_are(*states: str) -> list[str]:
    return [name for name in SERVICES if systemctl("is-active", name, check=False).stdout.strip() in states]


def _steady(name: str) -> bool:
    """Return whether a service is up and has not been started again since it was restarted by hand."""
    told = systemctl("show", name, "--property=ActiveState,NRestarts", "--value").stdout.split()
    return sorted(told) == ["0", "active"]


def _prove(layout: Layout, old: Release, new: Release, *, skip_replay: bool) -> None:
    """Have the new release read the configuration, check its surroundings, and signal as the old one did.

    Raises:
        StopError: it does not.
    """
    offline = _check(layout, new, "--offline")
    if offline.returncode != 0:
        stop(f"{new.name} must take the configuration, did not; {old.name} goes on\n{offline.stdout}{offline.stderr}")
    whole = _check(layout, new)
    # What is wrong around it is no reason against the new release, as long as the old one says so, too.
    if whole.returncode > _check(layout, old).returncode:
        stop(f"{new.name} finds errors that {old.name} does not; that one goes on\n{whole.stdout}{whole.stderr}")
    say(f"check: {new.name} takes the configuration")
    if skip_replay:
        say("replay: left out, as asked for")
        return
    with tempfile.TemporaryDirectory(prefix="ninja-compare.") as folder:
        compared = compare(layout, old, new, Path(folder))
    say(f"replay: {compared} signals, the same to the last digit from both releases")


def _check(layout: Layout, release: Release, *options: str) -> CompletedProcess[str]:
    if not layout.real:
        return ran([release.command, "check", *options], check=False, environ=_settings_of(layout))
    return ran([layout.command, "check", *options], check=False, environ={"NINJA_RELEASE": release.name})


def compare(layout: Layout, old: Release, new: Release, folder: Path) -> int:
    """Run both engines over the same made-up history; return how many signals they agree on.

    It proves that averages, crosses, filters, rounding and ids are the same for the strategies that are configured
    here. It proves nothing of the broker or of Redis.

    Raises:
        StopError: they differ, or one of them fails.
    """
    histories = write_histories(layout.settings / "ninja.toml", folder)
    total = 0
    for history in histories:
        before, after = (_replayed(layout, release, history) for release in (old, new))
        if before != after:
            where = next((at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), -1)
            shown = f"\nold: {before[where]}\nnew: {after[where]}" if where >= 0 else ""
            stop(
                f"{new.name} must signal as {old.name} does, did not for {history.path.stem}: {len(after)} signals, "
                f"{len(before)} before{shown}\nWhere that is wanted (see CHANGELOG.md): sudo make upgrade REPLAY=skip"
            )
        total += len(after)
    return total


def _replayed(layout: Layout, release: Release, history: History) -> Sequence[str]:
    command: list[str | Path] = [release.command, "replay", "--csv", history.path, "--engine", "step", "--jsonl"]
    return ran(command, environ=_settings_of(layout)).stdout.splitlines()


def _settings_of(layout: Layout) -> dict[str, str]:
    return {
        "NINJA_CONFIG": str(layout.settings / "ninja.toml"),
        "NINJA_ENV_FILE": str(layout.settings / "ninja.env"),
        "NINJA_STATE_DIR": str(layout.state),
        "CREDENTIALS_DIRECTORY": str(layout.credentials),
    }


def _tell_next_steps(layout: Layout) -> None:
    say(f"installed in {layout.home}; configuration in {layout.settings}")
    if not settings.has_token(layout):
        say(f"next: sudo nano {layout.credentials / settings.TOKEN}      put the token in, one line")
        say(f"then: sudo systemctl start {TARGET} && sudo ninja-daemon check")
    else:
        say(f"next: sudo systemctl start {TARGET} && sudo ninja-daemon check")
