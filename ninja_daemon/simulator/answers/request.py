"""A request as the simulated broker reads it, and its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.simulator.faults import Asked


@dataclass(frozen=True, slots=True)
class Request:
    """A request as the broker reads it.

    Attributes:
        method: HTTP method.
        path: of the URL, without the query.
        query: parameters; the last of several with one name.
        authorization: the header of that name, empty without.
        is_unix: whether UNIX times are wanted.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    authorization: str = ""
    is_unix: bool = False

    def asked(self) -> Asked:
        """Return what faults may choose it by; what cannot be read names no series."""
        if specifications := self.query.get("candleSpecifications"):
            parts = [specification.split(":") for specification in specifications.split(",")]
            pairs = [(part[0], part[1]) for part in parts if len(part) > 1]
        else:
            match = re.search(r"/instruments/([^/]+)/candles", self.path)
            pairs = [(match[1], self.query.get("granularity", "S5"))] if match else []
        known = Granularity.__members__
        return Asked(self.path, [(instrument, known[name]) for instrument, name in pairs if name in known])


@dataclass(frozen=True, slots=True)
class Answer:
    """What the broker says: a status and a JSON text."""

    status: int
    text: str
