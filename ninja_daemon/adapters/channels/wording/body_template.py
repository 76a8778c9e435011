"""Bodies of one's own for webhooks: a template, its fields escaped as JSON, proven with hostile values when loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ninja_daemon.adapters.channels.wording.template import FIELDS, MARKS, filled, template_complaint, values
from ninja_daemon.adapters.channels.wording.told import Told

_FIELD: Final = re.compile(r"\{([A-Za-z_]+)\}", re.ASCII)
_JSON: Final = re.compile(r"\s*(?:\[|\{[^A-Za-z_])")
_MISUSED: Final = re.compile(r"\{([a-z_]+)[.:!\[]", re.ASCII)
_HOSTILE: Final = '"\\\n\t\u2028{close}}}</script>\x00,; ü😀'
_NUMBER: Final = "-1.5"
_NUMBERS: Final = frozenset(FIELDS[FIELDS.index("close") : FIELDS.index("reason")])
"""Fields that are numbers, and may stand in JSON without quotes."""


def is_json(template: str) -> bool:
    """Tell whether a body is meant to be JSON: it begins as an object or an array does, and not with a field."""
    return _JSON.match(template) is not None


def filled_body(template: str, told: Told) -> str:
    """Return the body for a signal; in JSON every value is escaped, elsewhere it is an ordinary template."""
    return _filled(template, values(told)) if is_json(template) else filled(template, told)


def _filled(template: str, found: Mapping[str, str]) -> str:
    return _FIELD.sub(lambda match: json.dumps(found[match[1]])[1:-1], template)


def body_complaint(template: str) -> str:
    """Say what is wrong with a template of a body; empty when nothing is."""
    if not is_json(template):
        return template_complaint(template)
    names = [*_FIELD.findall(template), *_MISUSED.findall(template)]
    unknown = [name for name in names if name not in FIELDS]
    if unknown:
        return f"{{{unknown[0][:40]}}} is none of {' '.join(FIELDS)}"
    if not names:
        return "it must hold at least one {field}"
    return MARKS if _MISUSED.search(template) else _json_complaint(template)


def _json_complaint(template: str) -> str:
    hostile = {name: _NUMBER if name in _NUMBERS else _HOSTILE for name in FIELDS}
    plain = {name: _NUMBER if name in _NUMBERS else "x" for name in FIELDS}
    try:
        shape, proof = (json.loads(_filled(template, found)) for found in (plain, hostile))
    except ValueError as error:
        return f"it must be JSON with every field filled, was not: {error}; braces of JSON are not doubled"
    except RecursionError:
        return "it must be JSON of ordinary depth"
    return "" if _shape(shape) == _shape(proof) else "fields must stand inside of values only"


def _shape(value: Any) -> object:  # noqa: ANN401 - whatever JSON holds
    """Return what is left of a value without its texts; of keys everything stays."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return type(value).__name__
