"""Pictures of posted messages: by an edit a moment later, of the signal's own candles, and never in a signal's way."""

from __future__ import annotations

import itertools
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from structlog.testing import capture_logs

from ninja_daemon.adapters.host.clock import SystemClock
from ninja_daemon.adapters.journal.queue.picture_packs import LocalPicturePacks
from ninja_daemon.adapters.journal.queue.queue_file import LocalQueueFile
from ninja_daemon.adapters.journal.sent_ledger import SqliteSentLedger
from ninja_daemon.adapters.redis.client import connect
from ninja_daemon.adapters.redis.queue.picture_packs import RedisPicturePacks
from ninja_daemon.adapters.redis.queue.queue_keys import QueueKeys
from ninja_daemon.adapters.stored.outcome import encode_outcome
from ninja_daemon.adapters.stored.picture_pack import decode_pack, encode_pack
from ninja_daemon.app.notifier.reporter import Reporter
from ninja_daemon.app.pictures import drawing, illustrating
from ninja_daemon.app.pictures.drawing import SOON, Drawer
from ninja_daemon.app.pictures.drawn_pictures import InlineChannel, illustrated
from ninja_daemon.app.pictures.illustrating import Illustrator
from ninja_daemon.app.pictures.packing import PicturePacks
from ninja_daemon.core.errors import StateUnreadable
from ninja_daemon.core.market.candle import Candle
from ninja_daemon.core.messages.destination import Delivery, Destination, OptionValue
from ninja_daemon.core.messages.message import Attachment, Entry, Kind
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.pictures.signal_view import AverageLine, SignalView
from ninja_daemon.core.secret import Secret
from ninja_daemon.core.signals.signal import Signal
from ninja_daemon.usecases.delivery.delivery_event import DeliveryEvent
from tests.fakes.channel import FakeChannel
from tests.fakes.messages import a_bundle, a_notice_entry, a_signal, an_entry, an_outcome
from tests.fakes.receiver import Answer, Post, Receiver, receiver

PNG = b"\x89PNG\r\n\x1a\n"
TOKEN = "123456:" + "x" * 30


def a_view(number: int = 1, shift: int = 0) -> SignalView:
    """The candles of ``a_signal``, or of one that many candles later."""
    signal = a_signal(number)
    times = [signal.time + (place - 59 + shift) * 14_400 for place in range(60)]
    candles = [Candle(time, 109_300, 109_400 + place, 109_200, 109_259) for place, time in enumerate(times)]
    values = [(3 * 109_259 + place, 3) for place in range(60)]
    return SignalView(signal, 5, candles, AverageLine("SMA 3", values), AverageLine("SMA 5", [None, *values[1:]]))


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def packs(tmp_path: Path) -> Iterator[PicturePacks]:
    file = LocalQueueFile(tmp_path / "journal.sqlite3", SystemClock())
    yield LocalPicturePacks(file)
    file.close()


@pytest.fixture
def packs_in_redis(redis_url: str) -> Iterator[PicturePacks]:
    client = connect(redis_url, name="test")
    yield RedisPicturePacks(client, QueueKeys("t"))
    client.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteSentLedger]:
    made = SqliteSentLedger(tmp_path / "sent.sqlite3")
    yield made
    made.close()


def destinations(server: Receiver) -> Delivery:
    policy = SendPolicy(picture=True, time_zone="Europe/Berlin")
    discord: dict[str, OptionValue] = {"url": Secret(f"{server.url}/api/webhooks/5/token"), "insecure": True}
    telegram: dict[str, OptionValue] = {
        "token": Secret(TOKEN),
        "chat_id": "-5",
        "api_url": server.url,
        "insecure": True,
    }
    ntfy: dict[str, OptionValue] = {"topic": Secret("club-4f7a"), "url": server.url, "insecure": True}
    made = {"club": ("discord", discord), "chat": ("telegram", telegram), "phone": ("ntfy", ntfy)}
    return Delivery(tuple(Destination(name, kind, options, policy) for name, (kind, options) in made.items()), (), ())


