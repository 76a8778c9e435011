"""Pages that show messages as their services show them, from what the channels send; pictures of them by a browser."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.app.web.browser import browser_program

READER: Final = ZoneInfo("Europe/Berlin")
"""Zone of the reader whose screen is shown."""
SIZES: Final = {"discord": (540, 1_960), "telegram": (400, 2_080), "email": (600, 2_720)}
"""Width and height of each picture in pixels."""
_DISCORD: Final = """
body{margin:0;padding:16px;background:#313338;color:#dbdee1;font:14px/1.4 Inter,Helvetica,Arial,sans-serif}
h2{font:13px Arial;color:#949ba4;margin:14px 0 6px}p{margin:0 0 6px}
.embed{background:#2b2d31;border-left:4px solid;border-radius:4px;padding:10px 14px;margin-bottom:8px;max-width:460px}
.title{font-weight:600;color:#f2f3f5;font-size:15px;margin-bottom:6px}.text{white-space:pre-wrap;margin-bottom:8px}
.fields{display:grid;grid-template-columns:1fr 1fr 1fr;gap:8px}
.wide{grid-column:1/4}.name{font-weight:600;color:#f2f3f5}
.foot{font-size:12px;color:#b5bac1;margin-top:8px}.time{background:#3f4248;border-radius:3px;padding:0 2px}
"""
_TELEGRAM: Final = """
body{margin:0;padding:12px;background:#7fa7c9;font:15px/1.35 'DejaVu Sans',Roboto,Helvetica,Arial,sans-serif;color:#000}
h2{font:12px Arial;color:#fff;text-align:center;margin:10px 0 4px}
.bubble{background:#fff;border-radius:12px;padding:8px 12px;max-width:340px;white-space:pre-wrap;margin-bottom:6px}
code{font-family:'DejaVu Sans Mono',monospace;font-size:13px;color:#2a6cb0}
"""
_EMAIL: Final = """
body{margin:0;padding:16px;background:#eef0f2;font:14px Arial,sans-serif}
h2{font:13px Arial;color:#59636e;margin:14px 0 6px}
.mail{background:#fff;border:1px solid #d1d9e0;border-radius:6px;padding:12px;margin-bottom:8px}
.subject{font-weight:600;border-bottom:1px solid #d1d9e0;padding-bottom:8px;margin-bottom:10px}
"""


def discord_page(messages: Mapping[str, Any]) -> str:
    """Return the messages as Discord shows them to a reader."""
    parts = []
    for title, message in messages.items():
        content = f"<p>{_discord_text(message['content'])}</p>" if message.get("content") else ""
        parts.append(f"<h2>{escape(title)}</h2>{content}" + "".join(map(_embed, message.get("embeds", []))))
    return _page(_DISCORD, parts)


def _embed(embed: Mapping[str, Any]) -> str:
    fields = "".join(
        f'<div class="{"" if field["inline"] else "wide"}"><div class="name">{_discord_text(field["name"])}</div>'
        f"{_discord_text(field['value'])}</div>"
        for field in embed.get("fields", [])
    )
    foot = embed.get("footer", {}).get("text", "")
    return (
        f'<div class="embed" style="border-color:#{embed["color"]:06x}">'
        f'<div class="title">{_discord_text(embed["title"])}</div>'
        f'<div class="text">{_discord_text(embed.get("description", ""))}</div><div class="fields">{fields}</div>'
        f'<div class="foot">{escape(foot)}</div></div>\n'
    )


def _discord_text(text: str) -> str:
    """Show a text as Discord does: times in the reader's zone, bold words, escapes taken away."""
    shown = re.sub(r"&lt;t:(\d+):([fR])&gt;", lambda match: _time(int(match[1]), match[2]), escape(text, quote=False))
    shown = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", shown)
    return re.sub(r"\\([\\*_~`|\[\]#@]|&lt;|&gt;)", r"\1", shown)


def _time(at: int, form: str) -> str:
    moment = datetime.fromtimestamp(at, UTC).astimezone(READER)
    return f'<span class="time">{f"{moment:%d %B %Y %H:%M}" if form == "f" else "3 hours ago"}</span>'


def telegram_page(messages: Mapping[str, Any]) -> str:
    """Return the messages as Telegram shows them: its HTML is a part of HTML."""
    parts = []
    for title, message in messages.items():
        text = message["text"] if message.get("parse_mode") else escape(message["text"])
        parts.append(f'<h2>{escape(title)}</h2><div class="bubble">{text}</div>\n')
    return _page(_TELEGRAM, parts)


def email_page(mails: Mapping[str, tuple[str, str]]) -> str:
    """Return mails, each a subject and an HTML part, as a mail program shows them."""
    parts = []
    for title, (subject, html) in mails.items():
        body = re.sub(r"(?s).*<body style=(\".*?\")>(.*)</body>.*", r"<div style=\1>\2</div>", html)
        head = f'<div class="subject">{escape(subject)}</div>'
        parts.append(f'<h2>{escape(title)}</h2><div class="mail">{head}{body}</div>\n')
    return _page(_EMAIL, parts)


def _page(style: str, parts: list[str]) -> str:
    return f'<!doctype html><meta charset="utf-8"><style>{style}</style>\n{"".join(parts)}'


def draw(page: str, name: str, folder: Path) -> None:
    """Write ``NAME.png``, the page as a browser shows it."""
    source, (width, height) = folder / f".{name}.html", SIZES[name]
    source.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={width},{height}"]
    target = f"--screenshot={folder / f'{name}.png'}"
    subprocess.run([browser_program(), *options, target, source.as_uri()], check=True, capture_output=True, timeout=60)
    source.unlink()
