"""What wakes add up to: a counter that is declared here is in the heartbeat and in the metrics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Final

_METRIC: Final = "metric"


def _shown_as(name: str, *labels: str) -> Any:  # noqa: ANN401 - dataclasses.field, as the type of its attribute
    """Declare a counter that metrics show under this name."""
    return field(default=0, metadata={_METRIC: (name, labels)})


@dataclass(slots=True)
class Counters:
    """What wakes add up to. A counter that is declared here is in the heartbeat and in the metrics."""

    wakes: int = _shown_as("ninja_wakes_total")
    looks: int = _shown_as("ninja_looks_total")
    evaluated: int = _shown_as("ninja_evaluated_total")
    fetched: int = _shown_as("ninja_fetched_total")
    hits: int = _shown_as("ninja_averages_total", "stored")
    rebuilds: int = _shown_as("ninja_averages_total", "rebuilt")
    firsts: int = _shown_as("ninja_averages_total", "first")
    signals: int = _shown_as("ninja_signals_total")

    def add(self, other: Counters) -> None:
        """Add what another one counted."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def by_metric(self) -> Iterable[tuple[str, tuple[str, ...], int]]:
        """Return name, labels and value of each."""
        return [(*each.metadata[_METRIC], getattr(self, each.name)) for each in fields(self)]

    @property
    def starts(self) -> int:
        """Evaluations, wherever their averages came from."""
        return self.hits + self.rebuilds + self.firsts

    @property
    def hit_ratio(self) -> float | None:
        """Share of evaluations that found their averages stored; None before the first."""
        return self.hits / self.starts if self.starts else None
