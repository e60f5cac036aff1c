"""Memory under a mixed load, for as long as it takes to see whether it is flat."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from benchmarks.cases import COUNTED, EMBED, GET_ONE, LIST, PATCH, POST
from benchmarks.load import Job, Load
from benchmarks.measuring import MIB, clean
from benchmarks.report import KIND, number, table
from benchmarks.servers import Server

EACH = 15.0
"""Seconds between samples."""
CONNECTIONS = 8
MIX = ((GET_ONE, 512), (LIST, 128), (COUNTED, 64), (EMBED, 64), (POST, 64), (PATCH, 128))
SETTLED = 4
"""Samples after which caches and pools are as full as they become."""

Samples = list[tuple[float, float]]


def found(
    load: Load, servers: Sequence[Server], minutes: float, said: Callable[[str], None]
) -> tuple[dict[str, Samples], str]:
    """Samples of minutes and MiB by kind of database, and what they say as a table."""
    samples: dict[str, Samples] = {}
    rows = []
    for server in servers:
        kind = server.place.kind
        points: Samples = [(0.0, server.memory / MIB)]
        answered = 0
        for number_of in range(round(minutes * 60 / EACH)):
            outcome = load(Job(server.port, _mixed(server), CONNECTIONS, EACH))
            if outcome.refused:
                raise SystemExit(f"soak on {kind}: {outcome.refused[0]}")
            answered += len(outcome.times)
            clean(server.place)
            points.append(((number_of + 1) * EACH / 60, server.memory / MIB))
            said(f"{kind}: {points[-1][0]:.2f} min, {points[-1][1]:.0f} MiB")
        samples[kind] = points
        settled, last = points[min(SETTLED, len(points) - 1)][1], points[-1][1]
        rows.append(
            (
                *(KIND[kind], number(minutes), f"{answered:,}", number(points[0][1])),
                *(number(settled), number(last)),
            )
        )
    head = ("soak", "minutes", "requests", "RSS MiB at first", "after 1 min", "at the end")
    return samples, table(head, rows)


def _mixed(server: Server) -> tuple[bytes, ...]:
    requests: list[bytes] = []
    for case, share in MIX:
        made = case.requests["ours"].made(server.place)
        requests += [made[index % len(made)] for index in range(share)]
    random.Random(4).shuffle(requests)  # noqa: S311 - the same mix every time
    return tuple(requests)
