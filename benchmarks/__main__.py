"""Run the benchmarks, print what they find, and write it down; ``make bench``."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks import (
    crowds,
    delivery,
    files,
    first_starts,
    footprint,
    growth,
    illustrated,
    latency,
    members,
    replay,
    step,
    storage,
    sweep,
    wake,
)
from benchmarks.against import chapter as against
from benchmarks.machine import machine
from benchmarks.pictures import FOLDER, draw
from benchmarks.report import put, summary, write
from benchmarks.results import Chapter

BENCHMARKS: Final[dict[str, Callable[..., Chapter]]] = {
    "wake": wake.measure,
    "crowd": crowds.measure,
    "many": first_starts.measure,
    "step": step.measure,
    "replay": replay.measure,
    "sweep": sweep.measure,
    "files": files.measure,
    "latency": latency.measure,
    "delivery": delivery.measure,
    "pictures": illustrated.measure,
    "storage": storage.measure,
    "growth": growth.measure,
    "members": members.measure,
    "footprint": footprint.measure,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all, or those asked for; only a whole run at full size is written down."""
    options = _options().parse_args(arguments)
    chosen = options.only or list(BENCHMARKS)
    is_whole = not options.quick and chosen == list(BENCHMARKS)
    began = time.monotonic()
    where = machine()
    print(where.markdown(), flush=True)
    if options.against:
        both = against(options.against, chosen, quick=options.quick)
        print("\n\n".join(table.markdown() for table in both.tables))
        if options.write and not options.quick:
            put([both], where)
        return
    chapters = []
    for name in chosen:
        started = time.monotonic()
        chapters.append(BENCHMARKS[name](quick=options.quick))
        _print(chapters[-1], time.monotonic() - started)
    is_kept = is_whole or (options.write and not options.quick)
    pictures = FOLDER if is_kept else Path(tempfile.mkdtemp())
    drawn = [path for chapter in chapters for picture in chapter.pictures if (path := draw(picture, pictures))]
    minutes = (time.monotonic() - began) / 60
    print(f"\n{minutes:.1f} minutes; pictures: {', '.join(map(str, drawn)) or 'none'}")
    if is_kept:
        paths = write(chapters, where, minutes) if is_whole else put(chapters, where)
        print(f"written: {', '.join(path.name for path in paths)}")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure, print and write BENCHMARKS.md.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it works, measures nothing")
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), help="these chapters; nothing is written")
    parser.add_argument("--write", action="store_true", help="put the chapters of --only, or both trees, into the page")
    parser.add_argument("--against", metavar="REV", help="measure this tree and that revision in turn")
    return parser


def _print(chapter: Chapter, seconds: float) -> None:
    parts = [f"\n## {chapter.title} ({seconds:.0f} s)", *(table.markdown() for table in chapter.tables)]
    print("\n\n".join([*parts, summary(chapter.figures).markdown()]), flush=True)


if __name__ == "__main__":
    main()
