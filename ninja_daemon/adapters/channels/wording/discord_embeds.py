"""Messages as Discord's embeds: coloured by side, times in each reader's own zone."""

from __future__ import annotations

from typing import Any, Final

from ninja_daemon.adapters.channels.wording.outcome_words import RESULT, outcome_lines, outcome_title, result_text
from ninja_daemon.adapters.channels.wording.plain import digest_title, notice_title, one_line
from ninja_daemon.adapters.channels.wording.told import Told, told_of
from ninja_daemon.adapters.channels.words import harmless, shortened
from ninja_daemon.core.market.instant import format_instant
from ninja_daemon.core.messages.message import Bundle, Notice, Severity
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.outcomes.outcome import Outcome
from ninja_daemon.core.signals.crossover import Side

COLOURS: Final = {Side.BUY: 0x2E_CC_71, Side.SELL: 0xE7_4C_3C}
_SEVERITIES: Final = {
    Severity.INFO: 0x34_98_DB,
    Severity.WARNING: 0xF1_C4_0F,
    Severity.ERROR: 0xE6_7E_22,
    Severity.CRITICAL: 0xC0_39_2B,
}
LATE: Final = _SEVERITIES[Severity.WARNING]
"""Colour of late signals, whatever their side."""
MOST_EMBEDS: Final = 10
LONGEST_MESSAGE: Final = 6_000
"""Characters of all embeds of a message together."""
_LONGEST_TITLE: Final = 256
_LONGEST_VALUE: Final = 1_024
_LONGEST_DESCRIPTION: Final = 4_096
_LONGEST_FOOTER: Final = 2_048
_ESCAPED: Final = str.maketrans({letter: f"\\{letter}" for letter in "\\*_~`|<>[]#@"})


def embeds_of(bundle: Bundle, policy: SendPolicy) -> list[dict[str, Any]]:
    """Return the embeds of a message: one a signal, or one for everything else."""
    if bundle.outcome is not None:
        return [_outcome(bundle.outcome, policy)]
    if bundle.notice is not None:
        return [_notice(bundle.notice, policy)]
    told = told_of(bundle, policy)
    if not bundle.digest:
        embeds = [_signal(one) for one in told[:MOST_EMBEDS]]
        if sum(map(_length, embeds)) <= LONGEST_MESSAGE:
            return embeds
    title = digest_title(bundle, policy) if bundle.digest else told[0].headline
    lines = "\n".join(map(one_line, told))
    return [
        {
            "title": shortened(plain(title), _LONGEST_TITLE),
            "description": shortened(plain(lines), _LONGEST_DESCRIPTION),
            "color": LATE if bundle.digest else COLOURS[told[0].signal.side],
        }
    ]


def plain(text: str) -> str:
    """Return a text that Discord shows as it is."""
    return harmless(text).translate(_ESCAPED)


def _length(embed: dict[str, Any]) -> int:
    """Count what the service counts: title, description, names and values of fields, footer."""
    fields = sum(len(field["name"]) + len(field["value"]) for field in embed["fields"])
    return len(embed["title"]) + len(embed["description"]) + fields + len(embed["footer"]["text"])


def _signal(told: Told) -> dict[str, Any]:
    signal = told.signal
    lines = [*([f"**{plain(told.lateness)}**"] if signal.late else []), plain(told.reason)]
    fields = [
        {"name": plain(fact.name), "value": shortened(plain(fact.text), _LONGEST_VALUE), "inline": True}
        for fact in told.facts
    ]
    at = signal.close_time
    beside = "" if signal.late else f", {plain(told.lateness)}"
    fields.append({"name": told.say("close"), "value": f"<t:{at}:f> (<t:{at}:R>){beside}", "inline": False})
    if told.result:
        fields.append({"name": RESULT, "value": plain(told.result), "inline": False})
    return {
        "title": shortened(plain(told.headline), _LONGEST_TITLE),
        "description": shortened("\n".join(lines), _LONGEST_DESCRIPTION),
        "color": LATE if signal.late else COLOURS[signal.side],
        "fields": fields,
        "footer": {"text": shortened(harmless(told.origin), _LONGEST_FOOTER)},
        "timestamp": format_instant(at),
    }


def _outcome(outcome: Outcome, policy: SendPolicy) -> dict[str, Any]:
    lines = [result_text(outcome), *outcome_lines(outcome, policy.time_zone)[1:]]
    return {
        "title": shortened(plain(outcome_title(outcome)), _LONGEST_TITLE),
        "description": shortened(plain("\n".join(lines)), _LONGEST_DESCRIPTION),
        "color": COLOURS[Side.BUY if outcome.r > 0 else Side.SELL],
        "timestamp": format_instant(outcome.exit_time),
    }


def _notice(notice: Notice, policy: SendPolicy) -> dict[str, Any]:
    return {
        "title": shortened(plain(notice_title(notice, policy)), _LONGEST_TITLE),
        "description": shortened(plain(notice.text), _LONGEST_DESCRIPTION),
        "color": _SEVERITIES[notice.severity],
        "timestamp": format_instant(int(notice.time)),
    }