class Desk:
    """An illustrator at work, and what it told."""

    def __init__(self, server: Receiver, packs: PicturePacks, ledger: SqliteSentLedger) -> None:
        stop, clock = threading.Event(), SystemClock()
        self.drawer = Drawer([packs], clock, stop)
        self.illustrator = Illustrator(illustrated(destinations(server)), self.drawer, ledger, clock, stop)
        self.events: list[DeliveryEvent] = []
        self.illustrator.begin(self.events.extend, lambda _: False)
        self.ledger = ledger
        self.numbers = itertools.count(1001)

    def posts(self, destination: str, *numbers: int, message_id: str = "") -> str:
        message_id = message_id or str(next(self.numbers))
        bundle = a_bundle(*(an_entry(number) for number in numbers), destination=destination)
        self.ledger.keep_posted(bundle, message_id, 1.0)
        self.illustrator.posted(bundle, message_id)
        return message_id

    def told(self) -> list[str]:
        self.illustrator.finish(45.0)
        return [event.name for event in self.events]


@pytest.fixture
def desk(server: Receiver, packs: PicturePacks, ledger: SqliteSentLedger) -> Iterator[Desk]:
    made = Desk(server, packs, ledger)
    yield made
    made.illustrator.close()


def test_a_pack_says_what_the_picture_shows() -> None:
    view = a_view()
    text = encode_pack(view)
    back = decode_pack(text, view.signal)
    assert back.candles == view.candles
    assert back.fast.name == "SMA 3"
    assert back.slow.values[0] is None
    assert back.fast.values[4] == (round(10 * (109_259 + 4 / 3)), 10)
    assert len(text) < 2_500


@pytest.mark.parametrize(
    "junk", ["", "[]", "{}", '{"v":2}', '{"v":1,"decimals":5,"candles":[[1]],"lines":[["a"],["b"]]}']
)
def test_a_pack_that_was_changed_is_refused(junk: str) -> None:
    with pytest.raises(StateUnreadable):
        decode_pack(junk, a_signal())


def test_both_services_get_the_picture_by_an_edit(desk: Desk, server: Receiver, packs: PicturePacks) -> None:
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    first, second = desk.posts("club", 1), desk.posts("chat", 1)
    assert desk.told() == ["picture.shown", "picture.shown"]
    discord, telegram = server.posts
    assert (discord.method, discord.path) == ("PATCH", f"/api/v10/webhooks/5/token/messages/{first}")
    assert b'"filename": "EUR_USD_H4_' in discord.body
    assert b"embeds" not in discord.body, "what is not named stays"
    assert telegram.path.endswith("/editMessageMedia")
    assert f"\r\n\r\n{second}\r\n".encode() in telegram.body
    assert b"attach://picture" in telegram.body
    assert a_signal(1).id[:8].encode() in telegram.body, "the text is the caption"
    assert all(post.body.count(PNG) == 1 for post in server.posts)


def test_candles_that_come_late_are_waited_for(desk: Desk, packs: PicturePacks, server: Receiver) -> None:
    desk.posts("club", 1)
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    assert desk.told() == ["picture.shown"]
    assert len(server.posts) == 1


def test_a_picture_whose_last_candle_is_not_the_signals_is_not_sent(
    desk: Desk, packs: PicturePacks, server: Receiver
) -> None:
    packs.leave(a_signal(1).id, encode_pack(a_view(shift=1)), 60)
    desk.posts("club", 1)
    assert desk.told() == ["picture.left_out"]
    assert "the last candle of the picture must be the signal's" in str(desk.events[0].fields["reason"])
    assert not server.posts


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ([Answer.of(404, {"code": 10008})], "picture.left_out"),
        ([Answer.of(413, {})], "picture.left_out"),
        ([Answer.of(429, {"retry_after": 0.01}), Answer.of(200, {"id": "1"})], "picture.shown"),
    ],
)
def test_what_is_refused_is_left_out_and_what_may_work_is_tried_again(
    desk: Desk, packs: PicturePacks, server: Receiver, answers: list[Answer], name: str
) -> None:
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    server.answers(*answers)
    desk.posts("club", 1)
    assert desk.told() == [name]
    assert len(server.posts) == len(answers)


