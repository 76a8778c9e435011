"""A Telegram bot that writes to a chat: laid out as HTML, or as plain text where a template or a program wants it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final, NamedTuple
from urllib.parse import quote

from ninja_daemon.adapters.channels.kind import (
    ChannelKind,
    Complaints,
    Draft,
    endpoint_at,
    json_object,
    options_of,
    poster_for,
)
from ninja_daemon.adapters.channels.telegram_api import failure_in, message_id_in
from ninja_daemon.adapters.channels.wording.plain import is_laid_out, plain_text
from ninja_daemon.adapters.channels.wording.telegram_html import LONGEST, telegram_html
from ninja_daemon.adapters.channels.words import shortened
from ninja_daemon.adapters.network.connecting import url_complaint
from ninja_daemon.adapters.network.multipart import form
from ninja_daemon.adapters.network.reachability import Trouble
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Attachment, Bundle
from ninja_daemon.core.messages.send_policy import Rate, SendPolicy
from ninja_daemon.core.secret import Secret

_TOKEN: Final = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_\-]{20,100}", re.ASCII)
_CHAT: Final = re.compile(r"-?[0-9]{1,20}|@[A-Za-z0-9_]{3,64}", re.ASCII)
_TOPIC: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_OK: Final = 200
_NO_TEXT: Final = "there is no text in the message to edit"
_LONGEST_CAPTION: Final = 1_024
_NOT_MODIFIED: Final = "message is not modified"
_NO_PREVIEW: Final = {"link_preview_options": {"is_disabled": True}}


class Options(NamedTuple):
    """Options of a Telegram destination."""

    token: Secret
    """The bot's token, as @BotFather gives it."""
    chat_id: str | int
    """Number of the chat (negative for groups) or @name of a channel."""
    api_url: str = "https://api.telegram.org"
    """Server of the Bot API."""
    message_thread_id: str | int = ""
    """Number of the topic of a group; left out, the general one."""
    insecure: bool = False
    """Allow plain http and addresses that are not public."""


