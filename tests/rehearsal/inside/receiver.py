"""Takes webhooks and notes them: a line each, time, kind, id, whether it may be a repeat."""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NOTES = Path(sys.argv[1])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", "0")))
        words = (self.headers.get(name, "-") for name in ("ninja-kind", "webhook-id", "ninja-possible-repeat"))
        with NOTES.open("a", encoding="utf-8") as file:
            file.write(f"{time.time():.3f} {' '.join(words)}\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


ThreadingHTTPServer(("127.0.0.1", 8081), Receiver).serve_forever()
