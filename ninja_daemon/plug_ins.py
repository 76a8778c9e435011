"""What an author of filters and averages needs (docs/plug-ins.md); ``ninja_daemon.testing`` has the contract tests."""

from __future__ import annotations

from ninja_daemon.core.averages.plug_in import AveragePlugIn, Number
from ninja_daemon.core.filters.plug_in import FilterPlugIn, PlugInCandle, PlugInCross

__all__ = ["AveragePlugIn", "FilterPlugIn", "Number", "PlugInCandle", "PlugInCross"]
