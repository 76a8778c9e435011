"""Takes webhooks and notes them: a line each, time, kind, id, whether it may be a repeat.

It is an ntfy server, too, and notes the pictures that it is sent: time, the word picture, bytes.
"""

from __future__ import annotations

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NOTES = Path(sys.argv[1])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if "ninja-kind" not in self.headers:
            self._answer({"id": "one", "sequence_id": json.loads(body)["sequence_id"]})
            return
        words = (self.headers.get(name, "-") for name in ("ninja-kind", "webhook-id", "ninja-possible-repeat"))
        with NOTES.open("a", encoding="utf-8") as file:
            file.write(f"{time.time():.3f} {' '.join(words)}\n")
        self.send_response(204)
        self.end_headers()

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if body.startswith(b"\x89PNG"):
            with NOTES.open("a", encoding="utf-8") as file:
                file.write(f"{time.time():.3f} picture {len(body)} -\n")
        self._answer({"id": "two"})

    def _answer(self, told: dict[str, str]) -> None:
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", 8081), Receiver).serve_forever()
