"""What waits in the journal of this machine is seen and handled beside what waits in Redis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.journal.journal import put_into_outbox, transaction
from ninja_daemon.adapters.stored.signal import encode_signal
from ninja_daemon.app.queues.opening import local_queue_file
from ninja_daemon.app.settings.environment import read_environment
from tests.fakes.messages import a_signal
from tests.fakes.receiver import OK, Answer, Receiver, receiver
from tests.processes import Workplace, workplace
from tests.servers import RedisServer

__all__ = ["workplace"]


def signal_text(number: int) -> str:
    return encode_signal(a_signal(number))


@dataclass
class Two:
    """A notifier's workplace with a Redis, a journal and a desk."""

    place: Workplace
    redis_server: RedisServer
    desk: Receiver

    def lists(self, *numbers: int) -> None:
        with self.redis_server.client() as client:
            client.rpush("{ninja}:signals", *(signal_text(number) for number in numbers))

    def journals(self, *numbers: int) -> None:
        file = local_queue_file(read_environment(self.place.environment, self.place.directory))
        texts = {json.loads(text)["id"]: text for text in map(signal_text, numbers)}
        with file.changing() as connection:
            put_into_outbox(connection, texts)
        file.close()

    def shown(self) -> Any:
        return json.loads(self.place.run("queue", "--json").exited(0).out)

    def desk_lane(self) -> Any:
        return next(lane for lane in self.shown()["destinations"] if lane["destination"] == "desk")


@pytest.fixture
def two(workplace: Workplace, fresh_redis: RedisServer) -> Iterator[Two]:
    with receiver() as desk:
        workplace.uses(broker="http://127.0.0.1:9", redis=fresh_redis.url, token="none")
        workplace.configure(f'[destinations.desk]\nchannel = "webhook"\nurl = "{desk.url}"\ninsecure = true\n')
        yield Two(workplace, fresh_redis, desk)
        workplace.end_all()


def test_letters_of_both_are_shown_sent_again_and_thrown_away(two: Two) -> None:
    two.desk.answers(OK)
    two.journals(1)
    two.lists(2)
    two.place.run("notify", "--drain").exited(0)
    two.desk.answers(Answer(400))
    two.journals(3)
    two.lists(4)
    two.place.run("notify", "--drain").exited(1)
    assert two.desk_lane()["dead"] == 2
    letters = json.loads(two.place.run("queue", "dead", "--json").exited(0).out)
    assert len({letter["id"] for letter in letters}) == 2
    two.desk.answers(OK)
    two.place.run("queue", "retry").exited(0)
    two.place.run("notify", "--drain").exited(0)
    assert len({post.headers["webhook-id"] for post in two.desk.posts}) == 4
    two.desk.answers(Answer(400))
    two.journals(5)
    two.place.run("notify", "--drain").exited(1)
    two.place.run("queue", "purge", "--yes").exited(0)
    assert two.shown()["dead"] == 0


def test_a_pause_holds_both_back_and_status_counts_both(two: Two) -> None:
    two.place.run("notify", "--drain").exited(0)
    two.place.run("queue", "pause", "desk").exited(0)
    two.journals(1, 2)
    two.lists(3)
    two.place.run("notify", "--drain").exited(1)
    assert two.desk.posts == []
    assert (two.desk_lane()["waiting"], two.desk_lane()["state"]) == (3, "paused")
    status = json.loads(two.place.run("status", "--json").exited(0).out)
    assert [lane["waiting"] for lane in status["delivery"]["lanes"] if lane["destination"] == "desk"] == [3]
    two.place.run("queue", "resume", "desk").exited(0)
    two.place.run("notify", "--drain").exited(0)
    assert len(two.desk.posts) == 3


def test_what_was_delivered_from_the_journal_is_not_delivered_again_from_the_list(two: Two) -> None:
    two.journals(1, 2)
    two.place.run("notify", "--drain").exited(0)
    two.lists(1, 2, 3)
    two.place.run("notify", "--drain").exited(0)
    assert len(two.desk.posts) == 3
    assert len({post.headers["webhook-id"] for post in two.desk.posts}) == 3


def test_a_message_half_sent_from_the_journal_holds_the_list_back(two: Two) -> None:
    two.desk.answers(Answer(500))
    two.journals(1)
    two.lists(1, 2)
    two.place.run("notify", "--drain").exited(1)
    assert two.desk_lane()["waiting"] == 3
    assert {post.headers["webhook-id"] for post in two.desk.posts} == {json.loads(signal_text(1))["id"]}
    two.desk.posts.clear()
    two.desk.answers(OK)
    two.place.run("queue", "retry", "desk").exited(0)
    two.place.run("notify", "--drain").exited(0)
    assert [post.headers["webhook-id"] for post in two.desk.posts] == [
        json.loads(signal_text(number))["id"] for number in (1, 2)
    ]


