"""Write docs/messages/: what each channel shows, made by the channels themselves. ``python -m tests.transcripts``.

With ``--pictures`` a browser draws the pictures anew, too.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from ninja_daemon.adapters.channels.console import ConsoleChannel
from ninja_daemon.adapters.channels.registry import open_channel
from ninja_daemon.adapters.channels.webhook import WebhookChannel
from ninja_daemon.adapters.channels.wording.briefing import Briefing
from ninja_daemon.adapters.channels.wording.mail_html import mail_html
from ninja_daemon.adapters.channels.wording.plain import plain_text, subject
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.messages.destination import Destination
from ninja_daemon.core.messages.message import Bundle, Severity
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import signal_id
from ninja_daemon.core.signals.strategy import Strategy
from ninja_daemon.usecases.delivery.delivery_ports import Channel
from tests.adapters.channels.options import ROWS
from tests.fakes.messages import CLOSE_TIME, a_bundle, a_notice_entry, an_entry
from tests.fakes.receiver import Post, receiver
from tests.message_pages import discord_page, draw, email_page, telegram_page

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "messages"
POLICY = SendPolicy(time_zone="Europe/Berlin")
STRATEGY = Strategy("EUR_USD_H4", "EUR_USD", Granularity.H4, fast_ma=40, slow_ma=140)
BRIEFING = Briefing([STRATEGY])
SUSPENDED = (
    "Nothing is sent to desk any more: HTTP 404: Unknown Webhook. Its messages are kept. Mend the destination, then: "
    "ninja-daemon queue resume desk"
)
DAILY = (
    "16 strategies, since the last report: 112 candles evaluated, 3 crosses, 2 signals.\n"
    "Nearest to a cross: EUR_GBP_H4, at a close of 0.83412 (-4.1 pips from the last).\n"
    "Every strategy is up to date."
)


def bundles() -> dict[str, Bundle]:
    """The kinds of message that there are."""
    prices = {"close": "152.318", "stop_loss": "151.492", "take_profit": "153.557", "atr": "0.4130714"}
    prices |= {"sl_pips": "82.6", "tp_pips": "123.9", "fast_ma": "152.0141", "slow_ma": "152.01329"}
    buy: dict[str, Any] = {name: Decimal(value) for name, value in prices.items()}
    buy |= {"instrument": "GBP_JPY", "strategy": "GBP_JPY_H4", "side": Side.BUY}
    sell: dict[str, Any] = {"id": signal_id(STRATEGY, CLOSE_TIME - 14_400, Side.SELL)}
    late = [an_entry(number, late=True, close_time=CLOSE_TIME - 14_400 * (4 - number)) for number in (1, 2, 3)]
    found = {
        "A signal": a_bundle(an_entry(1, **sell)),
        "A late signal": a_bundle(an_entry(1, **sell, late=True), sent_at=CLOSE_TIME + 11_525.0),
        "A signal that may be a repeat": a_bundle(an_entry(1, **sell), repeat=True),
        "Two signals of one close, grouped": a_bundle(an_entry(1, **sell), an_entry(2, **buy), grouped=True),
        "Late signals after an outage, as a digest": a_bundle(*late, digest=True),
        "An operations alert": a_bundle(
            a_notice_entry(id="suspended-desk-7", topic="lane_suspended", text=SUSPENDED, severity=Severity.ERROR)
        ),
        "The daily report": a_bundle(
            a_notice_entry(id="daily-2022-03-04", topic="heartbeat", text=DAILY, severity=Severity.INFO)
        ),
    }
    return {title: BRIEFING.of(bundle) for title, bundle in found.items()}


def transcripts() -> dict[str, str]:
    """Return every file of the folder by its name."""
    return {
        "terminal.txt": terminal(),
        "discord.json": json.dumps(posts_of("discord"), indent=2, ensure_ascii=False) + "\n",
        "telegram.txt": telegram(),
        "email.txt": email(),
        "webhook.txt": webhook(),
    }


def terminal() -> str:
    """What standard output shows."""
    stream = io.StringIO()
    channel = ConsoleChannel(Destination("console", "console", policy=POLICY), stream)
    for title, bundle in bundles().items():
        stream.write(f"# {title}\n")
        channel.send(bundle)
        stream.write("\n")
    return stream.getvalue()


def email() -> str:
    """Subject and text."""
    return "\n".join(
        f"# {title}\n\nSubject: {subject(bundle, POLICY)}\n\n{plain_text(bundle, POLICY)}\n"
        for title, bundle in bundles().items()
    )


def telegram() -> str:
    """The text of each message."""
    return "\n".join(f"# {title}\n\n{body['text']}\n" for title, body in posts_of("telegram").items())


def webhook() -> str:
    """Headers of ours and the body, to the byte."""
    with posted("webhook") as (channel, posts):
        for bundle in bundles().values():
            channel.send(bundle)
    shown = []
    for title, post in zip(bundles(), posts, strict=True):
        names = ("content-type", "webhook-id", "webhook-timestamp", "webhook-signature", "ninja-kind")
        lines = [f"{name}: {post.headers[name]}" for name in (*names, "ninja-possible-repeat") if name in post.headers]
        shown.append(f"# {title}\n\n" + "\n".join(lines) + f"\n\n{post.body.decode()}\n")
    return "\n".join(shown)


def posts_of(kind: str) -> dict[str, Any]:
    """The JSON bodies, by title."""
    with posted(kind) as (channel, posts):
        for bundle in bundles().values():
            channel.send(bundle)
    return {title: post.json for title, post in zip(bundles(), posts, strict=True)}


@contextmanager
def posted(kind: str) -> Iterator[tuple[Channel, list[Post]]]:
    """A channel to a receiver, and what comes there."""
    with receiver() as server:
        destination = Destination("desk", kind, ROWS[kind](server.url), POLICY)
        channel: Channel
        if kind == "webhook":
            channel = WebhookChannel(destination, now=lambda: CLOSE_TIME + 3.2)
        else:
            channel = open_channel(destination, [STRATEGY])
        yield channel, server.posts
        channel.close()


# --- pictures ----------------------------------------------------------------------------------------------------


def pages() -> dict[str, str]:
    """Return what each service's picture shows, as an HTML page."""
    mails = {title: (subject(one, POLICY), mail_html(one, POLICY)) for title, one in bundles().items()}
    return {
        "discord": discord_page(posts_of("discord")),
        "telegram": telegram_page(posts_of("telegram")),
        "email": email_page(mails),
    }


def main() -> None:
    """Write the folder."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in transcripts().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    if "--pictures" in sys.argv:
        for name, page in pages().items():
            draw(page, name, FOLDER)


if __name__ == "__main__":
    main()
