"""What all channels promise, the terminal, the mail server and the optional library included.

The three that speak plain HTTP promise more: test_channel_contract.py.
"""

from __future__ import annotations

import ast
import inspect
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from ninja_daemon.adapters.channels.console import ConsoleChannel
from ninja_daemon.adapters.channels.kind import key_of
from ninja_daemon.adapters.channels.registry import KINDS, open_channel
from ninja_daemon.adapters.network.reachability import Endpoint
from ninja_daemon.core.messages.destination import Destination, Failure, Fault, OptionValue, Sent
from ninja_daemon.core.messages.message import Kind, Severity
from ninja_daemon.core.messages.send_policy import SendPolicy
from ninja_daemon.core.secret import Secret
from ninja_daemon.usecases.delivery.delivery_ports import Channel
from tests.adapters.channels.options import ROWS
from tests.fakes.messages import a_bundle, a_notice_entry, a_signal, an_entry
from tests.fakes.receiver import Answer, receiver
from tests.servers import free_port

DOCUMENTATION = Path(__file__).resolve().parents[3] / "docs/notifier.md"
# apprise loads every plugin it has, and one of them an old module of the standard library.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@dataclass
class Scene:
    """A channel, what its reader has got so far, and how to make it fail."""

    kind: str
    channel: Channel
    heard: Callable[[], list[str]]
    fails: Callable[[], None]


class _Mailbox:
    def __init__(self) -> None:
        self.mails: list[str] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        mail = message_from_bytes(envelope.content, policy=policy.default)
        bodies = [mail.get_body((form,)) for form in ("plain", "html")]
        self.mails.append("\n".join([mail["Subject"], *(body.get_content() for body in bodies if body is not None)]))
        return self.answer

    def fail(self) -> None:
        self.answer = "451 later"


class _Screen(io.StringIO):
    broken = False

    def write(self, text: str) -> int:
        if self.broken:
            raise BrokenPipeError
        return super().write(text)

    def fail(self) -> None:
        self.broken = True


def console(policy: SendPolicy) -> Iterator[Scene]:
    screen = _Screen()
    destination = Destination("desk", "console", {}, policy)
    yield Scene("console", ConsoleChannel(destination, screen), lambda: screen.getvalue().splitlines(), screen.fail)


def mail(policy: SendPolicy) -> Iterator[Scene]:
    mailbox = _Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    options = ROWS["email"](f"http://127.0.0.1:{controller.port}")
    yield Scene(
        "email", open_channel(Destination("desk", "email", options, policy)), lambda: mailbox.mails, mailbox.fail
    )
    controller.stop()


def over_http(kind: str, policy: SendPolicy) -> Iterator[Scene]:
    with receiver() as server:
        channel = open_channel(Destination("desk", kind, ROWS[kind](server.url), policy))
        yield Scene(
            kind,
            channel,
            lambda: [post.text + str(post.headers) for post in server.posts],
            lambda: server.answers(Answer(503)),
        )
        channel.close()


def opened(kind: str, policy: SendPolicy = SendPolicy()) -> Iterator[Scene]:  # noqa: B008 - frozen
    return {"console": console, "email": mail}.get(kind, lambda given: over_http(kind, given))(policy)


@pytest.fixture(params=list(KINDS))
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    yield from opened(request.param)


def test_a_signal_is_accepted_and_readable(scene: Scene) -> None:
    assert isinstance(scene.channel.send(a_bundle()), Sent)
    (message,) = scene.heard()
    for fact in ("SELL", "1.09259", "1.10084", "1.08022", "82.5", "123.7", "H4", a_signal(1).id[:8]):
        assert fact in message


def test_every_kind_of_notice_is_accepted(scene: Scene) -> None:
    for severity in Severity:
        entry = a_notice_entry(severity=severity, topic="lane_suspended", text="first line\nsecond line")
        assert isinstance(scene.channel.send(a_bundle(entry)), Sent)
    assert len(scene.heard()) == len(Severity)
    assert "second line" in scene.heard()[0]


def test_a_group_and_a_digest_name_every_signal(scene: Scene) -> None:
    for changes in ({"grouped": True}, {"digest": True}):
        before = len(scene.heard())
        entries = [an_entry(number, late="digest" in changes) for number in range(1, 11)]
        assert isinstance(scene.channel.send(a_bundle(*entries, **changes)), Sent)
        shown = "".join(scene.heard()[before:])
        assert all(entry.id[:8] in shown for entry in entries)


def test_a_possible_repeat_is_marked_and_nothing_else_is(scene: Scene) -> None:
    scene.channel.send(a_bundle())
    scene.channel.send(a_bundle(repeat=True))
    first, second = scene.heard()
    assert "repeat" not in first
    assert "repeat" in second


