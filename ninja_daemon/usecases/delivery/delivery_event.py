"""What happens in delivery, as values: the use cases log nothing, the process logs and counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """Something that happened.

    Attributes:
        name: of a closed list, for counting and searching: ``signal.delivered``.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        sentence: for people.
        fields: figures beside the sentence.
    """

    name: str
    level: str
    sentence: str
    fields: Mapping[str, str | int | float | bool] = field(default_factory=dict)
