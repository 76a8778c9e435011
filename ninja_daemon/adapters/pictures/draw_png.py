"""The program of the drawing process: SVG on standard input, PNG on standard output, the font's file as argument.

It is run by its path and imports nothing of the package, so that it is as quick as the renderer itself.
"""

from __future__ import annotations

import os
import sys

_NICE = 10
"""What is drawn makes way for what is sent."""


def _make_way() -> None:
    try:  # noqa: SIM105 - contextlib would be loaded for this alone
        os.nice(_NICE)
    except OSError:
        pass  # the service's sandbox refuses it


def main() -> None:
    """Draw one picture."""
    _make_way()
    import resvg_py  # noqa: PLC0415 - to load it makes way as well

    svg = sys.stdin.buffer.read().decode()
    # System fonts are left out: the same text must give the same bytes on every machine.
    png = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True, font_files=[sys.argv[1]])
    sys.stdout.buffer.write(png)


if __name__ == "__main__":
    main()
