"""JSON for ``--json``: decimals as numbers with every digit, instants and enums as the contract writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum


def exact_json(value: object, indent: str = "") -> str:
    """Write a value as indented JSON; a decimal becomes a number in full, never through a binary float."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        return json.dumps(value.name, ensure_ascii=False)
    deeper = indent + "  "
    if isinstance(value, Mapping):
        lines = [f"{deeper}{json.dumps(str(key))}: {exact_json(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}" if lines else "{}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        lines = [deeper + exact_json(item, deeper) for item in value]
        return "[\n" + ",\n".join(lines) + f"\n{indent}]" if lines else "[]"
    return json.dumps(value, ensure_ascii=False, default=str)
