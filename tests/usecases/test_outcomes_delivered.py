"""A living message: outcomes go from their list to the messages of their signals, over both queues and real HTTP."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.channels.registry import open_channel
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.core.errors import StoreSpoilt
from ninja_daemon.core.messages.destination import Delivery, Destination, OptionValue
from ninja_daemon.core.messages.message import Kind
from ninja_daemon.core.messages.retry import RetryPolicy
from ninja_daemon.core.messages.routing import MATCH_ALL, Match, Route
from ninja_daemon.core.messages.send_policy import OutcomePolicy, SendPolicy
from ninja_daemon.core.messages.style import Style
from ninja_daemon.core.outcomes.open_signal import Result
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import Channel, EditableChannel
from ninja_daemon.usecases.delivery.drain import UNWANTED
from ninja_daemon.usecases.delivery.following_channel import UNKNOWN, FollowingChannel
from ninja_daemon.usecases.delivery.lane_worker import LaneWorker
from tests.fakes.bench import Bench, LocalGround, RedisGround
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import FakeClock
from tests.fakes.messages import a_signal, an_outcome
from tests.fakes.receiver import Answer, Post, Receiver, receiver

TOKEN = "123456:" + "x" * 30
Script = Callable[[Post], Answer]


@pytest.fixture(params=["redis", "journal"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "redis":
        client = connect(request.getfixturevalue("redis_url"), name="test")
        yield Bench(RedisGround(client))
        client.close()
    else:
        ground = LocalGround(tmp_path / "state" / "journal.sqlite3")
        yield Bench(ground)
        ground.file.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteSentLedger]:
    made = SqliteSentLedger(tmp_path / "state" / "sent.sqlite3")
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def policy(outcomes: OutcomePolicy, **changes: Any) -> SendPolicy:
    plain = SendPolicy(outcomes=outcomes, retry=RetryPolicy(base=0.0), max_age=1e9, group_wait=0.0)
    return replace(plain, **changes)


def discord(server: Receiver, outcomes: OutcomePolicy = OutcomePolicy.EDIT, **changes: Any) -> Destination:
    options: dict[str, OptionValue] = {
        "url": Secret(f"{server.url}/api/webhooks/5/token?thread_id=9"),
        "insecure": True,
    }
    return Destination("desk", "discord", options, policy(outcomes, **changes))


def telegram(server: Receiver, outcomes: OutcomePolicy = OutcomePolicy.EDIT, **changes: Any) -> Destination:
    options: dict[str, OptionValue] = {"token": Secret(TOKEN), "chat_id": "-5", "api_url": server.url, "insecure": True}
    return Destination("desk", "telegram", options, policy(outcomes, **changes))


SERVICES = pytest.mark.parametrize("destination_of", [discord, telegram])


def delivery(*destinations: Destination) -> Delivery:
    return Delivery(destinations, (Route(MATCH_ALL, tuple(one.name for one in destinations)),), ("ops",))


def worker_of(bench: Bench, destination: Destination, ledger: SqliteSentLedger) -> LaneWorker:
    channel: Channel = open_channel(destination)
    if isinstance(channel, EditableChannel) and destination.policy.outcomes is OutcomePolicy.EDIT:
        channel = FollowingChannel(channel, ledger, FakeClock())
    return LaneWorker(destination, channel=channel, lanes=bench.ground.lanes, ledger=ledger, clock=FakeClock())


def goes_through(bench: Bench, destination: Destination, ledger: SqliteSentLedger) -> None:
    """Drain both lists and empty the lane."""
    bench.drains(delivery(destination))
    bench.drains(delivery(destination), kind=Kind.OUTCOME)
    worker = worker_of(bench, destination, ledger)
    bench.works(worker)
    worker.close()


def is_edit(post: Post) -> bool:
    return post.method == "PATCH" or post.path.endswith("editMessageText")


def naming(server: Receiver, edits: Script | None = None) -> None:
    """Let the service give every message an id of its own; edits are answered by a script."""
    numbers = itertools.count(1001)

    def script(post: Post) -> Answer:
        if is_edit(post):
            return edits(post) if edits else Answer.of(200, {"id": "0", "ok": True, "result": {"message_id": 0}})
        number = next(numbers)
        return Answer.of(200, {"id": str(number), "ok": True, "result": {"message_id": number}})

    server.script = script


def edited_id(post: Post) -> str:
    """The message that an edit names."""
    found = re.search(r"/messages/(\d+)", post.path)
    return found[1] if found else str(post.json["message_id"])


def shown(server: Receiver) -> list[tuple[str, str]]:
    """Every edit: which message it names, and what it says."""
    return [(edited_id(post), post.text) for post in server.posts if is_edit(post)]


# --- from the list to the lanes --------------------------------------------------------------------------------------


def test_outcomes_that_no_destination_shows_are_taken_and_dropped(bench: Bench) -> None:
    bench.ends(*(an_outcome(number) for number in range(150)), "not json")
    plain = Destination("desk", "fake")
    assert bench.drains(delivery(plain), kind=Kind.OUTCOME).moved == 100
    assert bench.drains(delivery(plain), kind=Kind.OUTCOME).moved == 51
    assert bench.counters() == {UNWANTED: 151}
    assert bench.waiting() == 0
    assert not bench.ground.dead()


def test_an_outcome_goes_where_its_signal_went_and_only_where_it_is_shown(bench: Bench) -> None:
    show = [Destination(name, "fake", policy=policy(OutcomePolicy.POST)) for name in ("club", "free", "euro")]
    silent = Destination("desk", "fake")
    routes = (
        Route(Match(instrument=("USD_*",)), ("free",)),
        Route(Match(late=True), ("club",), goes_on=True),
        Route(Match(min_risk_reward=a_signal().risk_reward_ratio), ("desk", "euro")),
    )
    bench.ends(an_outcome(1))
    found = bench.drains(Delivery((*show, silent), routes, ("ops",)), kind=Kind.OUTCOME)
    assert found.lanes == {"club", "euro"}, "levels are rounded, so 1.4994 may have been 1.5; late is not known"


def test_an_outcome_never_overtakes_its_signal(bench: Bench) -> None:
    """The signal is listed after the signals were drained, together with its outcome."""
    to_desk = delivery(Destination("desk", "fake", policy=policy(OutcomePolicy.POST)))
    bench.lists(a_signal(1))
    bench.ends(an_outcome(1))
    assert bench.drains(to_desk, kind=Kind.OUTCOME).moved == 0
    bench.drains(to_desk)
    assert bench.drains(to_desk, kind=Kind.OUTCOME).moved == 1
    channel = FakeChannel()
    bench.works(bench.worker(channel))
    assert channel.ids == [a_signal(1).id, f"outcome:{a_signal(1).id}"]


def test_an_outcome_is_taken_once_and_one_that_cannot_be_read_is_kept(bench: Bench) -> None:
    to_desk = delivery(Destination("desk", "fake", policy=policy(OutcomePolicy.POST)))
    bench.ends(an_outcome(1), "{}", an_outcome(1))
    bench.drains(to_desk, kind=Kind.OUTCOME)
    assert bench.waiting() == 1
    (letter,) = bench.queue.dead_letters()
    assert (letter.kind, letter.cause, letter.text) == ("outcome", "unreadable", "{}")
    assert bench.counters()["repeated"] == 1
    assert bench.queue.retry(letter)
    assert bench.queue.depths().outcomes == 1


def test_a_list_of_outcomes_of_the_wrong_type_says_so(redis_url: str) -> None:
    client = connect(redis_url, name="test")
    client.set("{t}:outcomes", "no list")
    with pytest.raises(StoreSpoilt, match="outcomes"):
        Bench(RedisGround(client)).drains(delivery(Destination("desk", "fake")), kind=Kind.OUTCOME)
    client.close()


# --- edits -----------------------------------------------------------------------------------------------------------


@SERVICES
def test_each_outcome_is_shown_in_the_message_of_its_signal(
    bench: Bench, ledger: SqliteSentLedger, server: Receiver, destination_of: Callable[..., Destination]
) -> None:
    naming(server)
    destination = destination_of(server)
    bench.lists(a_signal(1), a_signal(2))
    goes_through(bench, destination, ledger)
    bench.ends(an_outcome(2), an_outcome(1, result=Result.STOP, r=a_signal().close * 0 - 1))
    goes_through(bench, destination, ledger)
    (second, says_won), (first, says_lost) = shown(server)
    assert (first, second) == ("1001", "1002")
    assert "+1.4994 R, +123.7 pips, reached its goal after 7 candles" in says_won
    assert "-1 R" in says_lost
    assert a_signal(1).id[:8] in says_lost, "the rest of the message stays"
    assert bench.queue.depths().lanes[0].outcomes_shown == 2
    assert bench.counters()["delivered:desk"] == 2


def test_an_edit_at_discord_names_message_and_thread(bench: Bench, ledger: SqliteSentLedger, server: Receiver) -> None:
    naming(server)
    bench.lists(a_signal(1))
    bench.ends(an_outcome(1))
    goes_through(bench, discord(server), ledger)
    post, edit = server.posts
    assert (post.method, post.path) == ("POST", "/api/v10/webhooks/5/token?thread_id=9&wait=true")
    assert (edit.method, edit.path) == ("PATCH", "/api/v10/webhooks/5/token/messages/1001?thread_id=9")
    assert "attachments" not in edit.json, "what is not named stays"


@SERVICES
@pytest.mark.parametrize("style", list(Style))
def test_an_edit_adds_the_result_and_changes_nothing_else(
    bench: Bench,
    ledger: SqliteSentLedger,
    server: Receiver,
    destination_of: Callable[..., Destination],
    style: Style,
) -> None:
    """The time of the post, what was late by then, and an order's own words stay as they were."""
    naming(server)
    destination = destination_of(server, style=style)
    bench.lists(a_signal(1, late=True), a_signal(2))
    goes_through(bench, destination, ledger)
    bench.ends(an_outcome(1), an_outcome(2))
    goes_through(bench, destination, ledger)
    posts, edits = ([one for one in server.posts if is_edit(one) is wanted] for wanted in (False, True))
    for post, edit in zip(posts, edits, strict=True):
        before, after = ([line for line in _lines(one.json) if line] for one in (post, edit))
        added = [line for line in after if line not in before]
        assert [line for line in before if line not in after] == []
        assert len(added) == 1
        assert "+1.4994 R" in added[0]


