#!/usr/bin/env bash
# resvg_py 0.5.0 (2026): text without a usable font is left out, and nothing says so.
#
# A picture with a label is drawn on a machine that has no fonts (skip_system_fonts stands in for one). A reader expects an
# error or a substitute. The bytes are those of the picture without the label. Cure: ship a font and name its file.
# Seen on 2026-11-28, Python 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check resvg_py==0.5.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import resvg_py

frame = '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"><rect width="60" height="20" fill="#fff"/>{}</svg>'
label = '<text x="2" y="15" font-size="14" font-family="DejaVu Sans">1.0925</text>'
without, labelled = (
    bytes(resvg_py.svg_to_bytes(svg_string=frame.format(content), skip_system_fonts=True)) for content in ("", label)
)
print(f"resvg_py 0.5.0: {len(without)} bytes without the label, {len(labelled)} with it, the same: {without == labelled}")
sys.exit(without != labelled)
PYTHON
