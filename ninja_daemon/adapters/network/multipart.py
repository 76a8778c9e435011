"""Bodies of HTTP forms with files (RFC 7578)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from ninja_daemon.core.messages.message import Attachment


def form(fields: Mapping[str, str], files: Mapping[str, Attachment]) -> tuple[bytes, str]:
    """Return a form's body and its content type.

    Args:
        fields: texts by name.
        files: files by name; their own names are of letters, digits, ``_``, ``-`` and ``.``.
    """
    boundary = f"ninja-{secrets.token_hex(16)}"
    parts: list[bytes] = []
    for name, text in fields.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
    for name, file in files.items():
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file.name}"\r\n'
            f"Content-Type: {file.media_type}\r\n\r\n"
        )
        parts += [head.encode(), file.content, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
