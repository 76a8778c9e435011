"""Check an exported record of signals and outcomes: nothing removed, added, reordered or changed since it was written.

This file needs Python's standard library alone and may be copied out: ``python record.py signals.jsonl [--head HEX]``.

A record has one JSON object a line: ``n``, ``kind``, ``entry``, for signals ``follow``, and ``chain``: the SHA-256 over
the previous line's chain and the canonical JSON of the line without it. Canonical: keys in order, no spaces, numbers in
plain decimal without needless zeros. The last line has kind ``end`` and names the number of lines and the last chain.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

BEGIN = "0" * 64
KINDS = ("settings", "signal", "outcome", "end")


@dataclass
class Findings:
    """What a check found: lines by id, settings by strategy and hash, problems as sentences."""

    lines: int = 0
    head: str = BEGIN
    problems: list[str] = field(default_factory=list)
    settings: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    signals: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    ended: bool = False
    links: set[str] = field(default_factory=set)

    @property
    def summary(self) -> str:
        """What the record holds, in one line."""
        return f"{self.lines} lines, {len(self.signals)} signals, {len(self.outcomes)} outcomes, head {self.head}"


def parsed(text: str) -> Any:  # noqa: ANN401 - JSON
    """Read JSON with exact numbers."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def canonical(value: Any) -> str:  # noqa: ANN401 - JSON
    """Write JSON in its one canonical form."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        number = Decimal(value)
        return format(number.normalize() + 0, "f") if number else "0"
    return json.dumps(value)


def link(previous: str, line: dict[str, Any]) -> str:
    """Return the chain of a line that follows ``previous``."""
    content = {name: value for name, value in line.items() if name != "chain"}
    return hashlib.sha256((previous + canonical(content)).encode()).hexdigest()


def check(lines: Iterable[str], head: str | None = None) -> Findings:
    """Check the lines of a record, and that ``head``, where it is given, is the chain of one of them."""
    found = Findings()
    for number, text in enumerate(lines, start=1):
        try:
            line = parsed(text)
            _take(found, line)
        except (ValueError, ArithmeticError, KeyError, TypeError, AttributeError, RecursionError) as error:
            found.problems.append(f"line {number} is not a line of a record ({type(error).__name__}: {error})"[:200])
    found.problems += _strange_ids(found)
    if not found.ended:
        found.problems.append("the record has no end: lines are missing behind the last one")
    if head is not None and head.lower() not in found.links:
        found.problems.append(f"the record must hold the head {head}, ended at {found.head}")
    return found


def _take(found: Findings, line: dict[str, Any]) -> None:
    if found.ended:
        found.problems.append("there are lines behind the record's end")
    if line["kind"] == "end":
        found.ended = True
        if (line["n"], line["chain"]) != (found.lines, found.head):
            found.problems.append(
                f"the end names {line['n']} lines and {line['chain']}, found {found.lines}, {found.head}"
            )
        return
    found.lines += 1
    if line["n"] != found.lines:
        found.problems.append(
            f"line {found.lines} is numbered {line['n']}: lines are missing, added or in another order"
        )
        found.lines = int(line["n"])
    if link(found.head, line) != line["chain"]:
        found.problems.append(f"line {line['n']} does not fit its chain: it, or one before it, was changed or removed")
    found.head = line["chain"]
    found.links.add(found.head)
    _take_entry(found, line, f"line {line['n']}")


def _take_entry(found: Findings, line: dict[str, Any], where: str) -> None:
    kind, entry = line["kind"], line["entry"]
    if kind == "settings":
        if hashlib.sha256(canonical(entry["settings"]).encode()).hexdigest()[:16] != entry["hash"]:
            found.problems.append(f"{where}: the settings of {entry['strategy']} do not have the hash {entry['hash']}")
        found.settings[entry["strategy"], entry["hash"]] = entry["settings"]
    elif kind == "signal":
        if entry["id"] in found.signals:
            found.problems.append(f"{where}: the signal {entry['id']} is there twice")
        found.signals[entry["id"]] = line
    elif kind == "outcome":
        if entry["id"] in found.outcomes:
            found.problems.append(f"{where}: the outcome of {entry['id']} is there twice")
        if entry["id"] not in found.signals:
            found.problems.append(f"{where}: the signal {entry['id']} of this outcome is not there")
        found.outcomes[entry["id"]] = line
    else:
        found.problems.append(f"{where}: kind must be one of {', '.join(KINDS)}, was {str(kind)[:20]}")


def _strange_ids(found: Findings) -> Iterable[str]:
    """Name the signals whose ids are not what strategy, any of its settings, candle and side make of them."""
    hashes: dict[str, list[str]] = {}
    for name, settings_hash in found.settings:
        hashes.setdefault(name, []).append(settings_hash)
    for line in found.signals.values():
        one, place = line["entry"], (line["entry"][key] for key in ("instrument", "timeframe", "time", "side"))
        name, end = one["strategy"], "|".join(place)
        made = (hashlib.sha256(f"v1|{name}|{each}|{end}".encode()).hexdigest()[:32] for each in hashes.get(name, ()))
        if one["id"] not in made:
            yield f"line {line['n']}: the id {one['id']} is not that of any settings of {name}"


def main(arguments: list[str]) -> int:
    """Check a file and say what was found; return 0 when nothing was."""
    with Path(arguments[0]).open(encoding="utf-8") as file:
        found = check(file, arguments[2] if arguments[1:2] == ["--head"] else None)
    sys.stdout.write("".join(f"{sentence}\n" for sentence in (*found.problems, found.summary)))
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
