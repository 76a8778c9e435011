"""How long a signal takes from the push to the list until a destination has accepted it.

Run: ``python -m benchmarks.delivery``. One notifier process, one Redis server, destinations on loopback; signals are
pushed one at a time, half of them while another destination hangs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from ninja_daemon.adapters.codec import encode_signal
from tests.fakes.messages import a_signal
from tests.fakes.receiver import OK, Answer, Post, Receiver, receiver
from tests.servers import RedisServer

COUNT: Final = 500
ROOT: Final = Path(__file__).resolve().parent.parent
_PERCENT: Final = 100


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(RedisServer(directory / "redis", appendonly=True))
        good, bad = stack.enter_context(receiver()), stack.enter_context(receiver())
        bad.script = lambda _: Answer(how="hang")
        for title, servers in (
            ("one destination", {"good": good}),
            ("another one hangs", {"good": good, "bad": bad}),
        ):
            report(title, measured(directory, redis, servers, good))


def measured(directory: Path, redis: RedisServer, servers: dict[str, Receiver], good: Receiver) -> list[float]:
    """Return the seconds that each signal took."""
    config = directory / "ninja.toml"
    tables = [
        f'[destinations.{name}]\nchannel = "webhook"\nurl = "{server.url}/{name}"\ninsecure = true\n'
        for name, server in servers.items()
    ]
    strategy = '[strategies.EUR_USD_H4]\ninstrument = "EUR_USD"\ntimeframe = "H4"\nfast_ma = 3\nslow_ma = 5\n'
    config.write_text("\n".join([*tables, strategy]))
    namespace = f"bench{len(servers)}"
    environment = {
        **os.environ,
        "REDIS_URL": redis.url,
        "NINJA_CONFIG": str(config),
        "NINJA_STATE_DIR": str(directory / namespace),
        "NINJA_NAMESPACE": namespace,
    }
    arrived: list[float] = []

    def stamp(post: Post) -> Answer:
        del post
        arrived.append(time.perf_counter())
        return OK

    good.posts.clear()
    good.script = stamp
    command = [sys.executable, "-m", "ninja_daemon", "notify", "--log-level", "error"]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process, redis.client() as client:
        took = []
        for number in range(COUNT):
            text = encode_signal(a_signal(number))
            began = time.perf_counter()
            client.rpush(f"{{{namespace}}}:signals", text)
            good.wait_for_posts(number + 1)
            took.append(arrived[-1] - began)
            time.sleep(0.004)
        process.terminate()
    return took[20:]


def report(title: str, took: list[float]) -> None:
    """Print one line."""
    points = statistics.quantiles(took, n=_PERCENT)
    print(
        f"{title:<20} {len(took)} signals  p50 {points[49] * 1000:.1f} ms  p95 {points[94] * 1000:.1f} ms  "
        f"p99 {points[98] * 1000:.1f} ms  max {max(took) * 1000:.1f} ms"
    )


if __name__ == "__main__":
    main()
