"""Messages as the HTML part of an e-mail: a table a signal, with styles inside and nothing to load."""

from __future__ import annotations

from html import escape
from typing import Final

from ninja_daemon.adapters.channels.wording.languages import texts
from ninja_daemon.adapters.channels.wording.outcome_words import outcome_lines
from ninja_daemon.adapters.channels.wording.plain import closing_line, digest_title, notice_head, one_line
from ninja_daemon.adapters.channels.wording.told import Told, told_of
from ninja_daemon.adapters.channels.words import clock, harmless
from ninja_daemon.core.messages.message import Bundle, Notice
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.signals.crossover import Side

_PAGE: Final = "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;color:#1f2328;max-width:34em"
_HEAD: Final = "margin:0;padding:8px 12px;color:#fff;font-size:18px"
_COLOURS: Final = {Side.BUY: "#1a7f37", Side.SELL: "#cf222e"}
_LATE: Final = "#9a6700"
_CELL: Final = "padding:2px 16px 2px 12px"
_SMALL: Final = "margin:4px 12px 20px;color:#59636e;font-size:13px"


def mail_html(bundle: Bundle, policy: SendPolicy, cid: str = "") -> str:
    """Return the whole bundle as an HTML page.

    Args:
        cid: name of the picture that goes with it; empty for none.
    """
    told = told_of(bundle, policy)
    if bundle.outcome is not None:
        title, *more = outcome_lines(bundle.outcome, policy.time_zone)
        body = _head(title, "#424a53") + "".join(map(_line, more))
    elif bundle.notice is not None:
        body = _notice(bundle.notice, policy)
    elif bundle.digest:
        body = _head(digest_title(bundle, policy), _LATE) + "".join(_line(one_line(one)) for one in told)
    else:
        body = "".join(map(_signal, told))
    if cid:
        body += f'<img src="cid:{cid}" alt="" style="max-width:100%">\n'
    if bundle.repeat:
        body += _line(texts(policy.language)["repeat"])
    return f'<!doctype html>\n<html lang="{policy.language}"><body style="{_PAGE}">\n{body}</body></html>\n'


def _signal(told: Told) -> str:
    signal = told.signal
    rows = "".join(
        f'<tr><td style="{_CELL};color:#59636e">{_text(fact.name)}</td>'
        f'<td style="{_CELL}"><b>{_text(fact.value)}</b>{f" ({_text(fact.beside)})" if fact.beside else ""}</td></tr>\n'
        for fact in told.facts
    )
    late = f'<p style="margin:8px 12px;color:{_LATE}"><b>{_text(told.lateness)}</b></p>\n' if signal.late else ""
    return (
        f"{_head(told.headline, _LATE if signal.late else _COLOURS[signal.side])}{late}{_line(told.reason)}"
        f'<table style="border-collapse:collapse">\n{rows}</table>\n'
        f'<p style="{_SMALL}">{_text(closing_line(told))}<br>{_text(told.origin)}</p>\n'
    )


def _notice(notice: Notice, policy: SendPolicy) -> str:
    lines = "".join(_line(line) for line in notice.text.splitlines())
    at = clock(notice.time, policy.time_zone)
    return f'{_head(notice_head(notice, policy), "#424a53")}{lines}<p style="{_SMALL}">{at}</p>\n'


def _head(text: str, colour: str) -> str:
    return f'<h1 style="{_HEAD};background:{colour}">{_text(text)}</h1>\n'


def _line(text: str) -> str:
    return f'<p style="margin:8px 12px">{_text(text)}</p>\n'


def _text(text: str) -> str:
    return escape(harmless(text))