def _lines(body: dict[str, Any]) -> list[str]:
    embeds = body.get("embeds", [])
    fields = [f"{one['name']}: {one['value']}" for embed in embeds for one in embed["fields"]]
    texts = [body.get("text", ""), body.get("content", "")]
    texts += [str(embed.get(name, "")) for embed in embeds for name in ("title", "description", "footer")]
    return [*fields, *(line for text in texts for line in text.split("\n"))]


@SERVICES
@pytest.mark.parametrize(
    ("answers", "is_shown"),
    [
        ([Answer.of(404, {"code": 10008, "message": "Unknown Message"})], False),
        ([Answer.of(400, {"ok": False, "description": "Bad Request: message to edit not found"})], False),
        ([Answer.of(403, {"message": "Missing Access"})], False),
        ([Answer.of(401, {"message": "Unauthorized"})], False),
        (
            [Answer.of(429, {"retry_after": 1e-4, "parameters": {"retry_after": 1e-4}})] * 3
            + [Answer.of(200, {"ok": True})],
            True,
        ),
        ([Answer.of(500, {}), Answer(how="reset"), Answer(how="close"), Answer.of(200, {"ok": True})], True),
    ],
    ids=["deleted", "not found", "forbidden", "unauthorized", "throttled", "broken"],
)
def test_what_a_service_answers_to_an_edit(
    bench: Bench,
    ledger: SqliteSentLedger,
    server: Receiver,
    destination_of: Callable[..., Destination],
    answers: list[Answer],
    is_shown: bool,
) -> None:
    left = list(answers)
    naming(server, lambda _: left.pop(0))
    destination = destination_of(server)
    bench.lists(a_signal(1))
    goes_through(bench, destination, ledger)
    bench.ends(an_outcome(1))
    bench.lists(a_signal(2))
    goes_through(bench, destination, ledger)
    assert not left
    depth = bench.queue.depths().lanes[0]
    assert (depth.outcomes_shown, depth.outcomes_dropped) == (int(is_shown), int(not is_shown))
    assert (depth.state, depth.waiting, depth.dead, depth.delivered) == ("idle", 0, 0, 2), "the lane goes on"
    assert ("outcome.shown" if is_shown else "outcome.dropped") in bench.names()


