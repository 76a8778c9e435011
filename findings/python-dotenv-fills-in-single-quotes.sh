#!/usr/bin/env bash
# python-dotenv 1.2.4 (2026): '${NAME}' is filled in inside of single quotes, too. A password that holds ${…} loses that part, or gets
# the value of a variable of that name, and no quoting keeps it. bash and systemd's EnvironmentFile leave single quotes alone, so one
# file means two passwords, by whoever reads it. Expected by a reader: single quotes are literal, as in Bash, whose syntax the
# documentation compares the file to; set_key() itself writes single quotes so that nothing is filled in, and reads back another value.
# Reported as theskumar/python-dotenv 422. Cure: interpolate=False. Seen on 2026-11-28, Python 3.11.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install python-dotenv==1.2.4

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import subprocess
import sys
from importlib.metadata import version

from dotenv import dotenv_values, set_key

SECRET = "made${up}word"
set_key("settings", "SECRET", SECRET)
written = open("settings").read().strip()
by_bash = subprocess.run(["bash", "-c", '. ./settings; printf %s "$SECRET"'], capture_output=True, text=True, check=True).stdout
by_dotenv, plain = dotenv_values("settings")["SECRET"], dotenv_values("settings", interpolate=False)["SECRET"]
print(f"python-dotenv {version('python-dotenv')}: set_key() wrote {written}; bash reads {by_bash}, dotenv_values() {by_dotenv}")
sys.exit(0 if by_bash == plain == SECRET and by_dotenv == "madeword" else 1)
PYTHON
