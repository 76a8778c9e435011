"""Plug-ins of installed packages: found by entry points, watched, and set aside by themselves."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ninja_daemon.adapters.host import plug_ins
from ninja_daemon.adapters.host.plug_ins import WatchedCall, average_plug_in, filter_plug_in
from ninja_daemon.app.plug_ins import filters_named, kind_named, recorded_filters, recorded_kind
from ninja_daemon.core.averages.plug_in import exact
from ninja_daemon.core.errors import PlugInFailed
from ninja_daemon.core.market.granularity import Granularity
from ninja_daemon.core.signals.strategy import Strategy, settings_of
from ninja_daemon.testing import check_average, check_filter

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "plug-ins.md").read_text(encoding="utf-8")
EXAMPLE = "\n\n".join(re.findall(r"```python\n(.*?)```", DOCS, flags=re.DOTALL)[:2])
MORE = """
WILD = FilterPlugIn(version="a@b", candles=1, compare=_body)
FAR = FilterPlugIn(version="1", candles=5000, compare=_body)
"""
ENTRIES = """[ninja_daemon.filters]
body = example_plug_ins:BODY
wild = example_plug_ins:WILD
far = example_plug_ins:FAR
wrong = example_plug_ins:MEDIAN
gone = example_plug_ins:GONE
[ninja_daemon.averages]
median = example_plug_ins:MEDIAN
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package, as pip leaves one behind."""
    info = tmp_path / "example_plug_ins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: example-plug-ins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "example_plug_ins.py").write_text(EXAMPLE + MORE)
    monkeypatch.syspath_prepend(str(tmp_path))
    for cached in (filter_plug_in, average_plug_in):
        cached.cache_clear()
    yield tmp_path
    sys.modules.pop("example_plug_ins", None)
    for cached in (filter_plug_in, average_plug_in):
        cached.cache_clear()


@pytest.mark.usefixtures("package")
def test_the_example_of_the_documentation_keeps_the_contract() -> None:
    import example_plug_ins  # type: ignore[import-not-found]  # noqa: PLC0415

    check_filter(example_plug_ins.BODY)
    check_average(example_plug_ins.MEDIAN, periods=(1, 6))


@pytest.mark.usefixtures("package")
def test_name_and_version_are_part_of_the_settings_hash() -> None:
    plain = Strategy("s", "EUR_USD", Granularity.H4, 3, 8)
    strategy = Strategy(
        "s", "EUR_USD", Granularity.H4, 3, 8, ma_type=kind_named("median"), plug_ins=filters_named(["body"])
    )
    settings = settings_of(strategy)
    assert (settings["ma_type"], settings["filters"]) == ("median@1", [["body", "1"]])
    assert strategy.settings_hash != plain.settings_hash
    assert (recorded_kind("median@1"), recorded_filters(settings)) == (strategy.ma_type, strategy.plug_ins)
    with pytest.raises(ValueError, match="was of version 2, installed is median@1"):
        recorded_kind("median@2")
    with pytest.raises(ValueError, match="was of version 0, installed is 1"):
        recorded_filters({"filters": [["body", "0"]]})


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("names", "cause"),
    [
        (["bodi"], "there is no plug-in 'bodi'; installed are: body, far, gone, wild, wrong"),
        (["gone"], "cannot be loaded: AttributeError"),
        (["wrong"], "must be a FilterPlugIn, is a AveragePlugIn"),
        (["wild"], "the version of the plug-in wild must be 1 to 32 letters"),
        (["far"], "must look at 1 to 1000 candles, looks at 5000"),
        (["body", "body"], "name each only once"),
        (["sessions"], "is no plug-in; write it as a key of its own"),
        ("body", "^$"),
        ([1], "^$"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_refused_by_its_cause(names: object, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        filters_named(names)


def test_a_plug_in_that_raises_is_named() -> None:
    watched = WatchedCall("mine", lambda: 1 // 0)
    with pytest.raises(PlugInFailed, match="the plug-in mine raised ZeroDivisionError: "):
        watched()


def runs_on() -> None:
    while True:
        pass


@pytest.mark.parametrize("slow", [runs_on, lambda: time.sleep(0.3)])
def test_a_plug_in_that_takes_too_long_is_named_and_rests(
    slow: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plug_ins, "LONGEST_CALL", 0.1)
    calls: list[int] = []

    def counted() -> None:
        calls.append(1)
        slow()

    watched = WatchedCall("mine", counted)
    for _ in range(2):
        with pytest.raises(PlugInFailed, match="the plug-in mine took longer than"):
            watched()
    assert calls == [1]


def test_what_is_called_after_a_break_is_not_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plug_ins, "LONGEST_CALL", 0.06)
    with pytest.raises(PlugInFailed):
        WatchedCall("slow", runs_on)()
    assert [WatchedCall("quick", lambda: 1)() for _ in range(2_000)] == [1] * 2_000


@pytest.mark.parametrize("answer", [1.5, (1, 2.0), "1", None, Decimal("NaN"), (1, 2, 3), 1])
def test_an_answer_that_is_no_two_exact_numbers_is_named(answer: Any) -> None:
    with pytest.raises(PlugInFailed, match="the plug-in mine must return 2 exact numbers"):
        exact("mine", answer, 2)


def test_exact_numbers_are_taken_as_they_are() -> None:
    assert exact("mine", (Decimal("0.5"), 3), 2) == [Fraction(1, 2), 3]
