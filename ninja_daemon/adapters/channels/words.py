"""What messages say: the same facts in every channel, in plain text, safe to show anywhere."""

from __future__ import annotations

import re
import string
import unicodedata
from datetime import UTC, datetime
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from ninja_daemon.adapters.channels.wording.outcome_words import (
    RESULT,
    outcome_lines,
    outcome_title,
    result_short,
    result_text,
)
from ninja_daemon.core.messages.message import Notice, Parcel
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

ARROWS: Final = {Side.BUY: "▲", Side.SELL: "▼"}
RESULT_LINE: Final = f"\n{RESULT}: "
REPEAT_NOTE: Final = "This may be a repeat: an earlier attempt was not confirmed."
_MARK: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")

_TITLES: Final = {
    "heartbeat": "Daily report",
    "results": "Results of the week",
    "record": "Record",
    "test": "Test message",
}
"""Notices that are no alerts."""

FIELDS: Final = (
    "side",
    "arrow",
    "instrument",
    "pair",
    "timeframe",
    "strategy",
    "close",
    "stop_loss",
    "take_profit",
    "sl_pips",
    "tp_pips",
    "risk_reward_ratio",
    "atr",
    "fast_ma",
    "slow_ma",
    "close_time",
    "local_time",
    "id",
    "mark",
    "late",
)
"""Names that a template may use."""
_NUMBERS: Final = (
    "close",
    "stop_loss",
    "take_profit",
    "sl_pips",
    "tp_pips",
    "risk_reward_ratio",
    "atr",
    "fast_ma",
    "slow_ma",
)


def harmless(text: str) -> str:
    """Return the text without control characters and without characters that turn the direction of writing."""
    cleaned = _CONTROL.sub(" ", text)
    return "".join(letter for letter in cleaned if unicodedata.category(letter) not in {"Cf", "Cs", "Co"})


def shortened(text: str, most: int) -> str:
    """Return the text, cut to ``most`` characters with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def pair(signal: Signal) -> str:
    """Write the instrument as people do: ``EUR/USD``."""
    return signal.instrument.replace("_", "/")


def mark(identity: str) -> str:
    """Return the beginning of an id, by which a reader knows a repeat."""
    return identity[:_MARK]


def utc(at: float) -> str:
    """Write an instant as ``2022-03-04 18:00 UTC``."""
    return _clock(datetime.fromtimestamp(at, UTC), "UTC")


def local(at: float, time_zone: str) -> str:
    """Write an instant in the reader's zone, as ``2022-03-04 19:00 CET``; empty without a zone."""
    if not time_zone:
        return ""
    moment = datetime.fromtimestamp(at, ZoneInfo(time_zone))
    return _clock(moment, moment.tzname() or time_zone)


def _clock(moment: datetime, zone: str) -> str:
    seconds = f":{moment:%S}" if moment.second else ""
    return f"{moment:%Y-%m-%d %H:%M}{seconds} {zone}"


def when(signal: Signal, time_zone: str) -> str:
    """Write the close of the signal's candle, in UTC and in the reader's zone."""
    beside = local(signal.close_time, time_zone)
    return utc(signal.close_time) + (f" ({beside})" if beside else "")


def headline(signal: Signal) -> str:
    """Return the signal in a few words."""
    late = " (late)" if signal.late else ""
    return f"{ARROWS[signal.side]} {signal.side.name} {pair(signal)} {signal.timeframe}{late}"


def facts(signal: Signal, time_zone: str) -> list[tuple[str, str]]:
    """Return everything that a reader acts on, as pairs of name and value."""
    return [
        ("Entry", f"{signal.close:f}"),
        ("Stop", f"{signal.stop_loss:f} ({signal.sl_pips:f} pips)"),
        ("Target", f"{signal.take_profit:f} ({signal.tp_pips:f} pips)"),
        ("Risk/reward", f"1 : {signal.shown_ratio:f}"),
        ("ATR", f"{signal.atr:f}"),
        ("Timeframe", signal.timeframe),
        ("Candle close", when(signal, time_zone)),
    ]


def full_text(signal: Signal, time_zone: str) -> str:
    """Return the signal as several lines of plain text."""
    width = max(len(name) for name, _ in facts(signal, time_zone))
    lines = [headline(signal)]
    lines += [f"{name:<{width}}  {value}" for name, value in facts(signal, time_zone)]
    lines.append(f"{signal.strategy} · {signal.id}")
    return "\n".join(lines)


