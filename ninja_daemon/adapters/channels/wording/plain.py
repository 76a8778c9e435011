"""Messages as plain text: for services that show text as it is, and beside what others lay out."""

from __future__ import annotations

from typing import Final

from ninja_daemon.adapters.channels.wording.copier import not_an_order, order
from ninja_daemon.adapters.channels.wording.languages import say
from ninja_daemon.adapters.channels.wording.outcome_words import RESULT, outcome_lines, outcome_title, result_short
from ninja_daemon.adapters.channels.wording.template import filled
from ninja_daemon.adapters.channels.wording.told import Told, told_of
from ninja_daemon.adapters.channels.words import clock, harmless, mark, one_line_of, pair
from ninja_daemon.core.messages.message import Bundle, Notice
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.messages.style import Style

_TITLES: Final = {
    "heartbeat": "daily_report",
    "results": "weekly_results",
    "record": "record",
    "near": "near_crosses",
    "test": "test_message",
}


def is_laid_out(bundle: Bundle, policy: SendPolicy) -> bool:
    """Tell whether the service's own layout is used: not for a template, nor for what a program reads."""
    return not bundle.signals or not (policy.style is Style.COPIER or (policy.template and not bundle.digest))


def plain_text(bundle: Bundle, policy: SendPolicy) -> str:
    """Return the whole bundle as plain text."""
    told = told_of(bundle, policy)
    if bundle.outcome is not None:
        parts = ["\n".join(outcome_lines(bundle.outcome, policy.time_zone))]
    elif bundle.notice is not None:
        parts = [notice_text(bundle.notice, policy)]
    elif policy.style is Style.COPIER:
        is_unsafe = bundle.digest or bundle.repeat
        parts = [not_an_order(one) if is_unsafe or one.signal.late else order(one) for one in told]
        return harmless("\n\n".join(f"{part}{_result(one)}" for part, one in zip(parts, told, strict=True)))
    elif bundle.digest:
        parts = ["\n".join([digest_title(bundle, policy), *map(one_line, told)])]
    else:
        parts = [f"{filled(policy.template, one) if policy.template else full_text(one)}{_result(one)}" for one in told]
    if bundle.repeat:
        parts.append(say(policy.language, "repeat"))
    return harmless("\n\n".join(parts))


def _result(told: Told) -> str:
    return f"\n{RESULT}: {told.result}" if told.result else ""


def full_text(told: Told) -> str:
    """Return the signal as several lines."""
    width = max(len(fact.name) for fact in told.facts)
    lines = [told.headline, *([told.lateness] if told.signal.late else []), told.reason]
    lines += [f"{fact.name:<{width}}  {fact.text}" for fact in told.facts]
    lines.append(closing_line(told))
    lines.append(told.origin)
    return "\n".join(lines)


def closing_line(told: Told) -> str:
    """Return when the candle closed, and how long after that the message comes; a late one has said that above."""
    return told.close if told.signal.late else f"{told.close}, {told.lateness}"


def one_line(told: Told) -> str:
    """Return the signal as one line; thirty of them fit into every service's limits."""
    signal = told.signal
    stop, target = told.say("stop").lower(), told.say("target").lower()
    late = f"  {told.say('late_short', age=told.age)}" if signal.late else ""
    late += f"  {told.say('calendar_old')}" if signal.calendar_old else ""
    ended = "" if told.ended is None else f"  {result_short(told.ended)}"
    return (
        f"{told.headline.rpartition('· ')[2]}  {signal.close:f}  {stop} {signal.stop_loss:f}  "
        f"{target} {signal.take_profit:f}  {told.close}{late}  #{mark(signal.id)}{ended}"
    )


def digest_title(bundle: Bundle, policy: SendPolicy) -> str:
    """Return how many late signals follow."""
    count = len(bundle.signals)
    return say(policy.language, "late_signal" if count == 1 else "late_signals", count=count)


def notice_title(notice: Notice, policy: SendPolicy) -> str:
    """Return a notice in a few words."""
    key = _TITLES.get(notice.topic)
    title = say(policy.language, key) if key else notice.topic.replace("_", " ")
    return title[:1].upper() + title[1:]


def notice_head(notice: Notice, policy: SendPolicy) -> str:
    """Return how much a notice matters, for an alert, and its title."""
    beginning = "" if notice.topic in _TITLES else f"[{notice.severity.value}] "
    return f"{beginning}{notice_title(notice, policy)}"


def notice_text(notice: Notice, policy: SendPolicy) -> str:
    """Return a notice as plain text."""
    return f"{notice_head(notice, policy)}\n{notice.text}\n{clock(notice.time, policy.time_zone)}"


def subject(bundle: Bundle, policy: SendPolicy) -> str:
    """Return the whole bundle in a few words, on one line."""
    if bundle.outcome is not None:
        return one_line_of(f"{outcome_title(bundle.outcome)}: {result_short(bundle.outcome)}")
    if bundle.notice is not None:
        return one_line_of(f"ninja-daemon: {notice_title(bundle.notice, policy)}")
    told = told_of(bundle, policy)
    if len(told) == 1:
        return one_line_of(told[0].headline)
    key = "late_signals_of" if bundle.digest else "signals_of"
    pairs = ", ".join(dict.fromkeys(pair(signal) for signal in bundle.signals))
    return one_line_of(say(policy.language, key, count=len(told), pairs=pairs))
