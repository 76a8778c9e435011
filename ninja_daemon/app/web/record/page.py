"""The record as a page: where it ends, and how anyone proves that nothing of it was changed."""

from __future__ import annotations

from ninja_daemon.adapters.stored.record import Findings
from ninja_daemon.app.web.html import Child, element, facts
from ninja_daemon.app.web.layout import notice
from ninja_daemon.app.web.record.delayed_record import PublicRecord


def public_record_content(shown: PublicRecord, delay: str) -> Child:
    """Return what strangers see of the record: its head as it was when the delay of every line was over."""
    if not shown.lines:
        return notice("There is no record yet.", is_bad=False)
    return [
        facts(
            [
                ("signals", shown.signals),
                ("outcomes", shown.outcomes),
                ("lines", shown.lines),
                ("head", element("code", shown.head)),
            ]
        ),
        element(
            "p",
            f"Every signal and outcome is a line of a hash chain, {delay} after the close of its candle. "
            "With this head noted today you can prove later that no line before it was removed, added or changed: ",
            element("code", f"ninja-daemon verify FILE --head {shown.head}"),
            ".",
        ),
    ]


def record_content(record: Findings | None) -> Child:
    """Return what the page of the record says."""
    if record is None:
        return notice(
            "There is no record yet: the daemon begins it with the first signal that it follows.", is_bad=False
        )
    return [
        [notice(["The record is broken: ", problem, "."]) for problem in record.problems],
        facts(
            [
                ("signals", len(record.signals)),
                ("outcomes", len(record.outcomes)),
                ("lines", record.lines),
                ("head", element("code", record.head)),
            ]
        ),
        element("h2", "How to verify it"),
        element(
            "p",
            element("code", "ninja-daemon signals --export record.jsonl"),
            " writes it to a file, and ",
            element("code", f"ninja-daemon verify record.jsonl --head {record.head}"),
            " proves that nothing before that head was removed, added or changed.",
        ),
    ]
