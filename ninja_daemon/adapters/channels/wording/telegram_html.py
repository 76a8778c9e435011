"""Messages in Telegram's HTML mode: a bold head, prices that are copied by a tap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ninja_daemon.adapters.channels.wording.languages import texts
from ninja_daemon.adapters.channels.wording.outcome_words import RESULT, outcome_lines
from ninja_daemon.adapters.channels.wording.plain import closing_line, digest_title, notice_head, one_line
from ninja_daemon.adapters.channels.wording.told import Fact, Told, told_of
from ninja_daemon.adapters.channels.words import clock, harmless, shortened
from ninja_daemon.core.messages.message import Bundle, Notice
from ninja_daemon.core.messages.send_policy import SendPolicy

LONGEST: Final = 4_096
"""Characters of a message, tags and escapes not counted."""
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_ROOM: Final = 400
"""Characters that title, time and note of a notice take at most."""


def escaped(text: str) -> str:
    """Return a text that is shown as it is."""
    return harmless(text).translate(_ESCAPES)


def telegram_html(bundle: Bundle, policy: SendPolicy) -> str:
    """Return the whole bundle for ``parse_mode=HTML``."""
    if bundle.outcome is not None:
        title, *more = outcome_lines(bundle.outcome, policy.time_zone)
        parts = ["\n".join([f"<b>{escaped(title)}</b>", *map(escaped, more)])]
    else:
        parts = _signals(bundle, policy) if bundle.notice is None else [_notice(bundle.notice, policy)]
    if bundle.repeat:
        parts.append(f"<i>{escaped(texts(policy.language)['repeat'])}</i>")
    return "\n\n".join(parts)


def _signals(bundle: Bundle, policy: SendPolicy) -> list[str]:
    told = told_of(bundle, policy)
    if not bundle.digest:
        full = [_signal(one) for one in told]
        # The service does not count tags and escapes, so this limit is safe.
        if sum(map(len, full)) + 2 * len(full) + _ROOM < LONGEST or len(full) == 1:
            return full
    title = [f"<b>{escaped(digest_title(bundle, policy))}</b>"] if bundle.digest else []
    return ["\n".join([*title, *(escaped(line) for line in map(one_line, told))])]


def _signal(told: Told) -> str:
    head = [f"<b>{escaped(told.headline)}</b>"]
    if told.signal.late:
        head.append(f"<b>{escaped(told.lateness)}</b>")
    head.append(escaped(told.reason))
    facts = "\n".join(_fact(fact) for fact in told.facts)
    foot = f"{escaped(closing_line(told))}\n<i>{escaped(told.origin)}</i>"
    result = [f"<b>{RESULT}: {escaped(told.result)}</b>"] if told.result else []
    return "\n\n".join(["\n".join(head), facts, foot, *result])


def _fact(fact: Fact) -> str:
    value = f"<code>{escaped(fact.value)}</code>" if fact.is_price else escaped(fact.value)
    return f"{escaped(fact.name)} {value}" + (f" ({escaped(fact.beside)})" if fact.beside else "")


def _notice(notice: Notice, policy: SendPolicy) -> str:
    lines: Sequence[str] = [
        f"<b>{escaped(shortened(notice_head(notice, policy), _ROOM // 2))}</b>",
        escaped(shortened(harmless(notice.text), LONGEST - _ROOM)),
        f"<i>{clock(notice.time, policy.time_zone)}</i>",
    ]
    return "\n".join(lines)
