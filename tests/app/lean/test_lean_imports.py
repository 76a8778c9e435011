"""Packages that load when they are used first: everything in them works, from whichever thread it is wanted."""

from __future__ import annotations

import subprocess
import sys

from tests.processes import ROOT

FROM_MANY_THREADS = """
import sys, threading
from ninja_daemon.app.lean.lean_imports import load_in_parts

load_in_parts()
import asyncio, redis
from redis.client import Redis

loaded = [name in sys.modules for name in ("asyncio.base_events", "redis.asyncio.client")]
found = []

async def seven():
    await asyncio.sleep(0)
    return 7

def use():
    found.append((asyncio.run(seven()), redis.Redis is Redis, redis.asyncio.Redis.__module__))

threads = [threading.Thread(target=use) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
from asyncio import StreamReader, TaskGroup
print(loaded, set(found), len(found), StreamReader is asyncio.streams.StreamReader)
"""


def test_a_package_that_eight_threads_use_first_is_whole_for_each() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FROM_MANY_THREADS], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.stdout == "[False, False] {(7, True, 'redis.asyncio.client')} 8 True\n", done.stderr
