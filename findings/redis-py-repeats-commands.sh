#!/usr/bin/env bash
# redis-py 8.1.0 (2026) on its defaults: a command whose reply is lost is sent eleven times.
#
# The default client retries ten times after a connection error. A server that carries a command out and loses the
# connection before its reply is asked again, so RPUSH or INCR is carried out up to eleven times. A reader expects one error.
# Cure: Retry(NoBackoff(), 0), or commands that may be repeated. Seen on 2026-11-28, Python 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check redis==8.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import socketserver
import sys
import threading

import redis

asked = []


class Forgetful(socketserver.BaseRequestHandler):
    """Takes commands, answers those of the greeting, and hangs up in place of the answer to RPUSH."""

    def handle(self) -> None:
        while data := self.request.recv(65_536):
            if b"RPUSH" in data:
                asked.append(data)
                return
            self.request.sendall(b"+OK\r\n" * data.count(b"\r\nCLIENT\r\n") or b"-ERR unknown command\r\n")


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forgetful) as server:
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = redis.Redis(port=server.server_address[1], protocol=2)
    try:
        client.rpush("list", "one")
    except redis.ConnectionError:
        pass
    server.shutdown()
print(f"redis-py {redis.__version__}: one call of rpush, sent {len(asked)} times")
sys.exit(len(asked) != 11)
PYTHON