def test_telegram_that_finds_nothing_to_change_has_been_told_before(
    bench: Bench, ledger: SqliteSentLedger, server: Receiver
) -> None:
    same = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
    naming(server, lambda _: Answer.of(400, {"ok": False, "error_code": 400, "description": same}))
    bench.lists(a_signal(1))
    bench.ends(an_outcome(1))
    goes_through(bench, telegram(server), ledger)
    assert bench.counters()["outcomes_shown:desk"] == 1


@SERVICES
def test_the_right_part_of_a_grouped_message_is_edited(
    bench: Bench, ledger: SqliteSentLedger, server: Receiver, destination_of: Callable[..., Destination]
) -> None:
    naming(server)
    destination = destination_of(server, group=True)
    bench.lists(*(a_signal(number) for number in range(1, 4)))
    goes_through(bench, destination, ledger)
    bench.ends(an_outcome(2), an_outcome(3))
    goes_through(bench, destination, ledger)
    (post,) = [one for one in server.posts if not is_edit(one)]
    assert [identity for identity, _ in shown(server)] == ["1001", "1001"]
    last = shown(server)[-1][1]
    places = [last.index(a_signal(number).id[:8]) for number in range(1, 4)]
    assert places == sorted(places)
    assert last.count("reached its goal") == 2
    assert "reached its goal" not in post.text
    assert shown(server)[0][1].count("reached its goal") == 1


