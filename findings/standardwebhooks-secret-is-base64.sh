#!/usr/bin/env bash
# standardwebhooks 1.1.0 (2026): a secret without its prefix is base64, too, never plain text.
#
# Senders show secrets as "whsec_" and base64. A secret of letters without that prefix looks like plain text, and a sender
# that signs with its bytes is refused. The library decodes base64 with or without the prefix.
# Seen on 2026-11-28, Python 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import base64
import hashlib
import hmac
import sys
import time

from standardwebhooks import Webhook, WebhookVerificationError

SECRET, BODY, ID = "abcdefghijklmnopqrstuvwxyzabcdef", '{"side":"BUY"}', "msg_1"


def is_accepted(key: bytes) -> bool:
    at = str(int(time.time()))
    digest = hmac.new(key, f"{ID}.{at}.{BODY}".encode(), hashlib.sha256).digest()
    headers = {"webhook-id": ID, "webhook-timestamp": at, "webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}
    try:
        Webhook(SECRET).verify(BODY, headers)
    except WebhookVerificationError:
        return False
    return True


as_text, as_base64 = is_accepted(SECRET.encode()), is_accepted(base64.b64decode(SECRET))
print(f"standardwebhooks 1.1.0: signed with the text's bytes: {as_text}, with the decoded bytes: {as_base64}")
sys.exit((as_text, as_base64) != (False, True))
PYTHON
