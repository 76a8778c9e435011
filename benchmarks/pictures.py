"""Curves as small SVG files, the same bytes for the same figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from benchmarks.peers import peer
from benchmarks.results import Picture

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "pictures"
_OURS: Final = "#c2410c"
_OTHERS: Final = ("#475569", "#0f766e", "#7c3aed", "#a16207")
_INK: Final = "#334155"
_GRID: Final = "#e2e8f0"


def draw(picture: Picture, folder: Path = FOLDER) -> Path | None:
    """Write a picture; None where matplotlib is not installed."""
    matplotlib: Any = peer("matplotlib")
    if matplotlib is None:
        return None
    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "ninja-daemon",
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.size": 9,
            "axes.edgecolor": _GRID,
            "axes.labelcolor": _INK,
            "xtick.color": _INK,
            "ytick.color": _INK,
            "text.color": _INK,
        }
    )
    plots: Any = peer("matplotlib.pyplot")
    figure, axes = plots.subplots(figsize=(6.0, 3.2))
    _curves(axes, picture)
    axes.set_title(picture.title, fontsize=10, loc="left", pad=10)
    axes.set_xlabel(picture.x)
    axes.set_ylabel(picture.y)
    axes.grid(visible=True, which="major", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(which="both", length=0)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{picture.name}.svg"
    figure.patch.set_facecolor("white")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plots.close(figure)
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")
    return path


def _curves(axes: Any, picture: Picture) -> None:  # noqa: ANN401 - matplotlib is loaded when it is there
    if picture.logarithmic:
        axes.set_xscale("log")
        axes.set_yscale("log")
    ticker: Any = peer("matplotlib.ticker")
    plain = ticker.FuncFormatter(lambda value, _: f"{value:,.10g}")
    axes.xaxis.set_major_formatter(plain)
    axes.yaxis.set_major_formatter(plain)
    for scale in (axes.xaxis, axes.yaxis):
        scale.set_minor_formatter(ticker.NullFormatter())
    others = iter(_OTHERS)
    for place, (label, points) in enumerate(picture.curves.items()):
        color = _OURS if place == 0 else next(others)
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3.5, linewidth=1.8, color=color, label=label)
    values = [value for points in picture.curves.values() for _, value in points]
    if max(values) < 8 * min(values):
        # A curve that is nearly level looks so, instead of filling the height with its noise.
        axes.set_ylim(min(values) / 4, max(values) * 4)
    if len(picture.curves) > 1:
        axes.legend(frameon=False, fontsize=8.5)
