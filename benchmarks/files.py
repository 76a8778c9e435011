"""(i) Ten years of one-minute candles from a text file, joined to H4 and written: ours and pandas, a process each."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.children import ROOT, clean_environment
from benchmarks.peers import peer
from benchmarks.results import Chapter, Figure, Table, at_least, at_most, short
from ninja_daemon.adapters.candle_files.opening import open_candles
from ninja_daemon.adapters.candle_files.writing import whole_file, write_candles
from ninja_daemon.core.market.granularity import Granularity

COUNT: Final = 3_700_000
_RUNS: Final = 3
_WEEK: Final = 5 * 1_440
_LINES: Final = 100_000
_TEXT: Final = """\
Minutes as HistData writes them (New York's clock, six digits, no header), {megabytes:.0f} MB; read, put on the grid of
17:00 New York, joined to H4, written as CSV. A process each, in turn; seconds of the processor from the first byte read
to the last written, without the start of Python and its libraries; the best of {runs}. Memory is the most that the
process ever held, libraries included. Ours finds format, step, digits and time zone in the file, checks every candle
and counts holes; pandas (`read_csv` with its C parser, `to_datetime` with the format, `resample`) is told all of that,
reads prices as binary floats and checks nothing.
"""


def write(path: Path, count: int) -> None:
    """Write a random walk over the weeks of the market."""
    drawn = np.random.default_rng(5)
    close = 110_000 + np.cumsum(drawn.integers(-3, 4, count))
    close += max(0, 20_000 - int(close.min()))
    opened = np.concatenate(([110_000], close[:-1]))
    high = np.maximum(opened, close) + drawn.integers(0, 8, count)
    low = np.minimum(opened, close) - drawn.integers(0, 8, count)
    weeks = np.arange(count // _WEEK + 1)[:, np.newaxis] * np.timedelta64(7 * 1_440, "m")
    minutes = (np.datetime64("2015-01-04T17:00") + weeks + np.arange(_WEEK)).reshape(-1)[:count]
    with path.open("w", encoding="ascii") as file:
        for start in range(0, count, _LINES):
            part = slice(start, start + _LINES)
            times = (str(each).replace("-", "").replace("T", " ").replace(":", "") for each in minutes[part])
            prices = zip(*(column[part].tolist() for column in (opened, high, low, close)), strict=True)
            file.writelines(
                f"{at}00;{';'.join(f'{price // 100_000}.{price % 100_000:05d}0' for price in row)};0\n"
                for at, row in zip(times, prices, strict=True)
            )


def ours(source: Path, target: Path) -> int:
    """The import command's own way."""
    with open_candles([source]) as opened, whole_file(target) as file:
        write_candles(file, opened.parts(Granularity.H4), opened.decimals, with_volume=opened.has_volume)
        assert opened.report is not None
        return opened.report.candles


def pandas(source: Path, target: Path) -> int:
    """What notebooks do: everything told, the grid by the file's own clock."""
    library: Any = peer("pandas")
    names = ["time", "open", "high", "low", "close"]
    frame = library.read_csv(source, sep=";", header=None, names=[*names, "volume"], usecols=names)
    frame.index = library.to_datetime(frame.pop("time"), format="%Y%m%d %H%M%S")
    how = {"open": "first", "high": "max", "low": "min", "close": "last"}
    joined = frame.resample("4h", offset="1h").agg(how).dropna()
    joined.index = joined.index.tz_localize("America/New_York", ambiguous=True).tz_convert("UTC")
    joined.to_csv(target, float_format="%.5f")
    return len(joined)


WAYS: Final[dict[str, tuple[str, Callable[[Path, Path], int]]]] = {
    "ninja-daemon": ("", ours),
    "pandas": ("pandas", pandas),
}


def measure(*, quick: bool) -> Chapter:
    """Give every way the same file, in turn."""
    count = COUNT // 100 if quick else COUNT
    seconds, memory, found = dict[str, float](), dict[str, float](), dict[str, int]()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "minutes.csv"
        write(source, count)
        megabytes = source.stat().st_size / 1e6
        for _ in range(1 if quick else _RUNS):
            for name, (module, _) in WAYS.items():
                if not module or peer(module) is not None:
                    told = _run(name, source, Path(folder) / f"{name}.csv")
                    seconds[name] = min(seconds.get(name, float("inf")), told["seconds"])
                    memory[name], found[name] = told["memory"], told["candles"]
    mine = seconds["ninja-daemon"]
    rows = [
        [
            name,
            f"{value:,.2f} s",
            f"{count / value / 1e6:,.2f} million/s",
            short(value / mine),
            f"{memory[name]:,.0f} MB",
            f"{found[name]:,}",
        ]
        for name, value in seconds.items()
    ]
    head = ["", "seconds", "lines", "× ours", "memory", "candles"]
    text = _TEXT.format(megabytes=megabytes, runs=1 if quick else _RUNS)
    tables, figures = [Table(head, rows)], _figures(count, seconds, memory)
    return Chapter(f"A file of {count:,} minutes joined to H4", text, tables, figures)


def _figures(count: int, seconds: dict[str, float], memory: dict[str, float]) -> list[Figure]:
    mine = seconds["ninja-daemon"]
    rate = count / mine / 1e6
    figures = [
        at_least("import", "million lines a second of a file of minutes, joined to H4", rate, 1.5, " million/s"),
        at_most("import-memory", "memory of that process at its most", memory["ninja-daemon"], 200.0, " MB"),
    ]
    if "pandas" in seconds:
        claim = "pandas needs so many times as long for the same file"
        figures.append(at_least("import-ahead", claim, seconds["pandas"] / mine, 2.0))
    return figures


def _run(name: str, source: Path, target: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.files", name, str(source), str(target)]
    done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def main() -> None:
    """Do one way, as a process of its own."""
    name, source, target = sys.argv[1:]
    module, way = WAYS[name]
    if module:
        peer(module)
    began = time.process_time()
    candles = way(Path(source), Path(target))
    seconds = time.process_time() - began
    # Not getrusage: that counts what the process that started this one held.
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    memory = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024
    print(json.dumps({"seconds": seconds, "memory": memory, "candles": candles}))


if __name__ == "__main__":
    main()
