"""What BENCHMARKS.md and README say comes from one run, and the one quotes the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import pictures, report
from benchmarks.against import TITLE as AGAINST, figures_in
from benchmarks.children import ROOT
from benchmarks.results import Chapter, Figure, Picture, Table, at_least, at_most, quantile, short

CHAPTER = Chapter(
    "A chapter",
    "How it was done.\n",
    [Table(["", "seconds"], [["ours", "1"], ["theirs", "2"]])],
    [
        at_least("wake-cpu", "less CPU than theirs", 20.0, 10.0),
        at_most("replay", "a replay", 3.0, 2.0, " s"),
        Figure("idle", "nothing asked for", 0.5, "0.5 %"),
    ],
    [Picture("a-curve", "A curve", "x", "y", {"ours": [(1.0, 1.0), (10.0, 2.0)]})],
)
MACHINE = Table(["what", "which"], [["processor", "2 × a fast one"]], words=2)


def marked(path: Path) -> list[str]:
    """The lines of README's table of figures."""
    text = path.read_text(encoding="utf-8")
    assert text.count(report.BEGIN) == text.count(report.END) == 1, "README must mark the figures that it quotes"
    inside = text.partition(report.BEGIN)[2].partition(report.END)[0]
    return [line for line in inside.splitlines() if line.startswith("| `")]


def test_every_figure_that_readme_quotes_is_a_line_of_the_benchmarks() -> None:
    lines = report.REPORT.read_text(encoding="utf-8").splitlines()
    quoted = marked(report.README)
    assert len(quoted) == len(report.QUOTED)
    assert not [line for line in quoted if line not in lines]


def test_every_picture_of_the_benchmarks_is_there_and_small() -> None:
    named = re.findall(r"\((docs/pictures/[a-z-]+\.svg)\)", report.REPORT.read_text(encoding="utf-8"))
    assert len(named) >= 4
    for name in named:
        assert 1_000 < (ROOT / name).stat().st_size < 60_000, name


def test_a_run_writes_the_page_and_what_readme_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "REPORT", tmp_path / "BENCHMARKS.md")
    monkeypatch.setattr(report, "README", readme)
    assert report.write([CHAPTER], MACHINE, 7.0) == [tmp_path / "BENCHMARKS.md", readme]
    page = (tmp_path / "BENCHMARKS.md").read_text(encoding="utf-8")
    assert "| `wake-cpu` | less CPU than theirs | 20.0× | at least 10.0× | reached |" in page
    assert "| `replay` | a replay | 3 s | at most 2 s | **missed** |" in page
    assert "| `idle` | nothing asked for | 0.5 % | – | – |" in page
    assert "\n* `replay` is missed: the reason is not known.\n" in page
    assert "`wake-cpu` is missed" not in page
    assert "![A curve](docs/pictures/a-curve.svg)" in page
    lines = marked(readme)
    assert [line.split("`")[1] for line in lines] == ["wake-cpu", "replay"]
    assert set(lines) <= set(page.splitlines())
    assert readme.read_text(encoding="utf-8").startswith("before\n")
    assert readme.read_text(encoding="utf-8").endswith("after\n")


def test_a_whole_run_keeps_the_section_of_the_run_of_two_trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "REPORT", tmp_path / "BENCHMARKS.md")
    monkeypatch.setattr(report, "README", tmp_path / "README.md")
    (tmp_path / "README.md").write_text("nothing is marked here\n", encoding="utf-8")
    report.write([CHAPTER], MACHINE, 7.0)
    machine = Table(
        ["what", "which"],
        [[name, "one"] for name in ("date", "processor", "load before the start", "its libraries", "peers")],
    )
    both = Table(["name", "then", "now"], [["`start`", "2", "1"]])
    report.put([Chapter(AGAINST, "Both in turn.\n", [both])], machine)
    report.write([CHAPTER], MACHINE, 8.0)
    page = report.REPORT.read_text(encoding="utf-8")
    assert page.count(f"## {AGAINST}\n") == page.count("| `start` | 2 | 1 |") == page.count("## Counted") == 1
    assert "The run took 8 minutes." in page


