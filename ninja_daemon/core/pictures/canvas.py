"""A sheet of SVG: shapes and text, with the box of every text, so that nothing is written over another."""

from __future__ import annotations

from html import escape
from typing import Final, NamedTuple

PIXEL: Final = 10
"""Units of a pixel: all lengths are integers, so that the text is the same on every machine."""
FONT: Final = "DejaVu Sans"
_EM: Final = 2048
_WIDEST: Final = 2048
_SPECIAL: Final = {"−": 1716, "×": 1716, "·": 651, "…": 2048, "–": 1024, "▲": 1575, "▼": 1575}
_ASCII: Final = (
    *(651, 821, 942, 1716, 1303, 1946, 1597, 563, 799, 799, 1024, 1716, 651, 739, 651, 690),
    *(1303, 1303, 1303, 1303, 1303, 1303, 1303, 1303, 1303, 1303, 690, 690, 1716, 1716, 1716, 1087),
    *(2048, 1401, 1405, 1430, 1577, 1294, 1178, 1587, 1540, 604, 604, 1343, 1141, 1767, 1532, 1612),
    *(1235, 1612, 1423, 1300, 1251, 1499, 1401, 2025, 1403, 1251, 1403, 799, 690, 799, 1716, 1024),
    *(1024, 1255, 1300, 1126, 1300, 1260, 721, 1300, 1298, 569, 569, 1186, 569, 1995, 1298, 1253),
    *(1300, 1300, 842, 1067, 803, 1298, 1212, 1675, 1212, 1212, 1075, 1303, 690, 1303, 1716),
)
"""Advance widths of the printable ASCII characters in the shipped font, in units of 1/2048 em."""
_ASCENT_PERCENT: Final = 78
_DESCENT_PERCENT: Final = 24


class Box(NamedTuple):
    """A rectangle, its right and bottom edges not included."""

    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: Box) -> bool:
        """Tell whether the two share any area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


class Label(NamedTuple):
    """A text on the sheet and the room that it takes."""

    text: str
    box: Box


def text_width(text: str, size: int) -> int:
    """Return how wide a text is in the shipped font, rounded up; characters that it lacks count as the widest."""
    units = sum(_ASCII[ord(each) - 32] if " " <= each <= "~" else _SPECIAL.get(each, _WIDEST) for each in text)
    return -(-units * size // _EM)


def shortened(text: str, size: int, width: int) -> str:
    """Return the text, its end cut off with "…" where it is wider than ``width``."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text + "…" if text else ""


class Canvas:
    """Collects shapes in the order in which they are painted."""

    def __init__(self, width: int, height: int, title: str) -> None:
        """Begin an empty sheet; the title is what a screen reader says."""
        self._title = title
        self.width = width
        self.height = height
        self.labels: list[Label] = []
        self._shapes: list[str] = []

    def rectangle(self, box: Box, fill: str, opacity: str = "1", corner: int = 0) -> None:
        """Paint a filled rectangle."""
        left, top, right, bottom = box
        rest = f' rx="{corner}"' if corner else ""
        rest += f' fill-opacity="{opacity}"' if opacity != "1" else ""
        self._shapes.append(
            f'<rect x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" fill="{fill}"{rest}/>'
        )

    def path(
        self, steps: str, *, fill: str = "none", stroke: str = "none", width: int = 0, dashes: str = "", pale: str = ""
    ) -> None:
        """Paint a path; nothing for an empty one. ``pale`` is the opacity of its inside where it is not whole."""
        if not steps:
            return
        rest = f' stroke="{stroke}" stroke-width="{width}" stroke-linejoin="round"' if width else ""
        rest += f' stroke-dasharray="{dashes}"' if dashes else ""
        rest += f' fill-opacity="{pale}"' if pale else ""
        self._shapes.append(f'<path d="{steps}" fill="{fill}"{rest}/>')

    def label(self, text: str, at: tuple[int, int], size: int, fill: str, *, anchor: str = "start") -> Box:
        """Write a text and return its box.

        Args:
            text: what to write.
            at: where its base line begins, ends ("end") or has its middle ("middle").
            size: of the font.
            fill: its colour.
            anchor: which of the three ``at`` means.
        """
        box = label_box(text, at, size, anchor)
        self.labels.append(Label(text, box))
        self._shapes.append(
            f'<text x="{at[0]}" y="{at[1]}" font-size="{size}" fill="{fill}" text-anchor="{anchor}">'
            f"{escape(text, quote=False)}</text>"
        )
        return box

    def is_free(self, box: Box) -> bool:
        """Tell whether no text stands there yet."""
        return not any(box.meets(label.box) for label in self.labels)

    def svg(self) -> str:
        """Return the sheet as SVG text."""
        title = escape(self._title)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width // PIXEL}" height="{self.height // PIXEL}" font-family="{FONT}, sans-serif" '
            f'role="img" aria-label="{title}">\n' + "\n".join(self._shapes) + "\n</svg>\n"
        )


def label_box(text: str, at: tuple[int, int], size: int, anchor: str = "start") -> Box:
    """Return the room that a text takes."""
    width = text_width(text, size)
    left = at[0] - {"start": 0, "middle": width // 2, "end": width}[anchor]
    top = at[1] - size * _ASCENT_PERCENT // 100
    return Box(left, top, left + width, at[1] + size * _DESCENT_PERCENT // 100)
