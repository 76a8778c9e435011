"""An operations alert as text, the same in Redis and in the journal."""

from __future__ import annotations

import hashlib
import json

from ninja_daemon.core.market.instant import format_moment


def encode_alert(kind: str, severity: str, text: str, at: float) -> str:
    """Write an operations alert as the notifier reads it; the same text in the same hour has the same id."""
    identity = hashlib.sha256(f"{kind}|{text}|{int(at // 3600)}".encode()).hexdigest()[:32]
    body = {"schema": 1, "id": identity, "kind": kind, "severity": severity, "text": text, "time": format_moment(at)}
    return json.dumps(body)
