"""The languages of messages: one TOML file each, all with the same keys and the same fields inside."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

ENGLISH: Final = "en"
_FIELD: Final = re.compile(r"\{([a-z]+)\}")
_FOLDER: Final = files(__package__)
_FILES: Final = [path.name for path in _FOLDER.iterdir() if path.name.endswith(".toml")]
LANGUAGES: Final = tuple(sorted(name.removesuffix(".toml") for name in _FILES))
"""Names of the languages that there are, one file each."""


@cache
def texts(language: str) -> Mapping[str, str]:
    """Return the texts of a language.

    Raises:
        ValueError: it lacks a text, has one too many, or one with other fields than the English one.
    """
    found = _read(language)
    if wrong := incomplete(found, _read(ENGLISH)):
        message = f"{language}.toml must have the texts and fields of {ENGLISH}.toml; wrong: {', '.join(wrong)}"
        raise ValueError(message)
    return found


def say(language: str, key: str, **fields: object) -> str:
    """Return a text of a language with its fields filled; no field can name anything else."""
    return _FIELD.sub(lambda match: str(fields[match[1]]), texts(language)[key])


def incomplete(found: Mapping[str, object], english: Mapping[str, str]) -> list[str]:
    """Return the keys that are missing, too many, empty, or have other fields than the English text."""
    wrong = set(found) ^ set(english)
    for key in set(found) & set(english):
        text = found[key]
        if not isinstance(text, str) or not text.strip() or _fields(text) != _fields(english[key]):
            wrong.add(key)
    return sorted(wrong)


def _read(language: str) -> Mapping[str, str]:
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