@pytest.mark.parametrize(
    "text", ["\x1b]0;title\x07", "\r\nX: y", "\u202eabc", "\u2028", "\U0001f600", "%s {x} <b>", "A" * 4_000]
)
def test_whatever_stands_in_a_notice_is_sent_as_text(scene: Scene, text: str) -> None:
    assert isinstance(scene.channel.send(a_bundle(a_notice_entry(text=text))), Sent)
    if scene.kind != "webhook":
        assert not set("".join(scene.heard())) & {"\x1b", "\x07", "\u202e"}


def test_a_failure_is_an_answer_and_no_exception(scene: Scene) -> None:
    scene.fails()
    outcome = scene.channel.send(a_bundle())
    assert isinstance(outcome, Failure)
    assert outcome.fault in {Fault.AMBIGUOUS, Fault.UNREACHED}
    assert 0 < len(outcome.text) <= 300


def test_closing_twice_does_no_harm(scene: Scene) -> None:
    scene.channel.send(a_bundle())
    scene.channel.close()
    scene.channel.close()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "webhook"])
def test_a_template_and_the_readers_time_zone_are_kept(kind: str) -> None:
    policy = SendPolicy(template="{pair} at {close}, {local_time}", time_zone="Asia/Tokyo")
    for scene in opened(kind, policy):
        assert isinstance(scene.channel.send(a_bundle()), Sent)
        assert "EUR/USD at 1.09259, 2022-03-05 03:00 JST" in scene.heard()[0]


def test_kinds_of_messages_have_names_that_receivers_may_rely_on() -> None:
    assert [kind.value for kind in Kind] == ["signal", "alert", "heartbeat", "test", "outcome"]


# --- kinds -----------------------------------------------------------------------------------------------------------


def test_every_kind_has_a_row_of_options_and_no_complaints_about_it() -> None:
    assert set(ROWS) == set(KINDS)
    for name, row in ROWS.items():
        destination = Destination("desk", name, row("http://127.0.0.1:8080"))
        assert not KINDS[name].complaints(destination)
        assert open_channel(destination).provider


@pytest.mark.parametrize("name", list(KINDS))
def test_every_kind_is_in_the_table_of_the_documentation(name: str) -> None:
    row = next((line for line in DOCUMENTATION.read_text().splitlines() if line.startswith(f"| `{name}` |")), "")
    assert not [field for field in KINDS[name].options._fields if f"`{key_of(field)}`" not in row.split("|")[2]]


@pytest.mark.parametrize("name", list(KINDS))
def test_every_option_of_a_kind_is_explained(name: str) -> None:
    source = ast.parse(inspect.getsource(KINDS[name].options)).body[0]
    assert isinstance(source, ast.ClassDef)
    pairs = zip(source.body, [*source.body[1:], None], strict=True)
    explained = [isinstance(after, ast.Expr) for field, after in pairs if isinstance(field, ast.AnnAssign)]
    assert all(explained)
    assert len(explained) == len(KINDS[name].options._fields)


def test_check_connects_to_the_server_that_a_channel_posts_to() -> None:
    untold = {"console", "apprise"}
    for name, row in ROWS.items():
        endpoint = KINDS[name].endpoint(Destination("desk", name, row("http://127.0.0.1:8080")))
        here = Endpoint("127.0.0.1", 8_080, tls=False, insecure=True)
        assert endpoint == (None if name in untold else here)


@pytest.mark.parametrize(
    ("channel", "options", "endpoint"),
    [
        ("webhook", {"url": Secret("https://h.example/x")}, Endpoint("h.example", 443, tls=True, insecure=False)),
        ("discord", {"url": Secret("http://h:81/x"), "insecure": True}, Endpoint("h", 81, tls=False, insecure=True)),
        ("telegram", {"api_url": "https://t.example"}, Endpoint("t.example", 443, tls=True, insecure=False)),
        ("telegram", {}, Endpoint("api.telegram.org", 443, tls=True, insecure=False)),
        ("email", {"host": "mail.example"}, Endpoint("mail.example", 587, tls=False, insecure=False)),
        ("email", {"host": "m", "security": "tls", "port": 99}, Endpoint("m", 99, tls=True, insecure=False)),
        ("email", {"host": "m", "security": "tls"}, Endpoint("m", 465, tls=True, insecure=False)),
    ],
)
def test_where_a_channel_connects_to(channel: str, options: dict[str, OptionValue], endpoint: Endpoint) -> None:
    needed: dict[str, dict[str, OptionValue]] = {
        "telegram": {"token": Secret("1:x"), "chat_id": "1"},
        "email": {"from": "a@b.example", "to": ("c@d.example",)},
    }
    destination = Destination("desk", channel, {**needed.get(channel, {}), **options})
    assert KINDS[channel].endpoint(destination) == endpoint
