"""A Discord webhook: embeds, coloured by side; the service's rate limits obeyed before they bite."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from ninja_daemon import __version__
from ninja_daemon.adapters.channels.discord_api import WEBHOOK, failure_from, message_id, pause_of, versioned
from ninja_daemon.adapters.channels.kind import (
    ChannelKind,
    Complaints,
    endpoint_at,
    options_of,
    poster_for,
)
from ninja_daemon.adapters.channels.wording.outcome_words import RESULT, outcome_lines, outcome_title, result_text
from ninja_daemon.adapters.channels.words import (
    REPEAT_NOTE,
    facts,
    harmless,
    headline,
    notice_title,
    plain_text,
    shortened,
)
from ninja_daemon.adapters.network.connecting import url_complaint
from ninja_daemon.adapters.network.multipart import form
from ninja_daemon.adapters.network.reachability import Trouble
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, Outcome, Sent
from ninja_daemon.core.messages.message import Notice, Parcel, Severity
from ninja_daemon.core.messages.send_policy import Manners, Rate
from ninja_daemon.core.outcomes.outcome import Outcome as SignalOutcome
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

COLOURS: Final = {Side.BUY: 0x2E_CC_71, Side.SELL: 0xE7_4C_3C}
_SEVERITIES: Final = {
    Severity.INFO: 0x34_98_DB,
    Severity.WARNING: 0xF1_C4_0F,
    Severity.ERROR: 0xE6_7E_22,
    Severity.CRITICAL: 0xC0_39_2B,
}
_LONGEST_CONTENT: Final = 2_000
_LONGEST_TITLE: Final = 256
_LONGEST_VALUE: Final = 1_024
_LONGEST_DESCRIPTION: Final = 4_096
_LONGEST_FOOTER: Final = 2_048
_LONGEST_MESSAGE: Final = 6_000
_MOST_EMBEDS: Final = 10
_OK: Final = 200
_AGENT: Final = f"ninja-daemon ({__version__})"
_ESCAPED: Final = str.maketrans({letter: f"\\{letter}" for letter in "\\*_~`|<>[]#@"})


class Options(NamedTuple):
    """Options of a Discord destination."""

    url: Secret
    """The webhook's URL, as Discord shows it."""
    insecure: bool = False
    """Allow plain http and addresses that are not public."""


class DiscordChannel:
    """Posts to a webhook with ``wait=true``, so that the answer names the message."""

    provider = "discord"

    def __init__(self, destination: Destination) -> None:
        """Prepare the webhook's address; nothing is connected yet."""
        options = options_of(destination, Options)
        self._poster = poster_for(destination, versioned(options.url.reveal()), insecure=options.insecure)
        self._manners = destination.manners
        parts = self._poster.parts
        others = [part for part in parts.query.split("&") if part and not part.startswith("wait=")]
        self._target = f"{parts.path}?{'&'.join([*others, 'wait=true'])}"
        # A message in a thread is found only with the thread it was posted to.
        self._thread = "".join(f"?{part}" for part in others if part.startswith("thread_id="))

    def send(self, parcel: Parcel) -> Outcome:
        """Post; see the port."""
        return self._answered(json.dumps(self._message(parcel)).encode(), self._target, "POST")

    def edit(self, message_id: str, parcel: Parcel) -> Outcome:
        """Change a posted message; see the port. What is attached to it stays."""
        target = f"{self._poster.parts.path}/messages/{message_id}{self._thread}"
        return self._answered(json.dumps(self._message(parcel)).encode(), target, "PATCH")

    def illustrate(self, message_id: str, parcel: Parcel) -> Outcome:
        """Attach the picture to a posted message, whose embeds stay; see the port."""
        (picture,) = parcel.attachments
        named = json.dumps({"attachments": [{"id": 0, "filename": picture.name}]})
        body, media_type = form({"payload_json": named}, {"files[0]": picture})
        target = f"{self._poster.parts.path}/messages/{message_id}{self._thread}"
        return self._answered(body, target, "PATCH", media_type)

    def _answered(self, body: bytes, target: str, method: str, media_type: str = "application/json") -> Outcome:
        headers = {"Content-Type": media_type, "User-Agent": _AGENT}
        reply = self._poster.post(body, headers, target=target, method=method)
        if isinstance(reply, Failure):
            return reply
        if reply.status in {200, 204}:
            return Sent(message_id(reply), pause_of(reply))
        return failure_from(reply)

    def _message(self, parcel: Parcel) -> dict[str, Any]:
        message: dict[str, Any] = {"allowed_mentions": {"parse": []}}
        template, zone = self._manners.template, self._manners.time_zone
        notice = parcel.notice
        if parcel.signals and template and not parcel.digest:
            message["content"] = shortened(plain_text(parcel, zone, template), _LONGEST_CONTENT)
            return message
        if parcel.outcome is not None:
            embeds = [_outcome_embed(parcel.outcome, zone)]
        elif notice is not None:
            embeds = [_notice_embed(notice)]
        elif parcel.digest:
            embeds = [_digest_embed(parcel, zone)]
        else:
            embeds = [_embed(signal, zone, parcel.results.get(signal.id)) for signal in parcel.signals[:_MOST_EMBEDS]]
        message["embeds"] = _within_limits(embeds)
        if parcel.repeat:
            message["content"] = REPEAT_NOTE
        return message

    def close(self) -> None:
        """Let the connection go."""
        self._poster.close()


