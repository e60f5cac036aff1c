"""The pictures of ``docs/performance.md``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.cases import Case
from benchmarks.measuring import Results
from benchmarks.report import KIND, LABELS

IMAGES = Path(__file__).parent.parent / "docs" / "images"
COLOURS = {
    "ours": "#1d6fb8",
    "ceiling": "#9aa0a6",
    "core": "#5b8c5a",
    "fastcrud": "#d9902f",
    "drf": "#b3544d",
}
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "the same ids every time"})


def save(figure: Figure, name: str) -> Path:
    """Write a picture; the same figures make the same file."""
    path = IMAGES / f"performance-{name}.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        figure.savefig(path, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return path


def bars(results: Results, kind: str, cases: Sequence[Case]) -> Path:
    """Requests a second beside the ceiling's, of each kind of work."""
    shown = [case for case in cases if "ceiling" in case.requests]
    figure = Figure(figsize=(8, 0.9 * len(shown) + 1))
    axes: Any = figure.add_subplot()
    height = 0.8 / len(COLOURS)
    for place, (name, colour) in enumerate(COLOURS.items()):
        ratios = [results.ratio(kind, case.name, name, "ceiling") or 0 for case in shown]
        middles = [index + (place - 2) * height for index in range(len(shown))]
        axes.barh(middles, ratios, height * 0.9, color=colour, label=LABELS[name])
    axes.set_yticks(range(len(shown)), [case.label for case in shown])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel(f"requests a second ÷ the ceiling's, {KIND[kind]} (logarithmic)")
    axes.axvline(1, color="#444", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.09), ncol=3, frameon=False)
    return save(figure, kind)


def memory(samples: Mapping[str, Sequence[tuple[float, float]]]) -> Path:
    """MiB over minutes, by kind of database."""
    figure = Figure(figsize=(8, 3))
    axes: Any = figure.add_subplot()
    for kind, points in samples.items():
        axes.plot(*zip(*points, strict=True), marker=".", label=KIND[kind])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("minutes under a mixed load")
    axes.set_ylabel("RSS, MiB")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return save(figure, "soak")