def test_a_drawing_that_fails_leaves_the_message_alone(
    desk: Desk, packs: PicturePacks, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "png_of", lambda svg, _: (_ for _ in ()).throw(OSError(svg[:4])))
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    desk.posts("club", 1)
    assert desk.told() == ["picture.left_out"]
    assert not server.posts


def test_a_picture_waits_while_its_lane_is_busy(desk: Desk, server: Receiver) -> None:
    desk.illustrator.begin(desk.events.extend, lambda _: True)
    desk.posts("club", 1)
    desk.illustrator.finish(0.3)
    assert not server.posts
    assert not desk.events
    desk.illustrator.close()
    assert [event.name for event in desk.events] == ["picture.left_out"]
    assert "the notifier ends" in str(desk.events[0].fields["reason"])


def test_a_drawn_picture_waits_for_signals_that_came_meanwhile(
    desk: Desk, packs: PicturePacks, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn, comes = [], threading.Event()

    def pen(svg: str, _patience: float) -> bytes:
        drawn.append(svg)
        comes.set()
        return PNG

    monkeypatch.setattr(drawing, "png_of", pen)
    desk.illustrator.begin(desk.events.extend, lambda _: comes.is_set())
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    desk.posts("club", 1)
    assert comes.wait(20)
    desk.illustrator.finish(0.2)
    assert not server.posts
    comes.clear()
    monkeypatch.setattr(drawing, "png_of", lambda svg, _: (_ for _ in ()).throw(OSError(svg[:4])))
    assert desk.told() == ["picture.shown"]
    assert len(drawn) == len(server.posts) == 1


def test_of_too_many_the_oldest_goes_without_and_that_is_counted(
    desk: Desk, packs: PicturePacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(illustrating, "_MOST_WAITING", 3)
    busy, drawn = threading.Event(), threading.Event()

    def pen(_svg: str, _patience: float) -> bytes:
        if not drawn.is_set():
            for number in range(2, 5):  # As many come as may wait, while the first one's is drawn.
                desk.posts("club", number)
            busy.set()
            drawn.set()
        return PNG

    monkeypatch.setattr(drawing, "png_of", pen)
    desk.illustrator.begin(desk.events.extend, lambda _: busy.is_set())
    for number in range(1, 6):
        packs.leave(a_signal(number).id, encode_pack(a_view(number)), 60)
    desk.posts("club", 1)
    assert drawn.wait(20)
    desk.illustrator.finish(0.2)
    desk.posts("club", 5)
    busy.clear()
    assert sorted(desk.told()) == ["picture.left_out", *["picture.shown"] * 4]
    (left,) = (event for event in desk.events if event.name == "picture.left_out")
    assert left.fields["reason"] == "3 messages wait for theirs"


@pytest.mark.usefixtures("quick_pen")
def test_an_error_that_nobody_expected_costs_one_message_its_picture_not_all(
    desk: Desk, packs: PicturePacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Drawer, "picture", lambda *_: dict[str, Attachment]()["no such"])
    desk.posts("club", 1)
    assert desk.told() == ["picture.left_out"]
    assert desk.events[0].fields["reason"] == "KeyError('no such')"
    monkeypatch.undo()
    monkeypatch.setattr(drawing, "png_of", lambda _svg, _patience: PNG)
    packs.leave(a_signal(2).id, encode_pack(a_view(2)), 60)
    desk.posts("club", 2)
    assert desk.told() == ["picture.left_out", "picture.shown"]


@pytest.mark.usefixtures("quick_pen")
def test_messages_without_candles_hold_the_others_up_once_not_one_after_the_other(
    desk: Desk, server: Receiver, packs: PicturePacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(illustrating, "_PATIENCE", 1.0)
    waits: list[float] = []
    look = Drawer.picture

    def noted(self: Drawer, signals: Sequence[Signal], zone: str, patience: float, drawing: float) -> Attachment:
        waits.append(patience)
        return look(self, signals, zone, patience, drawing)

    monkeypatch.setattr(Drawer, "picture", noted)
    packs.leave(a_signal(4).id, encode_pack(a_view(4)), 60)
    for number in range(1, 5):
        desk.posts("club", number)
    assert desk.told() == ["picture.left_out"] * 3 + ["picture.shown"]
    assert waits[2:] == [0.0, 0.0]
    assert len(server.posts) == 1


def size_of(png: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", png[png.index(PNG) + 16 : png.index(PNG) + 24])
    return width, height


@pytest.mark.parametrize(("count", "shown"), [(2, 2), (8, 6)])
def test_a_message_of_several_signals_gets_their_pictures_as_one(
    desk: Desk, server: Receiver, packs: PicturePacks, count: int, shown: int
) -> None:
    for number in range(1, count + 1):
        packs.leave(a_signal(number).id, encode_pack(a_view(number)), 60)
    desk.posts("club", *range(1, count + 1))
    assert desk.told() == ["picture.shown"]
    (post,) = server.posts
    assert size_of(post.body) == (960, 650 * shown + 15 * (shown - 1))
    assert f"_and_{count - 1}_more.png".encode() in post.body


@pytest.fixture
def quick_pen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is drawn where only the way of a picture counts."""
    monkeypatch.setattr(drawing, "png_of", lambda _svg, _patience: PNG)


@pytest.mark.usefixtures("quick_pen")
def test_a_text_too_long_for_a_caption_gets_its_picture_as_a_wordless_answer(
    desk: Desk, server: Receiver, packs: PicturePacks
) -> None:
    for number in range(1, 8):
        packs.leave(a_signal(number).id, encode_pack(a_view(number)), 60)
    message = desk.posts("chat", *range(1, 8))
    assert desk.told() == ["picture.shown"]
    (post,) = server.posts
    assert post.path.endswith("/sendPhoto")
    assert f'"message_id": {message}'.encode() in post.body
    assert b'name="disable_notification"\r\n\r\ntrue' in post.body
    assert b"caption" not in post.body
    assert (
        a_signal(1).id[:8].encode() not in post.body.replace(b'filename="', b"").partition(PNG)[0].partition(b".png")[2]
    )


@pytest.mark.usefixtures("quick_pen")
def test_an_answer_that_may_have_arrived_is_not_sent_again(desk: Desk, server: Receiver, packs: PicturePacks) -> None:
    for number in range(1, 8):
        packs.leave(a_signal(number).id, encode_pack(a_view(number)), 60)
    server.answers(Answer(how="close"))
    desk.posts("chat", *range(1, 8))
    assert desk.told() == ["picture.left_out"]
    assert len(server.posts) == 1


@pytest.mark.usefixtures("quick_pen")
def test_ntfy_gets_the_message_again_in_its_place_with_the_picture_and_no_sound(
    desk: Desk, server: Receiver, packs: PicturePacks
) -> None:
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    desk.posts("phone", 1, message_id=a_signal(1).id)
    assert desk.told() == ["picture.shown"]
    (post,) = server.posts
    address = urlsplit(post.path)
    told = dict(parse_qsl(address.query))
    assert (post.method, address.path) == ("PUT", "/club-4f7a")
    assert post.headers["x-sequence-id"] == a_signal(1).id
    assert post.body.startswith(PNG)
    assert told["priority"] == "2"
    assert told["filename"].endswith(".png")
    assert "Entry        1.09259\n" in told["message"]


@pytest.mark.usefixtures("quick_pen")
def test_an_older_ntfy_that_changes_no_messages_is_not_sent_a_second_one(
    desk: Desk, server: Receiver, packs: PicturePacks
) -> None:
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    desk.posts("phone", 1, message_id="xE73Iyuabi")
    assert desk.told() == ["picture.left_out"]
    assert not server.posts


def test_an_outcome_that_comes_while_the_picture_is_sent_is_shown_again(
    desk: Desk, packs: PicturePacks, server: Receiver, ledger: SqliteSentLedger
) -> None:
    outcome = an_outcome(1)
    text = encode_outcome(outcome)

    def ends_meanwhile(post: Post) -> Answer:
        if post.path.endswith("editMessageMedia"):
            ledger.posted("chat", Entry(Kind.OUTCOME, f"outcome:{outcome.id}", 2, 1.0, text, outcome=outcome))
            return Answer.of(200, {"ok": True, "result": {"message_id": 1}})
        if post.path.endswith("editMessageText"):
            said = "Bad Request: there is no text in the message to edit"
            return Answer.of(400, {"ok": False, "description": said})
        return Answer.of(200, {"ok": True, "result": {"message_id": 1}})

    server.script = ends_meanwhile
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    desk.posts("chat", 1)
    assert desk.told() == ["picture.shown"]
    assert [post.path.rpartition("/")[2] for post in server.posts] == [
        *("editMessageMedia", "editMessageText", "editMessageCaption")
    ]
    assert "reached its goal" in server.posts[-1].json["caption"]
    assert "text" not in server.posts[-1].json


def test_both_places_keep_packs_for_a_while(packs: PicturePacks, packs_in_redis: PicturePacks) -> None:
    for place in (packs, packs_in_redis):
        place.leave("a", "gone", 0 if place is packs else 1)
        place.leave("b", "other", 60)
        place.leave("b", "newer", 60)
        assert (place.read("b"), place.read("c")) == ("newer", "")
    assert not packs.read("a")


def test_an_email_waits_a_second_at_most_for_its_picture_and_never_twice_in_vain(
    desk: Desk, packs: PicturePacks
) -> None:
    inner = FakeChannel()
    channel = InlineChannel(inner, desk.drawer.soon, "Europe/Berlin")
    for limit in (SOON + 0.5, 0.5):
        begun = time.monotonic()
        channel.send(a_bundle(an_entry(1)))
        assert time.monotonic() - begun < limit
    packs.leave(a_signal(1).id, encode_pack(a_view()), 60)
    assert not any(bundle.attachments for bundle in inner.bundles)


@pytest.mark.usefixtures("quick_pen")
@pytest.mark.parametrize("numbers", [(1,), (1, 2)])
def test_an_email_holds_the_picture_in_its_first_message(
    desk: Desk, packs: PicturePacks, numbers: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "SOON", 20.0)  # a busy machine takes its time
    inner = FakeChannel()
    for number in numbers:
        packs.leave(a_signal(number).id, encode_pack(a_view(number)), 60)
    InlineChannel(inner, desk.drawer.soon, "Europe/Berlin").send(a_bundle(*map(an_entry, numbers)))
    (picture,) = inner.bundles[0].attachments
    assert picture.content.startswith(PNG)


def test_a_notice_holds_no_picture_and_waits_for_none(desk: Desk) -> None:
    inner = FakeChannel()
    InlineChannel(inner, desk.drawer.soon, "").send(a_bundle(a_notice_entry()))
    assert not inner.bundles[0].attachments


def test_pictures_that_fail_are_counted_each_and_said_once() -> None:
    reporter = Reporter(SystemClock())
    fields = {"destination": "club", "id": "x", "reason": "PNG needs the package resvg_py"}
    with capture_logs() as told:
        reporter.tell([DeliveryEvent("picture.left_out", "warning", "a message stays without", fields)] * 3)
        reporter.tell([DeliveryEvent("picture.shown", "debug", "club shows a picture", fields)])
    assert reporter.by_destination["picture.left_out", "club"] == 3
    said = " | ".join(str(one["event"]) for one in told)
    assert said.count("stays without") == 1
    assert "get pictures again" in said
