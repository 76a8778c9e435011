"""SVG text to PNG bytes, by a short-lived child process.

The renderer holds the interpreter while it draws, which would slow every other thread of this process to a tenth. In a
child it costs nothing here, its memory is gone afterwards, and it can be stopped.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ninja_daemon.core.errors import PictureRefused

_HERE: Final = Path(__file__).resolve().parent
FONT_FILE: Final = _HERE / "DejaVuSans-cut.ttf"
_PROGRAM: Final = _HERE / "draw_png.py"
_PATIENCE: Final = 20.0
"""Seconds; a picture takes 0.15 s on an idle machine."""
_BEGINNING: Final = b"\x89PNG\r\n\x1a\n"


def png_of(svg: str, patience: float = _PATIENCE) -> bytes:
    """Draw a picture.

    Args:
        svg: the picture as SVG text.
        patience: seconds after which drawing is given up.

    Raises:
        PictureRefused: the renderer is not installed, failed, or took too long.
    """
    if find_spec("resvg_py") is None:
        message = "PNG needs the package resvg_py: pip install 'ninja-daemon[pictures]'; or write SVG, to a .svg file"
        raise PictureRefused(message)
    command = [sys.executable, "-I", str(_PROGRAM), str(FONT_FILE)]
    try:
        done = subprocess.run(command, input=svg.encode(), capture_output=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired:
        message = f"the picture was not drawn within {patience:g} s"
        raise PictureRefused(message) from None
    except OSError as error:
        message = f"the picture cannot be drawn: the drawing process did not start ({error.strerror})"
        raise PictureRefused(message) from error
    if done.returncode or not done.stdout.startswith(_BEGINNING):
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason was given"]
        message = f"the picture cannot be drawn: {lines[-1][:200]}"
        raise PictureRefused(message)
    return done.stdout
