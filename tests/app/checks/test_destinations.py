"""What ``check`` says of routes and destinations."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller

from ninja_daemon.adapters.network import smtp
from ninja_daemon.app.checks.everything import all_checks
from ninja_daemon.app.checks.finding import Finding, Level
from tests.adapters.channels.options import TOKEN
from tests.app.stored import CONFIGURATION
from tests.fakes.clock import FakeClock
from tests.fakes.receiver import Answer, Post, receiver
from tests.servers import free_port

DESK = """
[destinations.desk]
channel = "webhook"
url = "http://127.0.0.1:{port}/secret-path-123"
insecure = true
"""


def look(directory: Path, text: str, *, offline: bool = True) -> dict[tuple[str, str], Finding]:
    (directory / "ninja.toml").write_text(CONFIGURATION + text)
    environ = {"HOME": str(directory), "NINJA_CONFIG": "ninja.toml", "CACHE_ENABLED": "false"}
    checks = all_checks(FakeClock(), offline=offline, environ=environ, working_directory=directory)
    findings = [finding for check in checks for finding in check.look()]
    assert all("secret-path-123" not in repr(finding) for finding in findings)
    return {(each.code, each.subject): each for each in findings if each.code.startswith(("route", "destination"))}


def test_without_any_destination_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert look(tmp_path, "", offline=False) == {}


def test_a_strategy_that_no_route_takes_is_an_error(tmp_path: Path) -> None:
    found = look(tmp_path, DESK.format(port=1) + '[[routes]]\nmatch = {instrument = "GBP_JPY"}\nto = ["desk"]\n')
    ((key, finding),) = found.items()
    assert key == ("routes.lost", "strategy EUR_USD_M15")
    assert finding.level is Level.ERROR
    assert "no route takes its" in finding.cause
    assert finding.cure


def test_a_destination_that_nothing_reaches_is_a_warning(tmp_path: Path) -> None:
    other = DESK.format(port=1).replace("desk", "other")
    found = look(tmp_path, DESK.format(port=1) + other + '[[routes]]\nto = ["desk"]\n')
    ((key, finding),) = found.items()
    assert key == ("routes.unused", "destination other")
    assert finding.level is Level.WARNING


def test_a_route_that_no_signal_gets_to_is_a_warning(tmp_path: Path) -> None:
    typed = '[[routes]]\nmatch = {instrument = "EUR_UDS"}\nto = ["desk"]\n[[routes]]\nto = ["desk"]\n'
    found = look(tmp_path, DESK.format(port=1) + typed)
    ((key, finding),) = found.items()
    assert key == ("routes.unused", "routes[1]")
    assert finding.level is Level.WARNING
    assert "correct its match" in finding.cure


def test_destinations_are_connected_to_and_nothing_is_sent(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = look(tmp_path, DESK.format(port=port), offline=False)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(1) == b""
    assert found["destination", "destination desk"].level is Level.OK
    found = look(tmp_path, DESK.format(port=port), offline=False)
    assert found["destination.unreachable", "destination desk"].level is Level.ERROR


def test_a_destination_that_does_not_tell_where_it_goes_is_said_to_be_unknown(tmp_path: Path) -> None:
    text = '[destinations.phone]\nchannel = "console"\n'
    assert look(tmp_path, text, offline=False)["destination.unknown", "destination phone"].level is Level.INFO


# --- the protocol of each service ---------------------------------------------------------------------------------

DISCORD = """
[destinations.club]
channel = "discord"
url = "{url}/api/webhooks/42/secret-path-123"
insecure = true
"""
TELEGRAM = """
[destinations.chat]
channel = "telegram"
token = "{token}"
chat_id = -100
api_url = "{url}"
insecure = true
"""
MAIL = """
[destinations.ops]
channel = "email"
host = "127.0.0.1"
port = {port}
security = "{security}"
insecure = true
from = "a@b.test"
to = ["c@d.test"]
"""


def test_a_webhook_of_discord_is_looked_at_and_nothing_is_posted(tmp_path: Path) -> None:
    with receiver() as server:
        text = DISCORD.format(url=server.url)
        server.answers(Answer.of(200, {"id": "42", "channel_id": "7"}))
        assert look(tmp_path, text, offline=False)["destination", "destination club"].level is Level.OK
        assert [(post.path, post.body) for post in server.posts] == [("/api/v10/webhooks/42/secret-path-123", b"")]
        server.answers(Answer.of(404, {"code": 10015, "message": "Unknown Webhook"}))
        found = look(tmp_path, text, offline=False)["destination.unreachable", "destination club"]
        assert "Unknown Webhook" in found.cause
        assert "integrations" in found.cure


@pytest.mark.parametrize(
    ("failing", "answer", "cure"),
    [
        ("", Answer.of(200, {"ok": True, "result": {}}), ""),
        ("getMe", Answer.of(401, {"ok": False, "description": "Unauthorized"}), "@BotFather"),
        ("getChat", Answer.of(400, {"ok": False, "description": "Bad Request: chat not found"}), "chat_id"),
    ],
)
def test_a_bot_of_telegram_is_asked_who_it_is_and_for_its_chat(
    tmp_path: Path, failing: str, answer: Answer, cure: str
) -> None:
    def script(post: Post) -> Answer:
        return answer if failing in post.path else Answer.of(200, {"ok": True, "result": {}})

    with receiver() as server:
        server.script = script
        text = TELEGRAM.format(url=server.url, token=TOKEN)
        found = look(tmp_path, text, offline=False)
        assert all(TOKEN not in repr(finding) for finding in found.values())
        if cure:
            assert cure in found["destination.unreachable", "destination chat"].cure
        else:
            assert found["destination", "destination chat"].level is Level.OK
            assert [post.path.rpartition("/")[2] for post in server.posts] == ["getMe", "getChat?chat_id=-100"]


class _Silent:
    """A mail server's handler that would note a message."""

    mails = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session, envelope
        self.mails += 1
        return "250 OK"


def certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def tls_port() -> Iterator[int]:
    """A server that says nothing before TLS, as mail servers on port 465 do."""
    with receiver(certified()) as server:
        yield server.port


@pytest.fixture
def plain_port() -> Iterator[int]:
    """A mail server that greets in clear and offers no STARTTLS."""
    controller = Controller(_Silent(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield int(controller.port)
    controller.stop()


def mail_finding(directory: Path, port: int, security: str) -> Finding:
    (found,) = look(directory, MAIL.format(port=port, security=security), offline=False).values()
    return found


def test_a_port_that_speaks_tls_from_the_first_byte_is_told_from_starttls(
    tmp_path: Path, tls_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 0.5)
    finding = mail_finding(tmp_path, tls_port, "starttls")
    assert finding.level is Level.ERROR
    assert "speaks TLS from the first byte" in finding.cause
    assert 'security = "tls"' in finding.cure


def test_a_port_that_greets_in_clear_is_told_from_tls(tmp_path: Path, plain_port: int) -> None:
    finding = mail_finding(tmp_path, plain_port, "tls")
    assert "does not speak TLS from the first byte" in finding.cause
    assert 'security = "starttls"' in finding.cure


def test_a_mail_server_without_starttls_is_said_to_be_so(tmp_path: Path, plain_port: int) -> None:
    assert "offers no STARTTLS" in mail_finding(tmp_path, plain_port, "starttls").cause
    assert mail_finding(tmp_path, plain_port, "none").level is Level.OK


def test_what_does_not_greet_is_no_mail_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        finding = mail_finding(tmp_path, listener.getsockname()[1], "starttls")
    assert "does not greet as a mail server does" in finding.cause
