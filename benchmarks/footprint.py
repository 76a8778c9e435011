"""What the processes cost while they do nothing: start, memory, idle."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.canned import instrument_names
from benchmarks.children import ROOT, Child, redis_server
from benchmarks.latency import product, product_environment, settings
from benchmarks.results import Chapter, Figure, Table, at_most

_STARTS: Final = 7
_SETTLE: Final = 4.0
_IDLE: Final = 15.0
_SERIES: Final = 16
_HOUR: Final = 3_600
_LONGEST: Final = 40.0
"""Seconds that the whole measurement takes."""
_TEXT: Final = """\
Sixteen strategies, H1, before the simulated broker. A start is the whole process from the command to its end: the bare
interpreter, `--help`, and one pass over strategies that are up to date; the quickest of seven. Memory (`VmRSS`) and
processor time (`/proc`) of daemon, notifier and page {settle:.0f} seconds after they were started, over {idle:.0f}
seconds in which no candle closes.
"""


def measure(*, quick: bool) -> Chapter:
    """Start processes, look at them, end them."""
    starts, settle, idle = (1, 1.0, 1.0) if quick else (_STARTS, _SETTLE, _IDLE)
    left = _HOUR - time.time() % _HOUR
    if not quick and left < _LONGEST:
        time.sleep(left + _SETTLE)  # no candle is to close meanwhile
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(redis_server(directory))
        market = stack.enter_context(Child("market", str(_SERIES), "0"))
        mailbox = stack.enter_context(Child("mailbox"))
        (directory / "ninja.toml").write_text(settings(instrument_names(_SERIES), "H1", mailbox.ready["url"]))
        environment = product_environment(directory, redis.url, market.ready["url"])
        module = ["-m", "ninja_daemon"]
        _start(environment, *module, "run", "--once")
        bare = min(_start(environment, "-c", "pass") for _ in range(starts))
        usage = min(_start(environment, *module, "--help") for _ in range(starts))
        once = min(_start(environment, *module, "run", "--once") for _ in range(starts))
        listen = ("--listen", f"127.0.0.1:{_free_port()}")
        commands = {"run": (), "notify": (), "web": listen}
        processes = {name: stack.enter_context(product(name, environment, *more)) for name, more in commands.items()}
        time.sleep(settle)
        before = {name: _cpu(process.pid) for name, process in processes.items()}
        time.sleep(idle)
        cpu = {name: 100 * (_cpu(process.pid) - before[name]) / idle for name, process in processes.items()}
        memory = {name: _memory(process.pid) for name, process in processes.items()}
    names = {"run": "daemon", "notify": "notifier", "web": "page"}
    both = memory["run"] + memory["notify"]
    return Chapter(
        "Start, memory, idle",
        _TEXT.format(settle=settle, idle=idle),
        [
            Table(
                ["start", "seconds", "× bare Python"],
                [
                    ["python -c pass", f"{bare:.3f}", "1"],
                    ["ninja-daemon --help", f"{usage:.3f}", f"{usage / bare:.1f}"],
                    ["ninja-daemon run --once", f"{once:.3f}", f"{once / bare:.1f}"],
                ],
            ),
            Table(
                ["idle", "resident memory", "processor"],
                [[names[name], f"{memory[name]:.1f} MB", f"{cpu[name]:.2f} %"] for name in processes],
            ),
        ],
        [
            at_most("start", "`run --once` with sixteen strategies, the whole process", once, 0.6, " s"),
            at_most("memory", "resident memory of daemon and notifier together", both, 120.0, " MB"),
            at_most("memory-web", "resident memory of the page's process", memory["web"], 45.0, " MB"),
            Figure("idle", "processor time of all three while idle", sum(cpu.values()), f"{sum(cpu.values()):.2f} %"),
        ],
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _start(environment: dict[str, str], *words: str) -> float:
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=False, capture_output=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-500:])
    return seconds


def _cpu(pid: int) -> float:
    """Return the processor seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Return the resident megabytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1_024 / 1e6
