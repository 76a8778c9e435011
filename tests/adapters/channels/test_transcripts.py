"""The transcripts in docs/messages/ are what the channels send today."""

from __future__ import annotations

import pytest

from tests.transcripts import FOLDER, transcripts


@pytest.mark.parametrize("name", ["terminal.txt", "discord.json", "telegram.txt", "email.txt", "webhook.txt"])
def test_what_the_documentation_shows_is_what_is_sent(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == transcripts()[name], "make them anew: python -m tests.transcripts"
