"""Keyset pages: the first and one deep inside, of a small and a large table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from benchmarks.cases import API, Case, Request
from benchmarks.load import Job, Load
from benchmarks.measuring import measure
from benchmarks.places import Place
from benchmarks.report import KIND, number, table
from benchmarks.servers import Server

LISTS = {"authors": 10_000, "books": 100_000}
DEEP = 0.9
STEP = 200


def found(load: Load, servers: Sequence[Server], rounds: int, seconds: float) -> str:
    """Latency and CPU of both pages, as a table."""
    head = ("keyset page of 50", "database", "p50 ms", "CPU µs", "PostgreSQL µs")
    rows = [row for server in servers for row in _rows(load, server, rounds, seconds)]
    return table(head, rows, 2)


def _rows(load: Load, server: Server, rounds: int, seconds: float) -> Iterator[tuple[str, ...]]:
    for plural, size in LISTS.items():
        skipped = int(size * DEEP) // STEP * STEP
        pages = {
            f"{plural}: first of {size:,}": "",
            f"{plural}: after {skipped:,} of {size:,}": _cursor(load, server, plural, skipped),
        }
        for label, cursor in pages.items():
            target = f"{API}/{plural}?limit=50&sort=id{cursor}"
            case = Case("deep", label, {"ours": Request(target)})
            cells = [measure(load, server, case, seconds) for _ in range(rounds)]
            best = min(cells, key=lambda cell: cell.cpu)
            yield (
                *(label, KIND[server.place.kind], number(best.p50)),
                *(number(best.cpu), number(best.database)),
            )


def _cursor(load: Load, server: Server, plural: str, skipped: int) -> str:
    """The parameter that leads past so many records, by walking there."""
    cursor = ""
    for _ in range(skipped // STEP):
        page = _page(load, server.place, server, f"{API}/{plural}?limit={STEP}&sort=id{cursor}")
        cursor = f"&cursor={page}"
    return cursor


def _page(load: Load, place: Place, server: Server, target: str) -> str:
    requests = Request(target).made(place)
    outcome = load(Job(server.port, requests, 1, 0.0, keep=True))
    if outcome.refused:
        raise SystemExit(f"{target}: {outcome.refused[0]}")
    following: str = json.loads(outcome.bodies[0])["page"]["next"]
    return following
