"""The terminal, or whatever standard output is."""

from __future__ import annotations

import sys
import threading
from typing import Final, NamedTuple, TextIO

from ninja_daemon.adapters.channels.kind import ChannelKind, Draft, no_endpoint
from ninja_daemon.adapters.channels.wording.languages import texts
from ninja_daemon.adapters.channels.wording.outcome_words import outcome_lines
from ninja_daemon.adapters.channels.wording.plain import is_laid_out, notice_title, plain_text
from ninja_daemon.adapters.channels.wording.told import Told, told_of
from ninja_daemon.adapters.channels.words import mark, one_line_of, utc
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle
from ninja_daemon.core.signals.crossover import Side

_COLOURS: Final = {Side.BUY: "1;32", Side.SELL: "1;31"}
_LOCK: Final = threading.Lock()


class Options(NamedTuple):
    """It has none."""


class ConsoleChannel:
    """Prints a line a signal."""

    provider = "console"

    def __init__(self, destination: Destination, stream: TextIO | None = None) -> None:
        """Choose the stream; None for standard output as it is when something is printed."""
        self._policy = destination.policy
        self._stream = stream

    def send(self, bundle: Bundle) -> PostResult:
        """Print; see the port."""
        stream = self._stream or sys.stdout
        lines = self._lines(bundle, colours=stream.isatty())
        try:
            # One write and one lock: lines of two destinations must not be woven into each other.
            with _LOCK:
                stream.write("".join(f"{line}\n" for line in lines))
                stream.flush()
        except (OSError, ValueError) as error:
            return Failure(Fault.UNREACHED, f"standard output cannot be written ({type(error).__name__})")
        return Sent()

    def written(self, bundle: Bundle) -> Draft:
        """Return the lines without colours."""
        return Draft({}, "\n".join(self._lines(bundle, colours=False)))

    def _lines(self, bundle: Bundle, *, colours: bool) -> list[str]:
        notice = bundle.notice
        note = f"  ({texts(self._policy.language)['repeat']})" if bundle.repeat else ""
        if bundle.outcome is not None:
            return [" · ".join(outcome_lines(bundle.outcome, self._policy.time_zone)) + note]
        if notice is not None:
            return [f"■ {notice_title(notice, self._policy)}: {one_line_of(notice.text)}  {utc(notice.time)}{note}"]
        if not is_laid_out(bundle, self._policy):
            return plain_text(bundle, self._policy).split("\n")
        return [_line(one, colours=colours) + note for one in told_of(bundle, self._policy)]

    def close(self) -> None:
        """Nothing is kept open."""


def _line(told: Told, *, colours: bool) -> str:
    signal = told.signal
    head = f"{told.headline:<22}"
    if colours:
        head = f"\x1b[{_COLOURS[signal.side]}m{head}\x1b[0m"
    late = f"  {told.lateness}" if signal.late else ""
    return (
        f"{head} {signal.close:f}  stop {signal.stop_loss:f} ({signal.sl_pips:f})  "
        f"target {signal.take_profit:f} ({signal.tp_pips:f})  rr {signal.shown_ratio:f}  "
        f"atr {told.facts[-1].value}  {told.close}{late}  {signal.strategy}  #{mark(signal.id)}"
    )


KIND: Final = ChannelKind("console", Options, ConsoleChannel, no_endpoint)
