#!/usr/bin/env bash
# discord-webhook 1.4.1: DiscordWebhook(…, wait=False).execute() raises JSONDecodeError after each message that Discord has taken.
# Without wait Discord answers 204 and no body; the package counts 204 as success, and then reads the body as JSON. Who takes an
# exception for "not sent" and tries again posts every message twice. Expected by a reader: the response, as with wait=True.
# Reported as lovvskillz/python-discord-webhook 130; 171 mends it, which no release has. Cure: leave wait at True.
# A server of this script stands in for Discord. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install discord-webhook==1.4.1

"$folder/venv/bin/python" - <<'PYTHON'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version

from discord_webhook import DiscordWebhook

taken: list[bool] = []


class Discord(BaseHTTPRequestHandler):
    """Answers as Discord's documentation of "Execute Webhook" says: a message if asked to wait, else 204."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        waits = "wait=" in self.path.lower()
        taken.append(waits)
        body = b'{"id": "1"}' if waits else b""
        self.send_response(200 if waits else 204)
        if body:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def outcome(**options: bool) -> str:
    try:
        return str(DiscordWebhook(url, content="BUY EUR/USD", timeout=5, **options).execute().status_code)
    except ValueError as error:
        return type(error).__name__


with ThreadingHTTPServer(("127.0.0.1", 0), Discord) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api/webhooks/1/made-up"
    outcomes = outcome(wait=True), outcome(wait=False)
    server.shutdown()
print(f"discord-webhook {version('discord-webhook')}: wait=True {outcomes[0]}, wait=False {outcomes[1]}; messages taken: {len(taken)}")
sys.exit(0 if outcomes == ("200", "JSONDecodeError") and taken == [True, False] else 1)
PYTHON
