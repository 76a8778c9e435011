"""PNG by the child process: the shipped font alone, the same bytes anywhere, and clear errors."""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC
from pathlib import Path

import pytest

from ninja_daemon.adapters.pictures import png
from ninja_daemon.adapters.pictures.png import FONT_FILE, png_of
from ninja_daemon.core.errors import PictureRefused
from ninja_daemon.core.pictures.canvas import _ASCII, _SPECIAL, text_width
from ninja_daemon.core.pictures.signal_picture import signal_picture
from ninja_daemon.core.pictures.theme import DARK
from tests.core.pictures.views import view_of

SHEET = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 60" width="200" height="60" '
    'font-family="DejaVu Sans"><rect width="200" height="60" fill="#14181f"/>'
    '<text x="10" y="40" font-size="24" fill="#eef1f5">▼ 1.09259</text></svg>'
)
KNOWN = "33346ad6e3e7d5bb35547d306b2f72884574421be0ccdac84966aca1e36a612a"
"""SHA-256 of the sheet above as PNG."""


def widths() -> dict[str, int]:
    """The advance widths of the shipped font by character, read from its tables."""
    data = FONT_FILE.read_bytes()
    tables = {}
    for index in range(struct.unpack(">H", data[4:6])[0]):
        tag, _, offset, length = struct.unpack(">4sIII", data[12 + 16 * index : 28 + 16 * index])
        tables[tag.decode()] = data[offset : offset + length]
    metrics = struct.unpack(">H", tables["hhea"][34:36])[0]
    advances = [struct.unpack(">H", tables["hmtx"][4 * index : 4 * index + 2])[0] for index in range(metrics)]
    return {
        character: advances[min(glyph, metrics - 1)]
        for character in (*map(chr, range(32, 127)), *_SPECIAL)
        if (glyph := glyph_of(tables["cmap"], ord(character)))
    }


def glyph_of(cmap: bytes, code: int) -> int:
    """Look a character up in the table of segments (format 4)."""
    starts_of_tables = [
        struct.unpack(">I", cmap[8 + 8 * index : 12 + 8 * index])[0]
        for index in range(struct.unpack(">H", cmap[2:4])[0])
    ]
    table = next(cmap[at:] for at in starts_of_tables if cmap[at : at + 2] == b"\x00\x04")
    segments = struct.unpack(">H", table[6:8])[0] // 2
    ends, starts, deltas, offsets = (
        struct.unpack(f">{segments}H", table[at : at + 2 * segments])
        for at in (14, 16 + 2 * segments, 16 + 4 * segments, 16 + 6 * segments)
    )
    for index in range(segments):
        if starts[index] <= code <= ends[index]:
            if not offsets[index]:
                return int(code + deltas[index]) % 65_536
            at = 16 + 6 * segments + 2 * index + offsets[index] + 2 * (code - starts[index])
            return int(struct.unpack(">H", table[at : at + 2])[0] + deltas[index]) % 65_536
    return 0


def size_of(picture: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def test_widths_of_characters_are_those_of_the_shipped_font() -> None:
    assert widths() == {**{chr(32 + index): width for index, width in enumerate(_ASCII)}, **_SPECIAL}
    assert text_width("1.5", 2_048) == 1303 + 651 + 1303


def test_a_signal_becomes_a_png_of_its_size() -> None:
    picture = png_of(signal_picture(view_of(), DARK, UTC))
    assert size_of(picture) == (960, 650)
    assert 20_000 < len(picture) < 200_000


def test_the_same_text_gives_the_same_bytes_whatever_the_surroundings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS", "FONTCONFIG_PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LC_ALL", "tr_TR.UTF-8")
    assert hashlib.sha256(png_of(SHEET)).hexdigest() == KNOWN


def test_text_is_drawn_without_any_font_of_the_system() -> None:
    assert png_of(SHEET) != png_of(SHEET.replace("▼ 1.09259", ""))


def test_a_sandbox_that_refuses_a_lower_priority_prevents_no_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "refused.py"
    program.write_text(
        "import os, runpy\ndef refused(_): raise PermissionError(1, 'Operation not permitted')\n"
        f"os.nice = refused\nrunpy.run_path({str(png._PROGRAM)!r}, run_name='__main__')\n"
    )
    monkeypatch.setattr(png, "_PROGRAM", program)
    assert hashlib.sha256(png_of(SHEET)).hexdigest() == KNOWN


def test_a_renderer_that_fails_says_why() -> None:
    with pytest.raises(PictureRefused, match="cannot be drawn"):
        png_of("this is no picture")


def test_a_renderer_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(PictureRefused, match=r"within 0\.001 s"):
        png_of(SHEET, patience=0.001)


def test_without_the_renderer_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "find_spec", lambda _: None)
    with pytest.raises(PictureRefused, match=r"ninja-daemon\[pictures\]"):
        png_of(SHEET)


def test_the_fonts_licence_lies_beside_it() -> None:
    text = (FONT_FILE.parent / "LICENSE-DejaVu.txt").read_text(encoding="utf-8")
    assert "Bitstream" in text
    assert "Permission is hereby granted" in text
