"""A backup, a loss, a restoration, with the real commands: the list is right, and nothing is delivered twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.end_to_end.outside import Outside
from tests.end_to_end.settings import nasty, oracle, toml
from tests.fakes.receiver import Receiver, receiver
from tests.oracle import Signal, assert_same_signals, parsed_signal, read_candles, signals_after, signals_until
from tests.servers import RedisServer

SERIES = "GBP_JPY_D"
RULES = nasty(SERIES)[:2]
FIRST, DELIVERED, SAVED, LOST, END = 400, 420, 440, 470, 490


@pytest.fixture
def desk() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


class Story:
    """What happens to a machine: candles, deliveries, a backup, a loss."""

    def __init__(self, outside: Outside, desk: Receiver, candles_dir: Path) -> None:
        self.outside, self.desk = outside, desk
        self.csv = candles_dir / f"{SERIES}.csv"
        self.candles: Sequence[Mapping[str, str]] = read_candles(self.csv)
        table = f'[destinations.desk]\nchannel = "webhook"\nurl = "{desk.url}"\ninsecure = true\n'
        outside.place.configure(toml(RULES) + table)

    def goes_to(self, newest: int) -> None:
        self.outside.show(self.candles[newest], "D")
        self.outside.once()

    def delivers(self) -> None:
        self.outside.place.run("notify", "--drain").exited(0)

    def backs_up(self) -> Path:
        made = json.loads(self.outside.place.run("backup", "--json").exited(0).out)
        assert made["parts"] == [
            "redis.jsonl",
            "journal.sqlite3",
            "sent.sqlite3",
            "record.sqlite3",
            "evaluations.sqlite3",
        ]
        return Path(made["file"])

    def is_lived_up_to_the_loss(self) -> Path:
        """History, deliveries, a backup while signals wait, and more of both after it."""
        self.goes_to(FIRST)
        self.goes_to(DELIVERED)
        self.delivers()
        self.goes_to(SAVED)
        assert self.outside.listed(), "signals must wait when the backup is made"
        file = self.backs_up()
        self.delivers()
        self.goes_to(LOST)
        self.delivers()
        return file

    def expected(self, name: str, after: int, until: int) -> list[Signal]:
        (rules,) = [each for each in RULES if each.name == name]
        must = signals_until(oracle(self.csv, rules).signals, self.candles[until]["time"])
        return signals_after(must, self.candles[after]["time"])

    def assert_listed(self, after: int, until: int) -> None:
        for rules in RULES:
            assert_same_signals(self.outside.listed(rules.name), self.expected(rules.name, after, until))

    def assert_delivered(self) -> None:
        """Each signal exactly once, each strategy's in order."""
        bodies = [post.body.decode() for post in self.desk.posts]
        for rules in RULES:
            own = [body for body in bodies if parsed_signal(body)["strategy"] == rules.name]
            assert_same_signals(own, self.expected(rules.name, FIRST, END))


def test_restore_on_a_new_machine_delivers_nothing_twice(
    outside: Outside, desk: Receiver, candles_dir: Path, start_redis: Callable[..., RedisServer]
) -> None:
    story = Story(outside, desk, candles_dir)
    file = story.is_lived_up_to_the_loss()
    before = [parsed_signal(post.body.decode()) for post in desk.posts]
    outside.redis.flushall()

    # The machine is the same, Redis has lost everything.
    plan = json.loads(outside.place.run("restore", str(file), "--dry-run", "--json").exited(0).out)
    assert (plan["journal"], plan["ledger_adds"], plan["record"]) == ("stays", 0, "stays")
    assert {each["now"] for each in plan["cursors"].values()} == {None}
    assert outside.redis.dbsize() == 0, "a dry run changes nothing"
    outside.place.run("restore", str(file)).exited(0)
    assert outside.cursor(RULES[0].name) == story.candles[SAVED]["time"]
    story.assert_listed(DELIVERED, SAVED)
    story.goes_to(END)
    story.assert_listed(DELIVERED, END)
    story.delivers()
    assert outside.listed() == []
    story.assert_delivered()

    # Another machine, on which nothing is but the file.
    place, known = outside.place, len(desk.posts)
    outside.redis_server = start_redis(appendonly=True)
    outside.redis = outside.redis_server.client()
    place.environment |= {"REDIS_URL": outside.redis_server.url, "NINJA_STATE_DIR": str(place.directory / "new")}
    told = json.loads(place.run("restore", str(file), "--json").exited(0).out)
    assert (told["journal"], told["kept"], told["record"]) == ("restored", None, "restored")
    assert any("delivered again" in warning for warning in told["warnings"])
    story.goes_to(END)
    story.assert_listed(DELIVERED, END)
    story.delivers()
    again = [parsed_signal(post.body.decode()) for post in desk.posts[known:]]
    in_backup = {one["id"] for one in before if one["time"] <= story.candles[DELIVERED]["time"]}
    assert not in_backup & {one["id"] for one in again}, "what was sent before the backup is not sent again"
    for rules in RULES:
        own = [post.body.decode() for post in desk.posts[known:] if f'"strategy":"{rules.name}"' in post.body.decode()]
        assert_same_signals(own, story.expected(rules.name, DELIVERED, END))
    record = place.directory / "signals.jsonl"
    place.run("signals", "--export", str(record)).exited(0)
    place.run("verify", str(record)).exited(0)
    outside.redis.close()