def one_line(signal: Signal, time_zone: str) -> str:
    """Return the signal as one line."""
    return (
        f"{headline(signal)}  {signal.close:f}  stop {signal.stop_loss:f}  target {signal.take_profit:f}  "
        f"{when(signal, time_zone)}  #{mark(signal.id)}"
    )


def notice_title(notice: Notice) -> str:
    """Return a notice in a few words."""
    title = _TITLES.get(notice.topic, notice.topic.replace("_", " "))
    return title[:1].upper() + title[1:]


def notice_text(notice: Notice) -> str:
    """Return a notice as plain text."""
    beginning = "" if notice.topic in _TITLES else f"[{notice.severity.value}] "
    return f"{beginning}{notice_title(notice)}\n{notice.text}\n{utc(notice.time)}"


def subject(parcel: Parcel) -> str:
    """Return the whole parcel in a few words, on one line."""
    notice = parcel.notice
    if parcel.outcome is not None:
        return one_line_of(f"{outcome_title(parcel.outcome)}: {result_short(parcel.outcome)}")
    if notice is not None:
        return one_line_of(f"ninja-daemon: {notice_title(notice)}")
    signals = parcel.signals
    if len(signals) == 1:
        return one_line_of(headline(signals[0]))
    kind = "late signals" if parcel.digest else "signals"
    return one_line_of(f"{len(signals)} {kind}: " + ", ".join(dict.fromkeys(pair(signal) for signal in signals)))


def one_line_of(text: str) -> str:
    """Return the text with line ends and control characters as spaces."""
    return harmless(text.replace("\n", " "))


def plain_text(parcel: Parcel, time_zone: str, template: str) -> str:
    """Return the whole parcel as plain text.

    Args:
        parcel: what to say.
        time_zone: the reader's.
        template: text of a signal with ``{fields}``; empty for the usual text.
    """
    notice = parcel.notice
    if parcel.outcome is not None:
        parts = ["\n".join(outcome_lines(parcel.outcome, time_zone))]
    elif notice is not None:
        parts = [notice_text(notice)]
    elif parcel.digest:
        count = len(parcel.signals)
        title = "1 late signal" if count == 1 else f"{count} late signals"
        parts = [f"{title} after an outage, oldest first:"]
        parts[0] += "".join(f"\n{one_line(one, time_zone)}{_result(parcel, one, '  ')}" for one in parcel.signals)
    else:
        write = partial(filled, template) if template else full_text
        parts = [f"{write(one, time_zone)}{_result(parcel, one, RESULT_LINE)}" for one in parcel.signals]
    if parcel.repeat:
        parts.append(REPEAT_NOTE)
    return harmless("\n\n".join(parts))


def _result(parcel: Parcel, signal: Signal, before: str) -> str:
    """Return how a signal of a posted message has ended, with what stands before it; empty while it has not."""
    outcome = parcel.results.get(signal.id)
    if outcome is None:
        return ""
    return before + (result_text(outcome) if before is RESULT_LINE else result_short(outcome))


# --- templates -------------------------------------------------------------------------------------------------------


def template_complaint(template: str) -> str:
    """Say what is wrong with a template; empty when nothing is."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        return str(error)
    names = [name for _, name, _, _ in parsed if name is not None]
    unknown = [name for name in names if name not in FIELDS]
    if unknown:
        return f"{{{unknown[0][:40]}}} is none of {' '.join(FIELDS)}"
    if any(specification or conversion for _, _, specification, conversion in parsed):
        return "a field takes neither ! nor : behind its name"
    return "" if names else "it must hold at least one {field}"


def filled(template: str, signal: Signal, time_zone: str) -> str:
    """Return the template with the signal's values."""
    values = {
        "side": signal.side.name,
        "arrow": ARROWS[signal.side],
        "instrument": signal.instrument,
        "pair": pair(signal),
        "timeframe": signal.timeframe,
        "strategy": signal.strategy,
        "close_time": utc(signal.close_time),
        "local_time": local(signal.close_time, time_zone) or utc(signal.close_time),
        "id": signal.id,
        "mark": mark(signal.id),
        "late": "late" if signal.late else "",
    }
    values |= {name: f"{getattr(signal, name):f}" for name in _NUMBERS}
    return template.format_map(values)