def test_while_redis_is_away_a_drain_delivers_from_the_journal_and_says_why(two: Two) -> None:
    two.journals(1, 2)
    two.redis_server.stop()
    done = two.place.run("notify", "--drain").exited(1)
    assert "Redis" in done.err
    assert len(two.desk.posts) == 2


def test_an_order_given_while_redis_is_away_holds_in_the_journal_and_exits_1(two: Two) -> None:
    two.journals(1)
    two.redis_server.stop()
    said = two.place.run("queue", "pause", "desk").exited(1).err
    assert "Redis cannot be reached" in said
    assert "what was ordered (desk) holds in this machine's journal, and Redis is told when it is back" in said
    two.place.run("notify", "--drain").exited(1)
    assert two.desk.posts == []
    two.place.run("queue", "resume", "desk").exited(1)
    two.place.run("notify", "--drain").exited(1)
    assert len(two.desk.posts) == 1


def test_an_order_that_redis_refuses_is_not_carried_out_in_the_journal_either(two: Two) -> None:
    two.journals(1)
    with two.redis_server.client() as client:
        client.acl_setuser("default", enabled=True, nopass=True, commands=["-hset", "-evalsha"])
    for order in (["pause", "desk"], ["silence", "--for", "1 h"]):
        said = two.place.run("queue", *order).exited(1).err
        assert "lacks a permission" in said
        assert "holds" not in said
    two.redis_server.stop()
    two.place.run("notify", "--drain").exited(1)
    assert len(two.desk.posts) == 1


def test_a_silence_holds_while_redis_is_away_and_ends_there(two: Two) -> None:
    two.journals(1)
    two.place.run("queue", "silence", "--for", "1 h", "--instrument", "EUR_*").exited(0)
    (silence,) = two.shown()["silences"]
    two.redis_server.stop()
    two.place.run("notify", "--drain").exited(1)
    assert two.desk.posts == []
    two.place.run("queue", "unsilence", silence["id"]).exited(1)
    two.journals(2)
    two.place.run("notify", "--drain").exited(1)
    assert [post.headers["webhook-id"] for post in two.desk.posts] == [json.loads(signal_text(2))["id"]]


def test_a_silence_ordered_while_redis_is_away_outlives_the_return_of_redis(
    two: Two,
) -> None:
    two.journals(1)
    two.redis_server.stop()
    two.place.run("queue", "silence", "--for", "1 h", "--instrument", "EUR_*").exited(1)
    running = two.place.start("notify")
    running.says("EUR_USD H4 SELL is silenced")
    running.terminate().exited(0)
    two.redis_server.start()
    assert len(two.shown()["silences"]) == 1
    two.lists(2)
    two.place.run("notify", "--drain").exited(0)
    assert two.desk.posts == []


def elsewhere(two: Two, *order: str) -> None:
    """Give an order on another machine, which has a state directory of its own."""
    two.place.run("queue", *order, environment={"NINJA_STATE_DIR": str(two.place.directory / "elsewhere")}).exited(0)


def test_a_silence_that_is_ended_on_another_machine_is_ended_here_too(two: Two) -> None:
    two.journals(1)
    two.place.run("queue", "silence", "--for", "1 h", "--instrument", "EUR_*").exited(0)
    (silence,) = two.shown()["silences"]
    elsewhere(two, "unsilence", silence["id"])
    two.lists(2)
    two.place.run("notify", "--drain").exited(0)
    assert len(two.desk.posts) == 2
    two.redis_server.stop()
    two.journals(3)
    two.place.run("notify", "--drain").exited(1)
    assert len(two.desk.posts) == 3


def test_a_pause_that_is_ended_on_another_machine_is_ended_here_too(two: Two) -> None:
    two.journals(1)
    two.place.run("queue", "pause", "desk").exited(0)
    two.place.run("notify", "--drain").exited(1)
    elsewhere(two, "resume", "desk")
    two.lists(2)
    two.place.run("notify", "--drain").exited(0)
    assert [post.headers["webhook-id"] for post in two.desk.posts] == [
        json.loads(signal_text(number))["id"] for number in (1, 2)
    ]


def test_a_pause_and_its_end_on_another_machine_hold_here_while_redis_is_away(two: Two) -> None:
    two.journals(1)
    elsewhere(two, "pause", "desk")
    two.place.run("notify", "--drain").exited(1)
    two.redis_server.stop()
    two.place.run("notify", "--drain").exited(1)
    assert two.desk.posts == []


