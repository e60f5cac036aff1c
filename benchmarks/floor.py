"""What ours has to reach at least, beside the others in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measuring import Results

BOTH = ("postgresql", "sqlite")
FIRST_BYTE = 50.0
"""Milliseconds until an export's first byte."""
FLAT = 16.0
"""MiB that the memory may grow by while an export runs."""


@dataclass(frozen=True)
class Floor:
    """At least so many times the requests of another."""

    case: str
    other: str
    least: dict[str, float]
    """By kind of database."""


def _both(least: float) -> dict[str, float]:
    return dict.fromkeys(BOTH, least)


def _postgresql(case: str, drf: float, fastcrud: float) -> tuple[Floor, Floor]:
    return (
        Floor(case, "drf", {"postgresql": drf}),
        Floor(case, "fastcrud", {"postgresql": fastcrud}),
    )


FLOORS = (
    Floor("get", "ceiling", {"postgresql": 0.55, "sqlite": 0.18}),
    *_postgresql("get", 5, 5),
    Floor("count", "ceiling", {"postgresql": 0.9, "sqlite": 0.45}),
    *_postgresql("count", 10, 9),
    Floor("list", "ceiling", {"postgresql": 0.8, "sqlite": 0.45}),
    *_postgresql("list", 12, 10),
    Floor("embed", "ceiling", {"postgresql": 0.9, "sqlite": 0.6}),
    *_postgresql("embed", 14, 20),
    Floor("post", "core", {"postgresql": 0.5, "sqlite": 0.3}),
    *_postgresql("post", 4, 4),
    Floor("patch", "core", {"postgresql": 0.5, "sqlite": 0.3}),
    *_postgresql("patch", 4, 4),
    Floor("bulk", "ceiling", _both(0.4)),
    *_postgresql("bulk", 15, 20),
    Floor("csv", "ceiling", _both(0.9)),
    *_postgresql("csv", 12, 7),
)


@dataclass(frozen=True)
class Verdict:
    """One thing that was to be reached, and what was."""

    case: str
    kind: str
    wanted: str
    found: str
    between: str
    """The lowest and the highest of the rounds."""
    met: bool


def verdicts(results: Results) -> Iterator[Verdict]:
    """How ours stands to each floor that was measured."""
    for floor in FLOORS:
        for kind, least in floor.least.items():
            ratios = results.ratios(kind, floor.case, "ours", floor.other)
            if ratios:
                ratio, wanted = statistics.median(ratios), f"≥ {least:g} × {floor.other}"
                between = f"{min(ratios):.2f} to {max(ratios):.2f}"
                yield Verdict(floor.case, kind, wanted, f"{ratio:.2f} ×", between, ratio >= least)
    for kind in BOTH:
        cell = results.median(kind, "csv", "ours")
        if cell is not None:
            first, grown = cell.first_byte, cell.grown
            wanted = f"first byte < {FIRST_BYTE:g} ms"
            yield Verdict("csv", kind, wanted, f"{first:.0f} ms", "", first < FIRST_BYTE)
            wanted = f"memory flat (< {FLAT:g} MiB)"
            yield Verdict("csv", kind, wanted, f"{grown:+.0f} MiB", "", grown < FLAT)