def test_an_outcome_of_a_signal_that_was_not_posted_here_is_dropped(
    bench: Bench, ledger: SqliteSentLedger, server: Receiver
) -> None:
    bench.ends(an_outcome(1))
    goes_through(bench, discord(server), ledger)
    assert not server.posts
    assert bench.counters()["outcomes_dropped:desk"] == 1
    (event,) = [one for one in bench.events if one.name == "outcome.dropped"]
    assert event.fields["reason"] == UNKNOWN


def test_an_outcome_that_grew_too_old_is_dropped_and_no_dead_letter(
    bench: Bench, ledger: SqliteSentLedger, server: Receiver
) -> None:
    naming(server, lambda _: Answer.of(503, {}))
    destination = discord(server, max_age=60.0, retry=RetryPolicy(base=100.0))
    bench.lists(a_signal(1))
    bench.ends(an_outcome(1))
    goes_through(bench, destination, ledger)
    assert bench.queue.hurry("desk")
    bench.ground.set_lane("desk", "young_since", 0)
    bench.grow_old()
    bench.works(worker_of(bench, destination, ledger))
    assert bench.counters()["outcomes_dropped:desk"] == 1
    assert not bench.queue.dead_letters()


# --- messages of their own -------------------------------------------------------------------------------------------

ORDERS = re.compile(
    r"\b(buy|sell|long|short|sl|tp\d?|stop|stop ?loss|target|take ?profit|entry|enter|open|closed?|exit|cancel|now)\b",
    re.IGNORECASE,
)
PRICE = re.compile(r"\d\.\d{4,}|@ ?\d")


def copied(text: str) -> list[str]:
    """What programs that trade by a channel's texts find in one, by the patterns that they document."""
    return ORDERS.findall(text) + PRICE.findall(re.sub(r"[+-][\d.]+ R", "", text))


@SERVICES
@pytest.mark.parametrize("result", list(Result))
def test_a_message_about_an_outcome_is_no_order_to_a_copier(
    bench: Bench,
    ledger: SqliteSentLedger,
    server: Receiver,
    destination_of: Callable[..., Destination],
    result: Result,
) -> None:
    naming(server)
    bench.lists(a_signal(1))
    bench.ends(an_outcome(1, result=result))
    goes_through(bench, destination_of(server, OutcomePolicy.POST), ledger)
    signal, outcome = server.posts
    assert copied(signal.text), "the patterns do find an order"
    texts = _texts(outcome.json)
    assert any("EUR/USD" in text for text in texts)
    assert not [word for text in texts for word in copied(text)]
    assert "reply_to_message_id" not in outcome.json
    assert "reply_parameters" not in outcome.json
    assert bench.counters()["outcomes_shown:desk"] == 1


def _texts(body: dict[str, Any]) -> list[str]:
    if "text" in body:
        return [body["text"]]
    return [text for embed in body["embeds"] for text in (embed["title"], embed["description"])]


def test_a_webhook_gets_the_outcome_as_it_stood_in_the_list(
    bench: Bench, ledger: SqliteSentLedger, server: Receiver
) -> None:
    options: dict[str, OptionValue] = {"url": Secret(f"{server.url}/hook"), "insecure": True}
    destination = Destination("desk", "webhook", options, policy(OutcomePolicy.POST))
    bench.ends(an_outcome(1))
    goes_through(bench, destination, ledger)
    (post,) = server.posts
    assert post.headers["ninja-kind"] == "outcome"
    assert post.headers["webhook-id"] == f"outcome:{a_signal(1).id}"
    assert json.loads(post.body)["pips"] == 123.7


def test_an_outcome_that_a_destination_refuses_is_dropped_and_the_lane_goes_on(
    bench: Bench, ledger: SqliteSentLedger, server: Receiver
) -> None:
    options: dict[str, OptionValue] = {"url": Secret(f"{server.url}/hook"), "insecure": True}
    destination = Destination("desk", "webhook", options, policy(OutcomePolicy.POST))
    server.script = lambda post: Answer.of(400 if post.headers["ninja-kind"] == "outcome" else 200, {})
    bench.ends(an_outcome(1))
    goes_through(bench, destination, ledger)
    bench.lists(a_signal(2))
    goes_through(bench, destination, ledger)
    assert bench.counters()["outcomes_dropped:desk"] == 1
    assert bench.counters()["delivered:desk"] == 1
    assert not bench.queue.dead_letters()
