"""Signatures, as the Standard Webhooks reference library verifies them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from ninja_daemon.adapters.channels.webhook import WebhookChannel
from ninja_daemon.adapters.network.signing import new_secret, signing_key
from ninja_daemon.app.cli import main
from ninja_daemon.core.messages.destination import Destination, OptionValue
from ninja_daemon.core.secret import Secret
from tests.fakes.messages import a_bundle, a_notice_entry, an_entry
from tests.fakes.receiver import Post, Receiver, receiver


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def posted(server: Receiver, secret: str, *numbers: int) -> Post:
    options: dict[str, OptionValue] = {"url": Secret(server.url), "insecure": True, "secret": Secret(secret)}
    channel = WebhookChannel(Destination("desk", "webhook", options))
    entries = [an_entry(number) for number in numbers] or [a_notice_entry(text="ü\n")]
    channel.send(a_bundle(*entries, grouped=len(entries) > 1))
    channel.close()
    return server.posts[-1]


@pytest.mark.parametrize(
    "secret",
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "abcdefghijklmnopqrstuvwxyzabcdef"],
)
def test_the_reference_library_verifies_what_is_signed(server: Receiver, secret: str) -> None:
    for numbers in ((1,), (1, 2), ()):
        post = posted(server, secret, *numbers)
        Webhook(secret).verify(post.body, dict(post.headers))
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(post.body + b" ", dict(post.headers))


def test_a_new_secret_is_accepted_here_and_there(capsys: pytest.CaptureFixture[str], server: Receiver) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["notify", "--new-secret"])
    assert not ended.value.code
    secret = capsys.readouterr().out.strip()
    assert len(signing_key(secret)) == 32
    assert secret != new_secret()
    post = posted(server, secret, 1)
    Webhook(secret).verify(post.body, dict(post.headers))


@pytest.mark.parametrize("secret", ["", "whsec_", "abc", "correct horse battery", "_-_-" * 8, "QUJD" * 5])
def test_what_is_not_base64_of_sixteen_bytes_says_how_a_secret_is_made(secret: str) -> None:
    with pytest.raises(ValueError, match="ninja-daemon notify --new-secret"):
        signing_key(secret)
