"""The consumers of docs/own-consumer.md, as they stand there, on a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers import RedisServer

PAGE = Path(__file__).resolve().parents[2] / "docs/own-consumer.md"
MIRROR = "{ninja}:mirror:mine"
SIGNALS = [
    f'{{"id":"{number}","side":"SELL","instrument":"EUR_USD","close":1.09{number}}}' for number in range(100, 106)
]


def example(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def program(language: str, folder: Path) -> Sequence[str]:
    path = folder / f"consumer.{language}"
    path.write_text(example(language), encoding="utf-8")
    return [sys.executable if language == "python" else "sh", str(path)]


@pytest.mark.parametrize("language", ["python", "sh"])
def test_an_example_takes_each_signal_in_order_and_finishes_what_was_begun(tmp_path: Path, language: str) -> None:
    if language == "sh" and shutil.which("redis-cli") is None:
        pytest.skip("redis-cli is not installed")
    with RedisServer(tmp_path, tcp=True, aclfile=acl(tmp_path)) as server, server.client() as client:
        client.rpush(f"{MIRROR}:begun", SIGNALS[0])
        client.rpush(MIRROR, *SIGNALS[1:4])
        url = server.url.replace("://", "://consumer:secret@", 1)
        with subprocess.Popen(
            program(language, tmp_path), env={**os.environ, "REDIS_URL": url}, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                lines = [process.stdout.readline() for _ in range(4)]
                client.rpush(MIRROR, *SIGNALS[4:])
                lines += [process.stdout.readline() for _ in range(2)]
                for _ in range(100):
                    if not client.exists(MIRROR, f"{MIRROR}:begun"):
                        break
                    time.sleep(0.05)
                assert not client.exists(MIRROR, f"{MIRROR}:begun")
            finally:
                process.kill()
    assert [re.findall(r"\b10\d\b", line)[0] for line in lines] == [str(number) for number in range(100, 106)]


def acl(folder: Path) -> Path:
    """The user that the page shows, and one for the test."""
    (line,) = re.findall(r"^user consumer .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    rules = folder / "users.acl"
    shown = line.replace("#CONSUMER_PASSWORD_SHA256", ">secret")
    rules.write_text(f"user default on nopass ~* &* +@all\n{shown}\n", encoding="utf-8")
    return rules