def test_a_single_chapter_takes_the_old_ones_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    before_marks = "| `import` | a command |\n\n"
    readme.write_text(f"{before_marks}{report.BEGIN}\n{report.END}\n\nafter\n", encoding="utf-8")
    monkeypatch.setattr(report, "REPORT", tmp_path / "BENCHMARKS.md")
    monkeypatch.setattr(report, "README", readme)
    other = Chapter("Another", "Text of the other.\n", figures=[at_most("memory", "bytes held", 5.0, 9.0, " MB")])
    machine = Table(
        ["what", "which"],
        [
            *(["date", "a day"], ["processor", "one"], ["load before the start", "0.1"]),
            *(["its libraries", "numpy 2"], ["peers", "pandas 3"]),
        ],
        words=2,
    )
    report.write([CHAPTER, other], MACHINE, 7.0)
    before = (tmp_path / "BENCHMARKS.md").read_text(encoding="utf-8")
    newer = Chapter("A chapter", "Done anew.\n", figures=[at_least("wake-cpu", "less CPU than theirs", 30.0, 10.0)])
    new = Chapter("A third", "Never seen.\n", figures=[at_least("import", "lines", 2.0, 1.5)])
    report.put([newer, new], machine)
    report.put([newer, new], machine)
    page = (tmp_path / "BENCHMARKS.md").read_text(encoding="utf-8")
    assert re.findall("^## .*", page, re.MULTILINE) == [
        *(
            "## Figures with a name",
            "## The machine",
            "## A chapter",
            "## Another",
            "## A third",
            "## Counted, not timed",
        )
    ]
    assert (
        page.count("Done anew.\n\nMeasured by itself on a day, on one, load before the start 0.1; versions: numpy 2")
        == 1
    )
    assert "How it was done" not in page
    assert "Text of the other." in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["wake-cpu", "replay", "idle", "memory", "import"]
    assert "| `wake-cpu` | less CPU than theirs | 30.0× | at least 10.0× | reached |" in rows
    assert marked(readme) == [row for row in rows if "`wake-cpu`" in row or "`replay`" in row or "`memory`" in row]
    assert page.endswith(before[-200:])
    assert readme.read_text(encoding="utf-8").startswith(before_marks)


def test_a_readme_without_the_marks_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing\n", encoding="utf-8")
    monkeypatch.setattr(report, "REPORT", tmp_path / "BENCHMARKS.md")
    monkeypatch.setattr(report, "README", readme)
    assert report.write([CHAPTER], MACHINE, 7.0) == [tmp_path / "BENCHMARKS.md"]
    assert readme.read_text(encoding="utf-8") == "nothing\n"


def test_without_the_library_no_picture_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "peer", lambda _: None)
    assert pictures.draw(CHAPTER.pictures[0], tmp_path) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.123"), (2.0, "2"), (9.876, "9.88"), (24.68, "24.7"), (1234.5, "1,234")]
)
def test_numbers_are_shown_with_the_digits_that_count(value: float, text: str) -> None:
    assert short(value) == text


def test_a_quantile_is_one_of_the_values() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([1.0], 0.99) == 1.0
    assert quantile(list(map(float, range(100))), 0.99) == 99.0


def test_figures_of_another_tree_are_read_from_what_it_prints() -> None:
    figures = [
        Figure("delivery", "p50 from the push to the post", 2.1e-3, "2.1 ms"),
        at_least("wake-cpu", "less CPU a wake", 1_234.5, 10.0),
    ]
    assert figures_in(report.summary(figures).markdown()) == {
        "delivery": ("p50 from the push to the post", 2.1),
        "wake-cpu": ("less CPU a wake", 1_234.0),
    }