def _plain(text: str) -> str:
    """Return a text that Discord shows as it is."""
    return harmless(text).translate(_ESCAPED)


def _embed(signal: Signal, time_zone: str, ended: SignalOutcome | None) -> dict[str, Any]:
    fields = [
        {"name": name, "value": shortened(_plain(value), _LONGEST_VALUE), "inline": name != "Candle close"}
        for name, value in facts(signal, time_zone)
    ]
    if ended is not None:
        fields.append({"name": RESULT, "value": result_text(ended), "inline": False})
    return {
        "title": shortened(_plain(headline(signal)), _LONGEST_TITLE),
        "color": COLOURS[signal.side],
        "fields": fields,
        "footer": {"text": shortened(f"{signal.strategy} · {signal.id}", _LONGEST_FOOTER)},
        "timestamp": format_instant(signal.close_time),
    }


def _notice_embed(notice: Notice) -> dict[str, Any]:
    return {
        "title": shortened(_plain(notice_title(notice)), _LONGEST_TITLE),
        "description": shortened(_plain(notice.text), _LONGEST_DESCRIPTION),
        "color": _SEVERITIES[notice.severity],
        "timestamp": format_instant(int(notice.time)),
    }


def _outcome_embed(outcome: SignalOutcome, time_zone: str) -> dict[str, Any]:
    lines = outcome_lines(outcome, time_zone)
    return {
        "title": shortened(_plain(outcome_title(outcome)), _LONGEST_TITLE),
        "description": shortened(_plain("\n".join([result_text(outcome), *lines[1:]])), _LONGEST_DESCRIPTION),
        "color": COLOURS[Side.BUY if outcome.r > 0 else Side.SELL],
        "timestamp": format_instant(outcome.exit_time),
    }


def _digest_embed(parcel: Parcel, time_zone: str) -> dict[str, Any]:
    title, _, lines = plain_text(parcel, time_zone, "").partition("\n")
    return {
        "title": shortened(_plain(title), _LONGEST_TITLE),
        "description": shortened(_plain(lines.partition("\n\n")[0]), _LONGEST_DESCRIPTION),
        "color": _SEVERITIES[Severity.WARNING],
    }


def _within_limits(embeds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return as many embeds as the service takes in one message; ten of ours are well below its 6,000 characters."""
    total = 0
    kept: list[dict[str, Any]] = []
    for embed in embeds:
        total += len(json.dumps(embed, ensure_ascii=False))
        if kept and total > _LONGEST_MESSAGE * 2:
            break
        kept.append(embed)
    return kept


def _complaints(destination: Destination) -> Complaints:
    url, insecure = options_of(destination, Options)
    if complaint := url_complaint(url.reveal(), insecure=insecure):
        return [("url", complaint)]
    if WEBHOOK.fullmatch(urlsplit(url.reveal()).path) is None:
        return [("url", "must be the webhook's URL, https://discord.com/api/webhooks/…/…")]
    return []


def _trial(destination: Destination) -> Trouble | None:
    """Ask for the webhook itself, which Discord shows to whoever knows its address."""
    url, insecure = options_of(destination, Options)
    poster = poster_for(destination, versioned(url.reveal()), insecure=insecure)
    reply = poster.post(b"", {"User-Agent": _AGENT}, method="GET")
    poster.close()
    if isinstance(reply, Failure):
        return Trouble(reply.text)
    failure = None if reply.status == _OK else failure_from(reply)
    if failure is None or failure.fault is Fault.THROTTLED:
        return None
    return Trouble(failure.text, "is the webhook still there? Copy its address anew from the channel's integrations")


KIND: Final = ChannelKind(
    "discord",
    Options,
    DiscordChannel,
    endpoint_at("url", Options),
    _complaints,
    Manners(rate=Rate(5, 2.0)),
    trial=_trial,
)