def test_redis_is_told_of_a_pause_that_was_ordered_while_it_was_away(two: Two) -> None:
    two.journals(1)
    two.redis_server.stop()
    two.place.run("queue", "pause", "desk", "--for", "1 h").exited(1)
    two.redis_server.start()
    running = two.place.start("notify")

    def is_told() -> bool:
        with two.redis_server.client() as client:
            return int(client.hget("{ninja}:lane_state:desk", "paused") or 0) > 0

    running.until(is_told, "the pause is in Redis")
    two.lists(2)
    two.redis_server.stop()
    two.place.run("queue", "resume", "desk").exited(1)
    two.desk.wait_for_posts(1)
    two.redis_server.start()
    two.desk.wait_for_posts(2)
    running.terminate().exited(0)


def test_a_suspended_destination_is_resumed_by_order_while_redis_is_away(two: Two) -> None:
    two.desk.answers(Answer(410), OK)
    two.lists(1)
    running = two.place.start("notify")
    running.says("lane.suspended")
    two.redis_server.stop()
    running.says("event_id=redis.down")
    two.journals(2)
    two.place.run("queue", "resume", "desk").exited(1)
    two.desk.wait_for_posts(2)
    running.terminate().exited(0)


def test_while_redis_is_away_no_destination_waits_for_another_ones_rate(two: Two) -> None:
    with receiver() as slow:
        desk = f'url = "{two.desk.url}"\ninsecure = true\n'
        slowly = f'url = "{slow.url}"\ninsecure = true\nrate = "1/3s"\n'
        two.place.configure(
            f'[destinations.a]\nchannel = "webhook"\n{slowly}[destinations.desk]\nchannel = "webhook"\n{desk}'
        )
        two.journals(1, 2)
        two.redis_server.stop()
        running = two.place.start("notify", "--drain")
        two.desk.wait_for_posts(1)
        assert len(slow.posts) <= 1
        running.ended().exited(1)
        assert (len(two.desk.posts), len(slow.posts)) == (2, 2)


def test_a_journal_that_cannot_be_used_while_redis_is_away_is_told(two: Two, tmp_path: Path) -> None:
    two.redis_server.stop()
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    two.place.environment["NINJA_STATE_DIR"] = str(blocked / "state")
    assert "the journal of this machine cannot be used" in two.place.run("notify", "--drain").exited(1).err


def test_a_journal_that_cannot_be_used_hides_nothing_of_redis(two: Two, tmp_path: Path) -> None:
    two.lists(1)
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    two.place.environment["NINJA_STATE_DIR"] = str(blocked / "state")
    assert two.shown()["signals"] == 1
    two.place.run("notify", "--drain").exited(0)
    assert len(two.desk.posts) == 1
    assert two.desk_lane()["delivered"] == 1


def test_the_outbox_forgets_only_what_was_taken_and_is_old(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ninja_daemon.adapters.journal.journal.OUTBOX_KEPT", 2)
    two.journals(1, 2, 3)
    file = local_queue_file(read_environment(two.place.environment, two.place.directory))
    assert len(file.waiting(9)) == 3
    file.take([sequence for sequence, _ in file.waiting(9)])
    with file.session() as connection, transaction(connection):
        put_into_outbox(connection, {"four": "{}"})
    assert len(file.history(9)) == 2
    file.close()


def test_what_is_left_of_a_destination_in_both_places_goes_to_another_one(two: Two) -> None:
    two.desk.answers(Answer(503))
    two.journals(1, 2)
    two.lists(3)
    two.place.run("notify", "--drain").exited(1)
    before = len(two.desk.posts)
    two.desk.answers(OK)
    phone = f'[destinations.phone]\nchannel = "webhook"\nurl = "{two.desk.url}"\ninsecure = true\n'
    two.place.configure(phone)
    assert "queue move desk NEW" in " ".join(two.place.run("status").out.split())
    two.place.run("queue", "move", "desk", "elsewhere").exited(2)
    moved = two.place.run("queue", "move", "desk", "phone").exited(0).out
    assert moved == "moved from desk to phone: 3 waiting messages, 0 dead letters\n"
    assert "0 waiting" in two.place.run("queue", "move", "desk", "phone").exited(0).out
    two.place.run("notify", "--drain").exited(0)
    sent = [post.headers["webhook-id"] for post in two.desk.posts[before:]]
    assert sent == [a_signal(number).id for number in (1, 2, 3)]
