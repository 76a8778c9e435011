"""What every channel promises, whichever service is behind it: one test, run against each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape

import pytest

from ninja_daemon.adapters.channels.apprise_channel import AppriseChannel
from ninja_daemon.adapters.channels.discord import DiscordChannel
from ninja_daemon.adapters.channels.registry import KINDS, open_channel
from ninja_daemon.adapters.channels.telegram import TelegramChannel
from ninja_daemon.adapters.channels.webhook import WebhookChannel
from ninja_daemon.adapters.network import posting as http
from ninja_daemon.adapters.network.signing import signature, signing_key
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, OptionValue, PostResult, Sent
from ninja_daemon.core.messages.message import Bundle, Kind
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import Channel
from tests.adapters.channels.options import ROWS, TOKEN
from tests.fakes.messages import CLOSE_TIME, a_bundle, a_notice_entry, a_signal, an_entry
from tests.fakes.receiver import OK, Answer, Receiver, receiver


@dataclass
class Scene:
    """A channel and the server that it posts to."""

    kind: str
    channel: Channel
    server: Receiver

    def sends(self, bundle: Bundle | None = None) -> PostResult:
        return self.channel.send(bundle or a_bundle())

    def fails(self, bundle: Bundle | None = None) -> Failure:
        outcome = self.sends(bundle)
        assert isinstance(outcome, Failure), outcome
        assert TOKEN not in outcome.text
        assert len(outcome.text) <= 300
        return outcome


POSTING = [kind for kind in KINDS if kind not in {"console", "email", "apprise"}]
"""Channels that post over HTTP."""


@pytest.fixture(params=POSTING)
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(http.Poster.__init__, "__kwdefaults__", {"insecure": False, "deadline": 0.6, "context": None})
    with receiver() as server:
        destination = Destination("desk", request.param, ROWS[request.param](server.url))
        assert not KINDS[request.param].complaints(destination)
        channel = open_channel(destination)
        yield Scene(request.param, channel, server)
        channel.close()


def test_a_signal_that_is_accepted_is_sent(scene: Scene) -> None:
    outcome = scene.sends()
    assert isinstance(outcome, Sent)
    assert outcome.message_id == {"discord": "1001", "telegram": "7", "ntfy": "1001"}.get(scene.kind, "")
    assert len(scene.server.posts) == 1


def test_a_message_names_what_a_reader_acts_on(scene: Scene) -> None:
    scene.sends()
    text = scene.server.posts[0].body.decode().replace("\\u00b7", "·")
    for fact in ("1.09259", "1.10084", "1.08022", "82.5", "123.7", "1.5", "H4", a_signal(1).id[:8]):
        assert fact in text


def test_connections_are_kept_between_posts(scene: Scene) -> None:
    for number in range(1, 6):
        assert isinstance(scene.sends(a_bundle(an_entry(number))), Sent)
    assert {post.connection for post in scene.server.posts} == {1}


def test_a_server_that_closed_a_kept_connection_is_connected_to_again(scene: Scene) -> None:
    scene.server.answers(Answer(OK.status, OK.body, {**OK.headers, "Connection": "close"}), OK)
    assert isinstance(scene.sends(), Sent)
    assert isinstance(scene.sends(), Sent)
    assert [post.connection for post in scene.server.posts] == [1, 2]


def test_no_content_is_an_acceptance_where_the_service_answers_so(scene: Scene) -> None:
    scene.server.answers(Answer(204))
    outcome = scene.sends()
    if scene.kind == "telegram":
        assert isinstance(outcome, Failure)
        assert outcome.fault is Fault.AMBIGUOUS
    else:
        assert outcome == Sent("")


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (400, Fault.REFUSED),
        (413, Fault.REFUSED),
        (422, Fault.REFUSED),
        (401, Fault.BROKEN),
        (403, Fault.BROKEN),
        (404, Fault.BROKEN),
        (410, Fault.BROKEN),
        (408, Fault.AMBIGUOUS),
        (500, Fault.AMBIGUOUS),
        (502, Fault.AMBIGUOUS),
        (503, Fault.AMBIGUOUS),
    ],
)
def test_a_failure_is_named_by_what_is_done_about_it(scene: Scene, status: int, fault: Fault) -> None:
    scene.server.answers(Answer(status, b"<html>no</html>"))
    failure = scene.fails()
    assert failure.fault is fault
    assert failure.status == status
    assert str(status) in failure.text


def test_too_many_is_a_wait_as_long_as_the_header_says(scene: Scene) -> None:
    scene.server.answers(Answer.of(429, {"message": "slow down"}, Retry_After="2.5"))
    failure = scene.fails()
    assert (failure.fault, failure.wait, failure.everywhere) == (Fault.THROTTLED, 2.5, False)


def test_too_many_is_a_wait_as_long_as_the_body_says(scene: Scene) -> None:
    body = {"retry_after": 0.75, "parameters": {"retry_after": 0.75}, "description": "too many"}
    scene.server.answers(Answer.of(429, body, Retry_After="0.75"))
    assert scene.fails().wait == 0.75


def test_too_many_without_a_word_about_the_wait_says_so(scene: Scene) -> None:
    scene.server.answers(Answer.of(429, {"message": "slow down"}))
    failure = scene.fails()
    assert failure.fault is Fault.THROTTLED
    assert failure.wait is None


def test_a_global_limit_holds_for_all_of_discord() -> None:
    with receiver() as server:
        channel = DiscordChannel(Destination("desk", "discord", ROWS["discord"](server.url)))
        for answer in (
            Answer.of(429, {"retry_after": 3, "global": True, "message": "x"}),
            Answer.of(429, {"retry_after": 3, "message": "x"}, X_RateLimit_Scope="global"),
            Answer(429, b"<html>error 1015</html>", {"Retry-After": "3"}),
        ):
            server.answers(answer)
            failure = channel.send(a_bundle())
            assert isinstance(failure, Failure)
            assert failure.everywhere
            assert failure.wait == 3.0
        channel.close()


@pytest.mark.parametrize("how", ["hang", "reset", "close", "trickle", "garbage"])
def test_what_breaks_after_sending_is_ambiguous_and_over_at_the_deadline(scene: Scene, how: str) -> None:
    scene.server.answers(Answer(body=b"{}", how=how))
    assert scene.fails().fault is Fault.AMBIGUOUS
    scene.server.let_go.set()
    scene.server.answers(OK)
    assert isinstance(scene.sends(), Sent)


def test_an_answer_that_breaks_off_counts_by_what_came_of_it(scene: Scene) -> None:
    scene.server.answers(Answer(body=b"{", how="torn"))
    outcome = scene.sends()
    if scene.kind == "telegram":
        assert isinstance(outcome, Failure)
        assert outcome.fault is Fault.AMBIGUOUS
    else:
        assert outcome == Sent("")
    scene.server.answers(OK)
    assert isinstance(scene.sends(), Sent)
    assert [post.connection for post in scene.server.posts] == [1, 2]


def test_what_is_not_connected_was_certainly_not_delivered(scene: Scene) -> None:
    scene.server.stop()
    assert scene.fails().fault is Fault.UNREACHED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(scene: Scene, status: int) -> None:
    with receiver() as elsewhere:
        scene.server.answers(Answer(status, b"", {"Location": f"{elsewhere.url}/stolen"}))
        assert scene.fails().fault is Fault.BROKEN
        assert not elsewhere.posts


def test_proxies_of_the_environment_are_ignored(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert isinstance(scene.sends(), Sent)
        assert not proxy.posts


def test_a_huge_answer_is_not_read_to_its_end(scene: Scene) -> None:
    scene.server.answers(Answer(500, b"x" * 30_000_000))
    failure = scene.fails()
    assert failure.fault is Fault.AMBIGUOUS
    scene.server.answers(OK)
    assert isinstance(scene.sends(), Sent)


def test_hostile_text_stays_text(scene: Scene) -> None:
    hostile = "@everyone <@&1> [x](https://evil.example) `*_~|> \x1b[31m\x00 \u202egnp.exe " + "A" * 3_900
    assert isinstance(scene.sends(a_bundle(a_notice_entry(text=hostile))), Sent)
    post = scene.server.posts[0]
    if scene.kind == "webhook":
        assert post.json["text"] == hostile
        return
    assert not set(post.text) & {"\x1b", "\x00", "\u202e"}
    if scene.kind == "discord":
        shown = post.json["embeds"][0]["description"]
        assert len(shown) <= 4_096
        assert post.json["allowed_mentions"] == {"parse": []}
        assert shown.startswith("\\@everyone \\<\\@&1\\> \\[x\\](https")
    elif scene.kind == "telegram":
        assert len(unescape(post.json["text"])) <= 4_096
        assert "&lt;@&amp;1&gt; [x](https" in post.json["text"]


def test_many_signals_in_one_message_stay_within_the_services_limits(scene: Scene) -> None:
    entries = [an_entry(number, strategy="S" * 64, instrument="ABCDEFGHIJ_KLMNOPQRST") for number in range(1, 11)]
    assert isinstance(scene.sends(a_bundle(*entries, grouped=True)), Sent)
    post = scene.server.posts[0]
    assert all(entry.id[:8] in post.text for entry in entries)
    if scene.kind == "discord":
        embeds = post.json["embeds"]
        assert len(embeds) == 10
        texts = [embed["title"] + embed["footer"]["text"] for embed in embeds]
        texts += [embed["description"] for embed in embeds]
        texts += [field["name"] + field["value"] for embed in embeds for field in embed["fields"]]
        assert sum(map(len, texts)) <= 6_000
    elif scene.kind == "telegram":
        assert len(post.json["text"]) <= 4_096
    elif scene.kind == "webhook":
        assert [element["id"] for element in post.json] == [entry.id for entry in entries]


def test_a_digest_names_every_signal_in_it(scene: Scene) -> None:
    entries = [an_entry(number, late=True) for number in range(1, 31)]
    assert isinstance(scene.sends(a_bundle(*entries, digest=True)), Sent)
    body = scene.server.posts[0].body.decode()
    assert all(entry.id[:8] in body for entry in entries)


def test_a_possible_repeat_says_so(scene: Scene) -> None:
    scene.sends(a_bundle(repeat=False))
    scene.sends(a_bundle(repeat=True))
    first, second = scene.server.posts
    if scene.kind == "webhook":
        assert "ninja-possible-repeat" not in first.headers
        assert second.headers["ninja-possible-repeat"] == "true"
    else:
        assert b"repeat" not in first.body
        assert b"This may be a repeat" in second.body


def test_two_channels_of_one_kind_have_providers_that_say_what_they_share(scene: Scene) -> None:
    other = open_channel(Destination("other", scene.kind, ROWS[scene.kind](scene.server.url)))
    assert (other.provider == scene.channel.provider) == (scene.kind != "webhook")
    other.close()


# --- what is particular to one of them -------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def test_discord_waits_before_its_limit_bites(server: Receiver) -> None:
    server.answers(Answer.of(200, {"id": "5"}, X_RateLimit_Remaining="0", X_RateLimit_Reset_After="1.25"))
    channel = DiscordChannel(Destination("desk", "discord", ROWS["discord"](server.url)))
    assert channel.send(a_bundle()) == Sent("5", 1.25)
    server.answers(Answer.of(200, {"id": "6"}, X_RateLimit_Remaining="4", X_RateLimit_Reset_After="1.25"))
    assert channel.send(a_bundle()) == Sent("6", 0.0)
    channel.close()


def test_discord_keeps_a_thread_and_asks_to_wait_for_the_message(server: Receiver) -> None:
    url = Secret(f"{server.url}/api/webhooks/42/{TOKEN}?thread_id=9&wait=false")
    channel = DiscordChannel(Destination("desk", "discord", {"url": url, "insecure": True}))
    channel.send(a_bundle())
    assert server.posts[0].path == f"/api/v10/webhooks/42/{TOKEN}?thread_id=9&wait=true"
    channel.close()


def test_discord_mentions_roles_and_nobody_else_and_posts_to_its_thread(server: Receiver) -> None:
    options = ROWS["discord"](server.url) | {"thread_id": "9", "mention": ("role:12", "role:34")}
    for policy in (SendPolicy(), SendPolicy(template="@everyone {pair}")):
        channel = DiscordChannel(Destination("desk", "discord", options, policy))
        channel.send(a_bundle())
        channel.send(a_bundle(a_notice_entry()))
        channel.send(a_bundle(replace(a_notice_entry(), kind=Kind.HEARTBEAT)))
        channel.close()
    for post in server.posts:
        assert post.path.endswith("?thread_id=9&wait=true")
        assert post.json["allowed_mentions"]["parse"] == []
    first, alert, report, *_ = server.posts
    assert first.json["allowed_mentions"]["roles"] == alert.json["allowed_mentions"]["roles"] == ["12", "34"]
    assert first.json["content"] == "<@&12> <@&34>"
    assert "content" not in report.json
    assert server.posts[3].json["content"] == "<@&12> <@&34>\n@everyone EUR/USD"


def test_telegram_posts_to_a_topic(server: Receiver) -> None:
    options = ROWS["telegram"](server.url) | {"message_thread_id": "7"}
    channel = TelegramChannel(Destination("desk", "telegram", options))
    channel.send(a_bundle())
    assert server.posts[0].json["message_thread_id"] == 7
    channel.close()


def test_discord_says_everything_that_issue_and_contract_ask_for(server: Receiver) -> None:
    channel = DiscordChannel(Destination("desk", "discord", ROWS["discord"](server.url)))
    channel.send(a_bundle())
    embed = server.posts[0].json["embeds"][0]
    fields = {field["name"]: field["value"] for field in embed["fields"]}
    assert embed["title"] == "▼ SELL EUR/USD H4"
    assert embed["color"] == 0xE74C3C
    assert fields["Entry"] == "1.09259"
    assert fields["Stop"] == "1.10084 (82.5 pips)"
    assert fields["Target"] == "1.08022 (123.7 pips)"
    assert fields["Risk/reward"] == "1 : 1.5"
    assert fields["ATR"] == "41.2 pips"
    assert fields["Candle close"] == "<t:1646416800:f> (<t:1646416800:R>), 3 s after the close"
    assert embed["footer"]["text"] == f"EUR_USD_H4 · {a_signal(1).id[:8]}"
    channel.close()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"ok": False, "description": "Bad Request: chat not found"}, "chat not found"),
        (403, {"ok": False, "description": "Forbidden: bot was blocked by the user"}, "blocked"),
        (
            400,
            {"ok": False, "description": "group chat was upgraded", "parameters": {"migrate_to_chat_id": -100999}},
            "set chat_id to -100999",
        ),
    ],
)
def test_telegram_suspends_when_the_chat_is_gone(
    server: Receiver, status: int, body: dict[str, object], words: str
) -> None:
    server.answers(Answer.of(status, body))
    channel = TelegramChannel(Destination("desk", "telegram", ROWS["telegram"](server.url)))
    failure = channel.send(a_bundle())
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.BROKEN
    assert words in failure.text
    channel.close()


def test_a_telegram_answer_that_is_not_ok_is_no_acceptance(server: Receiver) -> None:
    server.answers(Answer.of(200, {"ok": False}))
    channel = TelegramChannel(Destination("desk", "telegram", ROWS["telegram"](server.url)))
    failure = channel.send(a_bundle())
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.AMBIGUOUS
    channel.close()


def test_a_webhook_gets_the_signal_to_the_byte(server: Receiver) -> None:
    channel = WebhookChannel(Destination("desk", "webhook", {"url": Secret(f"{server.url}/x?y=1"), "insecure": True}))
    entry = an_entry()
    channel.send(a_bundle(entry))
    post = server.posts[0]
    assert post.path == "/x?y=1"
    assert post.body == entry.text.encode()
    assert post.headers["content-type"] == "application/json"
    assert post.headers["webhook-id"] == entry.id
    assert "webhook-signature" not in post.headers
    channel.close()


def test_a_grouping_webhook_gets_an_array_even_of_one(server: Receiver) -> None:
    channel = WebhookChannel(Destination("desk", "webhook", {"url": Secret(server.url), "insecure": True}))
    first, second = an_entry(1), an_entry(2)
    channel.send(a_bundle(first, grouped=True))
    channel.send(a_bundle(first, second, grouped=True))
    assert server.posts[0].body == f"[{first.text}]".encode()
    assert server.posts[1].body == f"[{first.text},{second.text}]".encode()
    assert server.posts[1].headers["webhook-id"] == first.id
    channel.close()


def test_a_webhook_signs_by_the_standard_webhooks_scheme(server: Receiver) -> None:
    # The scheme's own published example: key, id, time, body and signature.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    target: dict[str, OptionValue] = {"url": Secret(server.url), "insecure": True, "secret": Secret(secret)}
    channel = WebhookChannel(Destination("desk", "webhook", target), now=lambda: 1_614_265_330.9)
    entry = an_entry()
    channel.send(a_bundle(entry))
    headers = server.posts[0].headers
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == signature(signing_key(secret), entry.id, 1_614_265_330, entry.text.encode())
    known = signature(signing_key(secret), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert known == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    channel.close()


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's own affair
def test_an_apprise_service_gets_title_and_text(server: Receiver) -> None:
    url = f"json://127.0.0.1:{server.port}/hook"
    channel = AppriseChannel(Destination("desk", "apprise", {"url": Secret(url)}))
    assert channel.send(a_bundle()) == Sent("")
    sent = server.posts[0].json
    assert sent["title"] == "▼ SELL EUR/USD H4"
    assert "1.09259" in sent["message"]
    server.answers(Answer(500))
    failure = channel.send(a_bundle())
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.AMBIGUOUS


@pytest.mark.parametrize("kind", POSTING)
def test_an_address_that_is_not_public_is_refused_when_it_is_not_allowed(kind: str, server: Receiver) -> None:
    base = f"https://localhost:{server.port}"
    made = {**ROWS[kind](base), "insecure": False}
    channel = open_channel(Destination("desk", kind, made))
    failure = channel.send(a_bundle())
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.BROKEN
    assert "not public" in failure.text
    assert not server.posts
    channel.close()


def test_a_certificate_that_cannot_be_trusted_ends_before_anything_is_sent(server: Receiver) -> None:
    # Plain HTTP behind an https address: the handshake fails.
    channel = WebhookChannel(
        Destination("desk", "webhook", {"url": Secret(f"https://127.0.0.1:{server.port}/"), "insecure": True})
    )
    failure = channel.send(a_bundle())
    assert isinstance(failure, Failure)
    assert failure.fault is Fault.UNREACHED
    assert not server.posts
    channel.close()


def test_a_webhook_says_how_late_a_late_signal_is(server: Receiver) -> None:
    channel = open_channel(Destination("desk", "webhook", ROWS["webhook"](server.url)))
    late = an_entry(1, late=True)
    channel.send(a_bundle(late, sent_at=CLOSE_TIME + 28_800.4))
    channel.send(a_bundle(an_entry(2)))
    channel.close()
    assert [post.headers.get("ninja-late") for post in server.posts] == ["28800", None]