class TelegramChannel:
    """Sends with ``sendMessage``."""

    def __init__(self, destination: Destination) -> None:
        """Prepare the bot's address; nothing is connected yet."""
        options = options_of(destination, Options)
        token = options.token.reveal()
        url = f"{options.api_url.rstrip('/')}/bot{token}/sendMessage"
        self._poster = poster_for(destination, url, insecure=options.insecure)
        self._methods = self._poster.parts.path.removesuffix("sendMessage")
        self._chat = str(options.chat_id)
        self._topic: dict[str, object] = (
            {"message_thread_id": int(options.message_thread_id)} if options.message_thread_id else {}
        )
        self._policy = destination.policy
        # A bot's limits are its own: lanes of one bot wait together.
        self.provider = f"telegram:{token.partition(':')[0]}"

    def send(self, bundle: Bundle) -> PostResult:
        """Send; see the port."""
        headers, body = self.written(bundle)
        return self._sent("sendMessage", body.encode(), headers["Content-Type"])

    def written(self, bundle: Bundle) -> Draft:
        """Return what ``sendMessage`` gets."""
        message = {"chat_id": self._chat, **self._text(bundle), **_NO_PREVIEW, **self._topic}
        return Draft({"Content-Type": "application/json"}, json.dumps(message))

    def edit(self, message_id: str, bundle: Bundle) -> PostResult:
        """Change the text of a posted message; see the port."""
        where = {"chat_id": self._chat, "message_id": int(message_id)}
        answer = self._answered("editMessageText", {**where, **self._text(bundle), **_NO_PREVIEW})
        if isinstance(answer, Failure) and _NO_TEXT in answer.text.lower():
            # A message with a picture has its text as the caption.
            answer = self._answered("editMessageCaption", {**where, **self._caption(bundle)})
        is_same = isinstance(answer, Failure) and _NOT_MODIFIED in answer.text.lower()
        return Sent(message_id) if is_same else answer

    def illustrate(self, message_id: str, bundle: Bundle) -> PostResult:
        """Let a posted message be a picture with its text below; a long text gets the picture as an answer to it."""
        (picture,) = bundle.attachments
        if len(plain_text(bundle, self._policy)) > _LONGEST_CAPTION:
            return self._answered_by(picture, message_id)
        media = {"type": "photo", "media": "attach://picture", **self._caption(bundle)}
        fields = {"chat_id": self._chat, "message_id": message_id, "media": json.dumps(media)}
        return self._sent("editMessageMedia", *form(fields, {"picture": picture}))

    def _answered_by(self, picture: Attachment, message_id: str) -> PostResult:
        """Send a picture without a word, which no copier can take for an order."""
        reply = {"message_id": int(message_id), "allow_sending_without_reply": False}
        fields = {"chat_id": self._chat, "reply_parameters": json.dumps(reply), "disable_notification": "true"}
        fields |= {name: str(value) for name, value in self._topic.items()}
        answer = self._sent("sendPhoto", *form(fields, {"photo": picture}))
        if isinstance(answer, Failure) and answer.fault is Fault.AMBIGUOUS:
            return replace(answer, fault=Fault.REFUSED)  # it may be there: a second try could show it twice
        return answer

    def _text(self, bundle: Bundle) -> dict[str, object]:
        if is_laid_out(bundle, self._policy):
            return {"text": telegram_html(bundle, self._policy), "parse_mode": "HTML"}
        return {"text": shortened(plain_text(bundle, self._policy), LONGEST)}

    def _caption(self, bundle: Bundle) -> dict[str, object]:
        plain = plain_text(bundle, self._policy)
        if len(plain) > _LONGEST_CAPTION or not is_laid_out(bundle, self._policy):
            return {"caption": shortened(plain, _LONGEST_CAPTION)}
        return {"caption": telegram_html(bundle, self._policy), "parse_mode": "HTML"}

    def _answered(self, method: str, message: dict[str, object]) -> PostResult:
        return self._sent(method, json.dumps(message).encode(), "application/json")

    def _sent(self, method: str, body: bytes, media_type: str) -> PostResult:
        reply = self._poster.post(body, {"Content-Type": media_type}, target=f"{self._methods}{method}")
        if isinstance(reply, Failure):
            return reply
        told = json_object(reply.body)
        if reply.status == _OK and told.get("ok") is True:
            return Sent(message_id_in(told))
        return failure_in(reply, told)

    def close(self) -> None:
        """Let the connection go."""
        self._poster.close()


def _complaints(destination: Destination) -> Complaints:
    options = options_of(destination, Options)
    found = []
    if _TOKEN.fullmatch(options.token.reveal()) is None:
        found.append(("token", "must be a bot's token, digits:letters, as @BotFather gives it"))
    if _CHAT.fullmatch(str(options.chat_id)) is None:
        found.append(("chat_id", "must be a number (negative for groups) or @name"))
    if options.message_thread_id and _TOPIC.fullmatch(str(options.message_thread_id)) is None:
        found.append(("message_thread_id", "must be the number of a topic"))
    if complaint := url_complaint(options.api_url, insecure=options.insecure):
        found.append(("api_url", complaint))
    return found


def _trial(destination: Destination) -> Trouble | None:
    """Ask who the bot is, and for its chat."""
    options = options_of(destination, Options)
    poster = poster_for(destination, options.api_url, insecure=options.insecure)
    base = f"{poster.parts.path.rstrip('/')}/bot{options.token.reveal()}"
    cures = {
        "getMe": "is the token the one that @BotFather shows for this bot?",
        f"getChat?chat_id={quote(str(options.chat_id))}": "is chat_id right, and is the bot a member of the chat?",
    }
    try:
        for method, cure in cures.items():
            reply = poster.post(b"", {}, target=f"{base}/{method}", method="GET")
            if isinstance(reply, Failure):
                return Trouble(reply.text)
            told = json_object(reply.body)
            failure = None if told.get("ok") is True else failure_in(reply, told)
            if failure is not None and failure.fault is not Fault.THROTTLED:
                return Trouble(failure.text, cure)
    finally:
        poster.close()
    return None


KIND: Final = ChannelKind(
    "telegram",
    Options,
    TelegramChannel,
    endpoint_at("api_url", Options),
    _complaints,
    SendPolicy(rate=Rate(1, 1.0)),
    trial=_trial,
)
