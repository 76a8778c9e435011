"""Files that are written for people: what ``init`` makes, and what the demo watches.

Examples for servers are in ``config/`` of the repository.
"""

from __future__ import annotations

from importlib import resources


def sample(name: str) -> str:
    """Return the text of a sample."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
