"""What a second worker adds, to ours and to the ceiling."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from benchmarks.cases import GET_ONE, LIST
from benchmarks.load import Load
from benchmarks.measuring import contestant, measure
from benchmarks.places import Place
from benchmarks.report import KIND, LABELS, number, table
from benchmarks.servers import serving

CASES = (GET_ONE, LIST)
CONNECTIONS = 16
NAMES = ("ours", "ceiling")


def found(load: Load, place: Place, rounds: int, seconds: float) -> str:
    """Requests a second with one and with two workers, and the gain, as a table."""
    rates: dict[tuple[str, str, int], list[float]] = {}
    with ExitStack() as stack:
        servers = {
            (name, workers): stack.enter_context(serving(contestant(name), place, workers))
            for name in NAMES
            for workers in (1, 2)
        }
        for _ in range(rounds):
            for case in CASES:
                for (name, workers), server in servers.items():
                    cell = measure(load, server, case, seconds, connections=CONNECTIONS)
                    rates.setdefault((case.label, name, workers), []).append(cell.rate)
    head = (f"{KIND[place.kind]}, {CONNECTIONS} connections", "contestant")
    rows = []
    for case in CASES:
        for name in NAMES:
            one, two = (statistics.median(rates[case.label, name, many]) for many in (1, 2))
            rows.append((case.label, LABELS[name], number(one), number(two), f"{two / one:.2f} ×"))
    return table((*head, "1 worker", "2 workers", "gain"), rows, 2)
