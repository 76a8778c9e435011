"""A place to run real processes in, and ten years of a market behind a real HTTP server."""

from __future__ import annotations

from tests.end_to_end.outside import outside
from tests.end_to_end.stage import make_stage
from tests.processes import workplace

__all__ = ["make_stage", "outside", "workplace"]
