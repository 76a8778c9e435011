"""Delivery out of the journal while workers are killed: nothing missing, order kept, every repeat marked."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ninja_daemon.adapters.journal.journal import SqliteJournal
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.queues.opening import journal_file
from ninja_daemon.app.settings.environment import read_environment
from tests.fakes.messages import a_signal
from tests.fakes.receiver import OK, Answer, Post, Receiver, receiver
from tests.faults.judge import count_deliveries
from tests.faults.tally import Row, Tally
from tests.processes import ROOT

SIGNALS = 150
AT_ONCE = 10
KILLS = 25
NAMES = ("a", "b")
STRATEGY = '[strategies.s]\ninstrument = "EUR_USD"\ntimeframe = "H4"\nfast_ma = 3\nslow_ma = 5\n'


class Nursery:
    """Two workers; one that is killed is replaced at once."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._workers = [self._born(), self._born()]

    def _born(self) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def kill(self, place: int) -> None:
        os.kill(self._workers[place], signal.SIGKILL)
        self._workers[place] = self._born()


@contextmanager
def nursery(environment: dict[str, str]) -> Iterator[Nursery]:
    command = [sys.executable, "-m", "tests.faults.worker_nursery"]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Nursery(process)
        finally:
            with contextlib.suppress(OSError):
                assert process.stdin is not None
                process.stdin.close()
            process.wait(20)


def delivered(server: Receiver, name: str, but: Sequence[Post] = ()) -> list[Post]:
    refused = {id(post) for post in but}
    return [post for post in list(server.posts) if post.path == f"/{name}" and id(post) not in refused]


def ids(posts: list[Post]) -> list[str]:
    return [post.headers["webhook-id"] for post in posts]


def test_nothing_is_missing_after_twenty_five_kills(tmp_path: Path, tally: Tally) -> None:
    chance = random.Random(25)
    with receiver() as server:
        refused: list[Post] = []

        def answer(post: Post) -> Answer:
            if chance.random() >= 0.05:
                return OK
            refused.append(post)
            return Answer(500)

        server.script = answer
        tables = "".join(
            f'[destinations.{name}]\nchannel = "webhook"\nurl = "{server.url}/{name}"\ninsecure = true\n'
            for name in NAMES
        )
        (tmp_path / "ninja.toml").write_text(tables + STRATEGY)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "NINJA_CONFIG": str(tmp_path / "ninja.toml"),
            "NINJA_STATE_DIR": str(tmp_path / "state"),
            "CACHE_ENABLED": "false",
        }
        journal = SqliteJournal(journal_file(read_environment(environment, tmp_path)))
        with nursery(environment) as workers:
            mark = None
            for kill in range(KILLS):
                if kill * AT_ONCE < SIGNALS:
                    numbers = range(kill * AT_ONCE, (kill + 1) * AT_ONCE)
                    found = {a_signal(number).id: encode_signal(a_signal(number)) for number in numbers}
                    assert journal.commit("s", mark, kill * 900, found) == (AT_ONCE, 0)
                    mark = kill * 900
                    server.wait_for_posts(len(server.posts) + chance.randrange(1, 2 * AT_ONCE))
                workers.kill(chance.randrange(2))
            wanted = [a_signal(number).id for number in range(SIGNALS)]
            server.wait_for(
                lambda _: all(set(ids(delivered(server, name, refused))) == set(wanted) for name in NAMES), 40
            )
        journal.close()
    accepted = {name: delivered(server, name, but=refused) for name in NAMES}
    figures = count_deliveries(accepted, wanted)
    tally.record(Row("kill -9 of two notifiers without Redis", KILLS, expected=SIGNALS, **asdict(figures)))
    for name in NAMES:
        seen: list[str] = []
        for post in delivered(server, name):
            if post.headers["webhook-id"] in seen:
                assert post.headers["ninja-possible-repeat"] == "true"
            else:
                seen.append(post.headers["webhook-id"])
        assert seen == wanted
