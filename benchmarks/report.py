"""What was measured as Markdown, and its place in the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.cases import Case
from benchmarks.contestants import CONTESTANTS, GUARANTEES
from benchmarks.floor import verdicts
from benchmarks.measuring import Cell, Results

DOCUMENT = Path(__file__).parent.parent / "docs" / "performance.md"
KIND = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
PLACES = ((100, 0), (10, 1), (1, 2))
"""How many decimal places a number has from here on; a smaller one has three."""
LABELS = {each.name: each.label for each in CONTESTANTS}


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A table, whose first columns are text and the others figures."""
    line = ["---"] * left + ["--:"] * (len(head) - left)
    return "\n".join(f"| {' | '.join(each)} |" for each in (head, line, *rows))


def whole(results: Results, kinds: Sequence[str], cases: Sequence[Case]) -> str:
    """The floor, who guarantees what, and every figure."""
    parts = [floor_table(results, cases), guarantee_table()]
    for kind in kinds:
        parts += [f"### {KIND[kind]}", figures(results, kind, cases)]
    return "\n\n".join(part for part in parts if part)


def floor_table(results: Results, cases: Sequence[Case]) -> str:
    """What was to be reached, and whether it was."""
    labels = {case.name: case.label for case in cases}
    rows = [
        (
            *(labels[each.case], KIND[each.kind], _named(each.wanted)),
            *(each.found, each.between, _word(met=each.met)),
        )
        for each in verdicts(results)
    ]
    head = ("work", "database", "floor", "reached", "of its rounds", "")
    return table(head, rows, 3) if rows else ""


def guarantee_table() -> str:
    """What each contestant does for a request."""
    rows = [(each.label, *each.guarantees) for each in CONTESTANTS]
    return table(("contestant", *GUARANTEES), rows, 1 + len(GUARANTEES))


def figures(results: Results, kind: str, cases: Sequence[Case]) -> str:
    """Every contestant's figures on one kind of database."""
    head = (
        *("work", "contestant", "requests/s", "p50 ms", "p99 ms", "÷ ceiling", "÷ DRF"),
        *("CPU µs", *(["PostgreSQL µs"] if kind == "postgresql" else []), "RSS MiB"),
    )
    return table(head, _figures(results, kind, cases), 2)


def _figures(results: Results, kind: str, cases: Sequence[Case]) -> Iterator[tuple[str, ...]]:
    for case in cases:
        label = case.label
        for name in case.requests:
            cell = results.median(kind, case.name, name)
            if cell is None:
                continue
            ratios = (results.ratio(kind, case.name, name, other) for other in ("ceiling", "drf"))
            yield (
                *(label, LABELS[name] + _refused(cell), number(cell.rate)),
                *(number(cell.p50), number(cell.p99)),
                *("–" if each is None else number(each) for each in ratios),
                number(cell.cpu),
                *([number(cell.database)] if kind == "postgresql" else []),
                f"{cell.memory:.0f}",
            )
            label = ""


def _refused(cell: Cell) -> str:
    return f" ({cell.refused:.1f} % refused)" if cell.refused else ""


def number(value: float) -> str:
    """Three digits that matter, or all of a large number."""
    places = next((places for least, places in PLACES if value >= least), 3)
    return f"{value:,.{places}f}"


def _named(wanted: str) -> str:
    return re.sub(r"× (\w+)$", lambda found: f"× {LABELS[found[1]]}", wanted)


def _word(*, met: bool) -> str:
    return "met" if met else "**missed**"


def write(name: str, text: str) -> None:
    """Put ``text`` between the marks of a name in the document; the rest of it is people's."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    document = DOCUMENT.read_text("utf-8")
    before, found, rest = document.partition(begin)
    _, ends, after = rest.partition(end)
    if not (found and ends):
        msg = f"{DOCUMENT.name} has no marks {begin} and {end}"
        raise SystemExit(msg)
    DOCUMENT.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", "utf-8")
