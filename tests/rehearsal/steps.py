"""What is rehearsed, in order: a step raises FailedError where it finds something amiss, or returns what to tell."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from tests.rehearsal.machine import ROOT, SERVER, FailedError, Machine, until

INSIDE: Final = Path(__file__).parent / "inside"
SERVICES: Final = ("ninja-daemon.service", "ninja-notifier.service")
PROGRAM: Final = "/opt/ninja-daemon/current/venv/bin/ninja-daemon"
OFFLINE: Final = ("PIP_NO_INDEX=1", "PIP_FIND_LINKS=/srv/wheels")
NOTES: Final = "/srv/notes/received.txt"
MOST_MEGABYTES: Final = 120.0
MOST_CPU: Final = 0.5
WORST_EXPOSURE: Final = 1.5
MOST_SECONDS: Final = 300.0
_OURS: Final = ("_S5", "_M1")
"""How the strategies of inside/ninja.toml are called; the sixteen that ship have other timeframes."""
_DELIVERY_LIMIT: Final = 60.0
_WATCHED: Final = 60.0


class Steps:
    """The steps, and what one leaves for the next."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._run = machine.run
        self._first = ""

    # --- before anything is booted ------------------------------------------------------------------------------------

    def lay_out(self, wheels: Path, *, uncommitted: bool) -> str:
        """Put a clean copy of what is committed into the tree, and what plays the outside world."""
        srv = self._machine.tree / "srv"
        clone = srv / "ninja-daemon"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, clone], check=True, timeout=60)
        if uncommitted:
            listed = subprocess.run(
                ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=ROOT, check=True, capture_output=True, text=True,
            )  # fmt: skip
            for name in filter(None, listed.stdout.split("\0")):
                if (ROOT / name).is_file():
                    (clone / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, clone / name)
        shutil.copytree(wheels, srv / "wheels")
        shutil.copytree(INSIDE, srv / "inside")
        (srv / "notes").mkdir(mode=0o777)
        (srv / "notes").chmod(0o777)
        settings = self._machine.tree / "etc" / "ninja-daemon"
        settings.mkdir()
        shutil.copy(INSIDE / "ninja.toml", settings / "ninja.toml")
        (settings / "ninja.env").write_text("OANDA_API_URL=http://127.0.0.1:8080\n", encoding="utf-8")
        commit = subprocess.run(["git", "describe", "--always"], cwd=clone, check=True, capture_output=True, text=True)
        return f"commit {commit.stdout.strip()}, {len(list(wheels.iterdir()))} packages"

    # --- from a bare machine to the first signal ----------------------------------------------------------------------

    def is_bare(self) -> str:
        """Nothing of ours is there, and nothing that we need."""
        told = self._run(
            f"for p in python3 make {SERVER}-server; do command -v $p || true; done; ls /opt /usr/local/bin"
        )
        if "bin/" in told or "ninja" in told:
            message = f"the machine must be bare, has {told}"
            raise FailedError(message)
        return self._run("sed -n 's/^PRETTY_NAME=//p' /etc/os-release").strip().strip('"')

    def installs_within_three_commands(self) -> str:
        """The three commands of docs/operations.md; the simulator, which stands for OANDA, is started in between."""
        began = time.monotonic()
        self._run("apt-get install --yes --quiet --no-install-recommends make python3", limit=200)
        packages = time.monotonic() - began
        told = self._run(f"make -C /srv/ninja-daemon REDIS={SERVER} install-redis install", limit=400, environ=OFFLINE)
        if "next:" not in told:
            message = f"the installer must name the next steps, said {told}"
            raise FailedError(message)
        installed = time.monotonic() - began
        self.start_surroundings()
        self._run(
            "printf demo > /etc/ninja-daemon/credentials/oanda_access_token; systemctl start ninja.target", limit=120
        )
        self._await_delivery()
        took = time.monotonic() - began
        if took > MOST_SECONDS:
            message = f"the first signal must be delivered within {MOST_SECONDS:.0f} s, took {took:.0f} s"
            raise FailedError(message)
        return (
            f"packages {packages:.0f} s, installed {installed:.0f} s, first signal delivered after {took:.0f} s in all"
        )

    def start_surroundings(self) -> str:
        """Start what plays OANDA and a chat."""
        unit = "systemd-run --quiet --collect --unit"
        self._run(f"{unit} rehearsal-receiver --uid nobody python3 /srv/inside/receiver.py {NOTES}")
        self._run(
            f"{unit} rehearsal-oanda {PROGRAM} simulator --always-open --quiet --token demo --seed {time.time():.0f}"
        )
        return "simulator and receiver"

    def has_nothing_to_complain_of(self) -> str:
        """The program's own check, run as people run it."""
        findings = json.loads(self._run("ninja-daemon check --json"))["findings"]
        counts = Counter(finding["level"] for finding in findings)
        if counts["error"]:
            message = f"check must find no error, found {[each for each in findings if each['level'] == 'error']}"
            raise FailedError(message)
        return ", ".join(f"{count} {level}" for level, count in sorted(counts.items()))

    def is_idempotent(self) -> str:
        """Both installers once more change nothing, and existing settings stay."""
        places = f"/etc/ninja-daemon /etc/{SERVER} /usr/local /opt/ninja-daemon"
        look = f"find {places} -maxdepth 2 -type f -exec sha256sum {{}} + | sort"
        before = self._run(look)
        self._run(f"make -C /srv/ninja-daemon REDIS={SERVER} install-redis install", limit=300, environ=OFFLINE)
        if self._run(look) != before:
            message = "a second installation must change nothing, did"
            raise FailedError(message)
        modes = self._run("stat -c '%a %U %n' /etc/ninja-daemon/credentials /etc/ninja-daemon/credentials/*")
        if any(not line.startswith(("600 root", "700 root")) for line in modes.splitlines()):
            message = f"credentials must be for root alone, are {modes}"
            raise FailedError(message)
        return f"{len(before.splitlines())} files unchanged; credentials for root alone"

    def keeps_the_data_of_a_redis_that_was_there(self) -> str:
        """A Redis with snapshots only, as Debian ships it, holds data; our settings must not make it forget them."""
        self._run(
            f"cd /etc/{SERVER}; cp -a {SERVER}.conf {SERVER}.conf.ours; "
            "cp -a ninja-daemon.conf ninja-daemon.conf.ours; "
            f"sed -i '/ninja-daemon.conf/d' {SERVER}.conf; rm ninja-daemon.conf; rm -rf /var/lib/{SERVER}/*; "
            f"systemctl restart {SERVER}-server; sleep 1; {SERVER}-cli set mine kept; {SERVER}-cli save"
        )
        self._run(f"make -C /srv/ninja-daemon REDIS={SERVER} install-redis", limit=120)
        url = self._operator_url()
        found = self._run(
            f"systemctl restart {SERVER}-server; sleep 1; {SERVER}-cli --no-auth-warning -u {url} get mine"
        ).strip()
        if found != "kept":
            message = f"what was in Redis must be there still, was {found!r}"
            raise FailedError(message)
        return "a key of before outlived the change from snapshots to the append-only file"

    # --- what runs ----------------------------------------------------------------------------------------------------

    def is_active(self) -> str:
        """Both services run since their start, and say what they do."""
        told = []
        for service in SERVICES:
            shown = self._shown(service, "ActiveState", "NRestarts", "StatusText", "Type", "User")
            if (shown["ActiveState"], shown["NRestarts"], shown["Type"]) != ("active", "0", "notify"):
                message = f"{service} must be active and never restarted, is {shown}"
                raise FailedError(message)
            told.append(shown["StatusText"])
        return " | ".join(told)

    def delivers_everything(self) -> str:
        """What was found is what was received: each signal once, but for marked repeats."""
        told = json.loads(self._run("ninja-daemon signals --json --limit 1000"))
        # The sixteen that ship have no destination but the console, and one of them may cross at its first start.
        listed = [each["id"] for each in told if each["strategy"].endswith(_OURS)]
        wanted = set(listed)

        def all_there() -> bool:
            return wanted <= {line[2] for line in self._received() if line[1] == "signal"}

        try:
            until(all_there, "every listed signal is received", _DELIVERY_LIMIT)
        except FailedError as error:
            message = f"{error}; never received: {self._stories(wanted - {line[2] for line in self._received()})}"
            raise FailedError(message) from error
        counts = Counter(line[2] for line in self._received() if line[1] == "signal" and line[3] != "true")
        twice = [name for name, count in counts.items() if count > 1]
        if len(listed) != len(wanted) or twice:
            message = f"each signal must be listed and delivered once, was not: {twice[:3]} of {len(listed)}"
            raise FailedError(message)
        return f"{len(listed)} signals listed, each received once, unless marked as a possible repeat"

    def _stories(self, lost: set[str]) -> str:
        """What the machine knows of signals that never came."""
        told = [self._run("ninja-daemon queue dead --json")]
        for name in sorted(lost)[:3]:
            told.append(self._run(f"ninja-daemon signals --json --limit 1000 | grep -o '{{[^{{]*{name}[^}}]*}}'"))
            told.append(self._run(f"journalctl --no-pager --output json NINJA_SIGNAL_ID={name} || true"))
        return "\n".join([", ".join(sorted(lost)), *told])

    def draws_pictures(self) -> str:
        """A destination that wants pictures gets one, under the unit's sandbox; taken over by a reload, and back."""
        wanted = ["[destinations.phone]", 'channel = "ntfy"', 'url = "http://127.0.0.1:8081"', 'topic = "rehearsal"']
        lines = "\\n".join(["", *wanted, "insecure = true", "picture = true", ""])
        settings, reload = "/etc/ninja-daemon/ninja.toml", "systemctl reload ninja-daemon ninja-notifier"
        self._run(f"printf '{lines}' >> {settings}; {reload}")
        began = time.monotonic()
        until(lambda: self._received_of("picture"), "a picture is received", _DELIVERY_LIMIT)
        took = time.monotonic() - began
        size = next(line[2] for line in self._received() if line[1] == "picture")
        self._run(f"cp /srv/inside/ninja.toml {settings}; {reload}")
        return f"a picture of {int(size):,} bytes, {took:.0f} s after the settings"

    def writes_a_journal(self) -> str:
        """The fields that docs/operations.md promises can be asked for."""
        told = {}
        # The market is another one each time, and an instrument may stand still for minutes.
        (newest,) = json.loads(self._run("ninja-daemon signals --json --limit 1"))
        emitted = f"NINJA_EVENT=signal.emitted NINJA_INSTRUMENT={newest['instrument']}"
        for query in (emitted, "NINJA_EVENT=signal.delivered"):
            entries = until(partial(self._journal, query), f"journalctl {query} finds something", 120)
            if any("NINJA_SIGNAL_ID" not in entry or "MESSAGE_ID" not in entry for entry in entries):
                message = f"journalctl {query} must find signals with id and message id, found {entries[-1:]}"
                raise FailedError(message)
            told[query] = len(entries)
        priorities = {entry["PRIORITY"] for entry in self._journal("NINJA_EVENT=signal.emitted")}
        if priorities != {"5"}:
            message = f"a signal is a notice (5), was {priorities}"
            raise FailedError(message)
        return ", ".join(f"{query}: {count}" for query, count in told.items())

    def is_hardened(self) -> str:
        """What systemd itself thinks of the units."""
        told = []
        for path in self._run("ls /usr/local/lib/systemd/system/ | grep service").split():
            name = path.replace("@.", "@x.")
            said = self._run(
                f"systemd-analyze security --no-pager {name} | tail -n 1 | grep -oE '[0-9]+\\.[0-9]'"
            ).strip()
            if float(said) > WORST_EXPOSURE:
                message = f"{path} must have an exposure of at most {WORST_EXPOSURE}, has {said}"
                raise FailedError(message)
            told.append(f"{path} {said}")
        return ", ".join(told)

    # --- what breaks --------------------------------------------------------------------------------------------------

    def survives_kills(self) -> str:
        """Kill -9 of each service: it comes back and delivers, and the operator hears of it."""
        told = []
        alerts = self._received_of("alert")
        for service in SERVICES:
            began = time.monotonic()
            before = self._shown(service, "MainPID")["MainPID"]
            self._run(f"kill -9 {before}")
            self._await_other_process(service, before)
            self._await_delivery()
            told.append(f"{service} {time.monotonic() - began:.0f} s")
        until(lambda: self._received_of("alert") >= alerts + 2, "both crashes are told", _DELIVERY_LIMIT)
        for service in SERVICES:
            if not self._journal(f"NINJA_EVENT=unit.failed NINJA_UNIT={service}"):
                message = f"the journal must say that {service} ended unexpectedly, does not"
                raise FailedError(message)
        return f"delivering again after {', '.join(told)}; an alert of each delivered"

    def goes_on_without_redis(self) -> str:
        """While Redis is stopped signals are delivered, and are in the list once it is back."""
        kept = self._listed()
        self._run(f"systemctl stop {SERVER}-server")
        began, before = time.monotonic(), len(self._received())
        self._await_delivery(2)
        first = time.monotonic() - began
        time.sleep(10)
        meanwhile = {line[2] for line in self._received()[before:] if line[1] == "signal"}
        self._run(f"systemctl start {SERVER}-server")

        def listed() -> bool:
            try:
                return kept | meanwhile <= self._listed()
            except FailedError:
                return False

        until(listed, "what was in the list, and what crossed without Redis, is in it", _DELIVERY_LIMIT)
        for service in SERVICES:
            if self._shown(service, "ActiveState")["ActiveState"] != "active":
                message = f"{service} must outlive Redis, did not"
                raise FailedError(message)
        return (
            f"delivered again after {first:.0f} s without it, {len(meanwhile)} signals meanwhile, all listed afterwards"
        )

    def kills_what_hangs(self) -> str:
        """A thread that hangs is noticed: the watchdog kills, the journal has the stack, systemd starts anew."""
        drop_in = "/etc/systemd/system/ninja-daemon.service.d/rehearsal.conf"
        start = "/opt/ninja-daemon/current/venv/bin/python /srv/inside/hang.py run"
        lines = f"[Service]\\nWatchdogSec=12\\nExecStart=\\nExecStart={start}\\n"
        self._run(f"mkdir -p $(dirname {drop_in}); printf '{lines}' > {drop_in}; systemctl daemon-reload")
        self._run("systemctl restart ninja-daemon.service", limit=100)
        began, before = time.monotonic(), self._shown("ninja-daemon.service", "MainPID")["MainPID"]
        self._await_other_process("ninja-daemon.service", before, 90)
        took = time.monotonic() - began
        self._run(
            f"rm -r $(dirname {drop_in}); systemctl daemon-reload; systemctl restart ninja-daemon.service", limit=100
        )
        told = self._run("journalctl --unit ninja-daemon.service --since '-3 min' --output cat")
        if "hang_here" not in told or "atchdog" not in told:
            message = f"the journal must have the watchdog and the stack of the thread, has {told[-2000:]}"
            raise FailedError(message)
        self._await_delivery()
        return f"killed {took:.0f} s after its start with WatchdogSec=12; the journal has the hanging thread's stack"

    def tells_of_what_fails_for_good(self) -> str:
        """A configuration that cannot work: systemd runs the alert unit, and the alert arrives."""
        alerts = self._received_of("alert")
        self._run("cp /etc/ninja-daemon/ninja.toml /srv/kept.toml; echo nonsense >> /etc/ninja-daemon/ninja.toml")
        self._machine.fails("systemctl restart ninja-daemon.service")
        until(lambda: self._received_of("alert") > alerts, "the alert is delivered", _DELIVERY_LIMIT)
        state = self._shown("ninja-daemon.service", "ActiveState", "ExecMainStatus", "NRestarts")
        if (state["ActiveState"], state["ExecMainStatus"], state["NRestarts"]) != ("failed", "78", "0"):
            message = f"the daemon must have failed with 78 and not been tried again, is {state}"
            raise FailedError(message)
        entries = self._journal("NINJA_EVENT=unit.failed NINJA_UNIT=ninja-daemon.service")
        ran = self._shown("ninja-alert@ninja-daemon.service.service", "Result", "ExecMainStatus", "ActiveState")
        if not entries or (ran["Result"], ran["ExecMainStatus"]) != ("success", "0"):
            message = f"the alert unit must have run and told the journal, is {ran}, with {len(entries)} entries"
            raise FailedError(message)
        self._run("cp /srv/kept.toml /etc/ninja-daemon/ninja.toml; systemctl restart ninja-daemon.service", limit=100)
        self._await_delivery()
        return f"exit 78 not tried again; alert unit {ran['Result']}, its alert delivered by the notifier"

    def makes_a_backup_by_itself(self) -> str:
        """The unit of the daily backup, run by systemd: it ends well, its file is whole, and the timer waits."""
        self._run("systemctl start ninja-backup.service", limit=120)
        ended = self._shown("ninja-backup.service", "Result", "ExecMainStatus", "ActiveState")
        if (ended["Result"], ended["ExecMainStatus"], ended["ActiveState"]) != ("success", "0", "inactive"):
            message = f"the backup must end well, is {ended}"
            raise FailedError(message)
        files = self._run("ls -t /var/lib/ninja-daemon/backups/").split()
        if not files:
            message = "the backup must have left a file in /var/lib/ninja-daemon/backups, has none"
            raise FailedError(message)
        self._run(f"ninja-daemon restore --dry-run /var/lib/ninja-daemon/backups/{files[0]}")
        timers = self._run("systemctl list-timers --no-pager --no-legend ninja-backup.timer")
        if "ninja-backup.service" not in timers or timers.startswith(("-", "n/a")):
            message = f"the timer must wait for its next time, is {timers!r}"
            raise FailedError(message)
        return f"{ended['Result']}, {files[0]} is whole; next {' '.join(timers.split()[:3])}"

    def survives_a_reboot(self) -> str:
        """Everything comes back by itself."""
        before = self._machine.wait_for_boot(None)
        listed = self._listed()
        began = time.monotonic()
        with suppress(FailedError):  # the shell that asks for it goes down with the rest
            self._run("systemctl --no-block reboot")
        self._machine.wait_for_boot(before)
        self.start_surroundings()
        self._await_delivery()
        took = time.monotonic() - began
        if not listed <= self._listed():
            message = (
                f"{len(listed)} signals were listed before the reboot, of which {len(listed - self._listed())} are gone"
            )
            raise FailedError(message)
        return f"{self.is_active()}; delivering {took:.0f} s after the order, {len(listed)} signals still listed"

    # --- upgrade, backup, removal -------------------------------------------------------------------------------------

    def upgrades_and_goes_back(self) -> str:
        """A new version, a rollback, a version that signals otherwise, a version that does not come up."""
        first = self._current()
        self._next_version("next", "0.1.1")
        self._run("make -C /srv/next upgrade", limit=300, environ=OFFLINE)
        second = self._current()
        if second == first or not second.startswith("0.1.1-"):
            message = f"the new version must run, {second} does"
            raise FailedError(message)
        self._await_delivery()
        self._run("make -C /srv/next rollback", limit=120)
        self._must_run(first, "after the rollback")

        # As if the power had gone between the switch and the restart.
        self._run(f"cd /opt/ninja-daemon; ln -sfn releases/{second} current; ln -sfn releases/{first} previous")
        told = self._run("make -C /srv/next upgrade", limit=300, environ=OFFLINE)
        if "restarting the services" not in told:
            message = f"an interrupted upgrade must be finished by the next one, was not: {told[-800:]}"
            raise FailedError(message)
        self._must_run(second, "after the upgrade that was taken up again")
        self._run("make -C /srv/next rollback", limit=120)

        self._next_version("other", "0.1.2")
        crossover = "/srv/other/ninja_daemon/core/signals/signal.py"
        self._run(f"grep -q 'sha256' {crossover} && sed -i 's/sha256/sha3_256/g' {crossover}")
        refused = self._machine.fails("make -C /srv/other upgrade", limit=300, environ=OFFLINE)
        if "must signal as" not in refused:
            message = f"other signals must be refused, was {refused[-800:]}"
            raise FailedError(message)
        self._must_run(first, "after the refusal")

        self._next_version("broken", "0.1.3")
        # 78 is what systemd does not try again, so the old release must be started, not waited for.
        self._run("printf 'raise SystemExit(78)\\n' >> /srv/broken/ninja_daemon/app/daemon/process.py")
        back = self._machine.fails("make -C /srv/broken upgrade", limit=400, environ=OFFLINE)
        if "runs again" not in back:
            message = f"a version that does not come up must be taken back, was {back[-800:]}"
            raise FailedError(message)
        self._must_run(first, "after the failed upgrade")
        self._await_delivery()
        kinds = "an interrupted one finished, one that signals otherwise refused, one that does not start taken back"
        return f"{first} to {second} and back; {kinds}"

    def restores_a_backup(self) -> str:
        """A backup, a refusal while the services run, the loss of everything in Redis, and back."""
        before = self._listed()
        file = json.loads(self._run("ninja-daemon backup --json"))["file"]
        self._machine.fails(f"ninja-daemon restore {file}")
        self._run("systemctl stop ninja.target")
        until(lambda: not self._busy(), "both services have ended", 40)
        self._run(f"{SERVER}-cli --no-auth-warning -u {self._operator_url()} flushall")

        def restored() -> bool:  # it refuses as long as a life sign in Redis is fresh
            try:
                self._run(f"ninja-daemon restore {file}")
            except FailedError:
                return False
            return True

        until(restored, "the backup is restored", 90)
        after = self._listed()
        self._run("systemctl start ninja.target", limit=120)
        if not before <= after:
            message = f"{len(before)} signals were listed before the backup, {len(after)} after the restoration"
            raise FailedError(message)
        self._await_delivery()
        return f"{len(after)} signals listed again, delivering; refused while the services ran"

    def reaches_redis_by_its_socket(self) -> str:
        """The lines of docs/operations.md, and then no network port any more."""
        page = (self._machine.tree / "srv" / "ninja-daemon" / "docs" / "operations.md").read_text(encoding="utf-8")
        shown = re.search(r"To use the socket instead:\n\n```sh\n(.*?)```", page, re.DOTALL)
        if shown is None:
            message = "docs/operations.md must say how the socket is used, does not"
            raise FailedError(message)
        lines = shown[1].replace("sudo ", "")
        for name in ("run/redis/redis-server", "Groups=redis"):
            lines = lines.replace(name, name.replace("redis", SERVER))
        self._run(lines, limit=120)
        self._run(f"sed -i 's/^port 6379$/port 0/' /etc/{SERVER}/ninja-daemon.conf; systemctl restart {SERVER}-server")
        self._machine.fails("exec 3<>/dev/tcp/127.0.0.1/6379")
        self._await_delivery(2)
        self._run(f"make -C /srv/ninja-daemon REDIS={SERVER} install-redis", limit=100, environ=OFFLINE)
        self.makes_a_backup_by_itself()
        return f"port closed, delivering; {self.is_active()}; check: {self.has_nothing_to_complain_of()}"

    def shares_the_work(self) -> str:
        """The drop-in of docs/beyond-one-machine.md, a member that is killed, and back by the same page."""
        docs = self._machine.tree / "srv" / "ninja-daemon" / "docs"
        page = (docs / "beyond-one-machine.md").read_text(encoding="utf-8")
        drop_in = re.search(r"`systemctl edit ninja-daemon`, then\n\n```\n(.*?)```", page, re.DOTALL)
        forgotten = re.search(r"`redis-cli (DEL '[^`]*)`", page)
        if drop_in is None or forgotten is None:
            message = "docs/beyond-one-machine.md must show the drop-in and how the count is changed, does not"
            raise FailedError(message)
        settings, folder = "/etc/ninja-daemon/ninja.toml", "/etc/systemd/system/ninja-daemon.service.d"
        redis = f"{SERVER}-cli --no-auth-warning -u {self._operator_url()}"
        start = "systemctl daemon-reload; systemctl start ninja.target"
        anew = f"systemctl stop ninja.target; {redis} {forgotten[1]}; {start}"
        self._run(
            f"printf '\n[shards]\ncount = 8\n' >> {settings}; mkdir -p {folder}; "
            f"printf '%s' '{drop_in[1]}' > {folder}/override.conf; {anew}",
            limit=120,
        )
        members = until(self._four_members, "four members share the shards", 60)
        self._await_delivery()
        began, killed = time.monotonic(), min(members)
        self._run(f"kill -9 {killed}")
        until(lambda: killed not in (four := self._four_members()) and four, "four share them again", 60)
        took = time.monotonic() - began
        self._await_delivery()
        self._run(f"cp /srv/inside/ninja.toml {settings}; rm -r {folder}; {anew}", limit=120)
        self._await_delivery()
        return f"four members shared 8 shards, again {took:.0f} s after one was killed; then alone: {self.is_active()}"

    def _four_members(self) -> set[int]:
        members = self._members()
        return members if len(members) == 4 else set()

    def _members(self) -> set[int]:
        """The processes that share the work; none while a shard is led by nobody."""
        shards = json.loads(self._run("ninja-daemon status --json"))["shards"]
        return set() if shards["uncovered"] else {int(member["pid"]) for member in shards["members"]}

    def measures_the_sixteen(self) -> str:
        """Memory and idle CPU with the strategies that ship."""
        self._run(
            "cp /srv/ninja-daemon/config/ninja.toml /etc/ninja-daemon/ninja.toml; systemctl restart ninja.target",
            limit=120,
        )
        time.sleep(20)
        used = {service: self._cpu(service) for service in SERVICES}
        time.sleep(_WATCHED)
        shares = {service: (self._cpu(service) - used[service]) / _WATCHED * 100 for service in SERVICES}
        resident = {service: self._megabytes(service) for service in SERVICES}
        self._run("cp /srv/inside/ninja.toml /etc/ninja-daemon/ninja.toml; systemctl restart ninja.target", limit=120)
        told = ", ".join(f"{name} {resident[name]:.0f} MB {shares[name]:.2f} %" for name in SERVICES)
        if sum(resident.values()) > MOST_MEGABYTES or sum(shares.values()) > MOST_CPU:
            message = f"both must stay under {MOST_MEGABYTES:.0f} MB and {MOST_CPU} % of a core, were {told}"
            raise FailedError(message)
        return f"{told}; together {sum(resident.values()):.0f} MB, {sum(shares.values()):.2f} % of a core"

    def is_removed(self) -> str:
        """Without data first, then with it."""
        self._run("make -C /srv/ninja-daemon uninstall", limit=120)
        left = self._run(
            "ls -d /opt/ninja-daemon /usr/local/bin/ninja-daemon /etc/ninja-daemon /var/lib/ninja-daemon 2>&1 || true"
        )
        if "cannot access '/opt" not in left or "cannot access '/etc" in left or "cannot access '/var" in left:
            message = f"uninstall must keep settings and data only, left {left}"
            raise FailedError(message)
        units = "systemctl list-units --all --no-legend 'ninja*'; ls /usr/local/lib/systemd/system"
        # systemd forgets a unit without a file when it comes to it.
        until(lambda: "ninja" not in self._run(units), "no unit is left", 30)
        self._run("make -C /srv/ninja-daemon uninstall PURGE=1", limit=120)
        left = self._run(
            "ls -d /etc/ninja-daemon /var/lib/ninja-daemon /var/lib/private/ninja-daemon 2>/dev/null || true"
        )
        if left.strip():
            message = f"PURGE=1 must leave nothing, left {left}"
            raise FailedError(message)
        return "program and units; with PURGE=1 settings and data, too"

    # --- parts --------------------------------------------------------------------------------------------------------

    def _shown(self, service: str, *names: str) -> dict[str, str]:
        told = self._run(f"systemctl show {service} " + " ".join(f"--property={name}" for name in names))
        return dict(line.split("=", 1) for line in told.splitlines() if "=" in line)

    def _listed(self) -> set[str]:
        return {each["id"] for each in json.loads(self._run("ninja-daemon signals --json --limit 1000"))}

    def _operator_url(self) -> str:
        return self._run("cat /etc/ninja-daemon/credentials/operator_redis_url").strip()

    def _busy(self) -> bool:
        return any(self._shown(service, "ActiveState")["ActiveState"] != "inactive" for service in SERVICES)

    def _received(self) -> list[list[str]]:
        """Lines of time, kind, id, repeat."""
        path = self._machine.tree / NOTES.lstrip("/")
        return [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []

    def _received_of(self, kind: str) -> int:
        return sum(line[1] == kind for line in self._received())

    def _await_delivery(self, count: int = 1) -> None:
        before = self._received_of("signal")
        until(lambda: self._received_of("signal") >= before + count, f"{count} more deliveries", _DELIVERY_LIMIT)

    def _await_other_process(self, service: str, before: str, limit: float = 30.0) -> None:
        def other() -> bool:
            shown = self._shown(service, "MainPID", "ActiveState")
            return shown["MainPID"] not in {"0", before} and shown["ActiveState"] == "active"

        until(other, f"{service} runs again", limit)

    def _journal(self, query: str) -> list[dict[str, str]]:
        told = self._run(f"journalctl --output json --no-pager {query}")
        return [json.loads(line) for line in told.splitlines()]

    def _current(self) -> str:
        return Path(self._run("readlink /opt/ninja-daemon/current").strip()).name

    def _must_run(self, release: str, when: str) -> None:
        found = self._current()
        shown = self._shown(SERVICES[0], "ActiveState", "MainPID")
        command = self._run(f"tr '\\0' ' ' < /proc/{shown['MainPID']}/cmdline")
        if found != release or shown["ActiveState"] != "active" or f"/{release}/" not in command:
            message = f"{release} must run {when}, found {found} and {command}"
            raise FailedError(message)

    def _next_version(self, name: str, version: str) -> None:
        init = f"/srv/{name}/ninja_daemon/__init__.py"
        self._run(
            f"cp -r /srv/ninja-daemon /srv/{name}; sed -i 's/^__version__ = .*/__version__ = \"{version}\"/' {init}"
        )

    def _cpu(self, service: str) -> float:
        """Seconds of processor time that the service's process has used."""
        pid = self._shown(service, "MainPID")["MainPID"]
        fields = self._run(f"cat /proc/{pid}/stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _megabytes(self, service: str) -> float:
        pid = self._shown(service, "MainPID")["MainPID"]
        match = re.search(r"^VmRSS:\s+(\d+) kB", self._run(f"cat /proc/{pid}/status"), re.MULTILINE)
        return int(match[1]) / 1024 if match else float("inf")


def in_order(steps: Steps) -> list[tuple[str, Callable[[], str]]]:
    """Return each step with its name."""
    return [
        ("a bare Debian", steps.is_bare),
        ("three commands to the first signal", steps.installs_within_three_commands),
        ("both services", steps.is_active),
        ("ninja-daemon check", steps.has_nothing_to_complain_of),
        ("a second installation", steps.is_idempotent),
        ("signals and deliveries", steps.delivers_everything),
        ("a picture", steps.draws_pictures),
        ("the journal's fields", steps.writes_a_journal),
        ("systemd-analyze security", steps.is_hardened),
        ("kill -9", steps.survives_kills),
        ("Redis stopped and started", steps.goes_on_without_redis),
        ("a thread that hangs", steps.kills_what_hangs),
        ("a Redis that was there before", steps.keeps_the_data_of_a_redis_that_was_there),
        # Before the upgrade that fails: the same alert is delivered once only.
        ("a unit that fails for good", steps.tells_of_what_fails_for_good),
        ("upgrade and rollback", steps.upgrades_and_goes_back),
        ("the daily backup's unit", steps.makes_a_backup_by_itself),
        ("backup and restore", steps.restores_a_backup),
        ("reboot", steps.survives_a_reboot),
        ("four processes", steps.shares_the_work),
        # Afterwards Redis is no longer reached by a port.
        ("Redis by its socket", steps.reaches_redis_by_its_socket),
        ("memory and idle CPU, sixteen strategies", steps.measures_the_sixteen),
        ("nothing lost, nothing twice", steps.delivers_everything),
        ("uninstall", steps.is_removed),
    ]
