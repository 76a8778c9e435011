"""The terminal, or whatever standard output is."""

from __future__ import annotations

import sys
import threading
from typing import Final, NamedTuple, TextIO

from ninja_daemon.adapters.channels.kind import ChannelKind, no_endpoint
from ninja_daemon.adapters.channels.wording.outcome_words import outcome_lines
from ninja_daemon.adapters.channels.words import (
    REPEAT_NOTE,
    filled,
    harmless,
    headline,
    mark,
    notice_title,
    one_line_of,
    utc,
    when,
)
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, Outcome, Sent
from ninja_daemon.core.messages.message import Parcel
from ninja_daemon.core.signals.crossover import Side
from ninja_daemon.core.signals.signal import Signal

_COLOURS: Final = {Side.BUY: "1;32", Side.SELL: "1;31"}
_LOCK: Final = threading.Lock()


class Options(NamedTuple):
    """It has none."""


class ConsoleChannel:
    """Prints a line a signal."""

    provider = "console"

    def __init__(self, destination: Destination, stream: TextIO | None = None) -> None:
        """Choose the stream; None for standard output as it is when something is printed."""
        self._manners = destination.manners
        self._stream = stream

    def send(self, parcel: Parcel) -> Outcome:
        """Print; see the port."""
        stream = self._stream or sys.stdout
        lines = self._lines(parcel, colours=stream.isatty())
        try:
            # One write and one lock: lines of two destinations must not be woven into each other.
            with _LOCK:
                stream.write("".join(f"{line}\n" for line in lines))
                stream.flush()
        except (OSError, ValueError) as error:
            return Failure(Fault.UNREACHED, f"standard output cannot be written ({type(error).__name__})")
        return Sent()

    def _lines(self, parcel: Parcel, *, colours: bool) -> list[str]:
        notice = parcel.notice
        note = f"  ({REPEAT_NOTE})" if parcel.repeat else ""
        if parcel.outcome is not None:
            return [" · ".join(outcome_lines(parcel.outcome, self._manners.time_zone)) + note]
        if notice is not None:
            return [f"■ {notice_title(notice)}: {one_line_of(notice.text)}  {utc(notice.time)}{note}"]
        if self._manners.template:
            return [harmless(filled(self._manners.template, one, self._manners.time_zone)) for one in parcel.signals]
        return [self._line(signal, colours=colours) + note for signal in parcel.signals]

    def _line(self, signal: Signal, *, colours: bool) -> str:
        head = f"{headline(signal):<22}"
        if colours:
            head = f"\x1b[{_COLOURS[signal.side]}m{head}\x1b[0m"
        return (
            f"{head} {signal.close:f}  stop {signal.stop_loss:f} ({signal.sl_pips:f})  "
            f"target {signal.take_profit:f} ({signal.tp_pips:f})  rr {signal.shown_ratio:f}  "
            f"atr {signal.atr.normalize():f}  "
            f"{when(signal, self._manners.time_zone)}  {signal.strategy}  #{mark(signal.id)}"
        )

    def close(self) -> None:
        """Nothing is kept open."""


KIND: Final = ChannelKind("console", Options, ConsoleChannel, no_endpoint)
