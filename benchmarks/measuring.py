"""Rounds of cells: one contestant and one kind of work, for less than a second.

A round goes through the kinds of work in a new order, and through the contestants of each in a new
order: those who are compared follow each other, since a shared machine is never as quick for long.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from http.client import HTTPConnection
from itertools import product
from urllib.parse import urlencode

from benchmarks import data
from benchmarks.cases import Case
from benchmarks.checks import check
from benchmarks.contestants import CONTESTANTS, Contestant
from benchmarks.load import Job, Load
from benchmarks.places import NAME, Place
from benchmarks.servers import Server, cpu_seconds, serving

WARM = 0.1
"""Seconds before each cell that do not count."""
WRITES = frozenset({"post", "patch", "bulk"})
MIB = 2**20

Key = tuple[str, str, str]
"""Kind of database, case, contestant."""


@dataclass(frozen=True)
class Cell:
    """What was measured; times in milliseconds but for the CPU's, which are µs of a request."""

    rate: float
    p50: float
    p99: float
    first_byte: float
    cpu: float
    database: float
    memory: float
    grown: float
    """MiB above what there was before, at the worst moment."""
    refused: float
    """Per cent of the requests that were answered with an error; they count in no rate."""


@dataclass(frozen=True)
class Results:
    """All cells, round by round."""

    cells: dict[Key, list[Cell]]

    def median(self, kind: str, case: str, name: str) -> Cell | None:
        """The cell whose every figure is the median of the rounds."""
        found = self.cells.get((kind, case, name))
        if not found:
            return None
        return Cell(
            *(statistics.median(getattr(each, one.name) for each in found) for one in fields(Cell))
        )

    def ratios(self, kind: str, case: str, one: str, other: str) -> list[float]:
        """How many times as many requests as another, in each round; none if one was not there."""
        mine, theirs = (self.cells.get((kind, case, name)) for name in (one, other))
        if not mine or not theirs:
            return []
        return [each.rate / beside.rate for each, beside in zip(mine, theirs, strict=True)]

    def ratio(self, kind: str, case: str, one: str, other: str) -> float | None:
        """The median of these."""
        found = self.ratios(kind, case, one, other)
        return statistics.median(found) if found else None


@contextmanager
def all_serving(
    place: Place, cases: Sequence[Case], workers: int = 1
) -> Iterator[dict[str, Server]]:
    """Run those contestants that the cases ask."""
    wanted = {name for case in cases for name in case.requests}
    with ExitStack() as stack:
        yield {
            each.name: stack.enter_context(serving(each, place, workers))
            for each in CONTESTANTS
            if each.name in wanted
        }


def sign_ins(servers: Mapping[str, Server]) -> dict[str, str]:
    """The cookies of those who sign people in."""
    cookies = {name: f"session={each.place.cookie}" for name, each in servers.items()}
    if "sqladmin" in servers:
        cookies["sqladmin"] = _sign_in(servers["sqladmin"])
    return cookies


def _sign_in(server: Server) -> str:
    http = HTTPConnection("127.0.0.1", server.port)
    form = urlencode({"username": NAME, "password": server.place.token})
    kind = "application/x-www-form-urlencoded"
    http.request("POST", "/admin/login", form, {"Content-Type": kind})
    cookie = http.getresponse().getheader("set-cookie") or ""
    http.close()
    return cookie.partition(";")[0]


def rounds(
    load: Load,
    places: Sequence[Place],
    cases: Sequence[Case],
    many: int,
    seconds: float,
    said: Callable[[str], None],
) -> Results:
    """Check that all do the same, then measure it ``many`` times."""
    found: dict[Key, list[Cell]] = {}
    chance = random.Random()  # noqa: S311 - the order of rounds is no secret
    with ExitStack() as stack:
        running = [stack.enter_context(all_serving(place, cases)) for place in places]
        cookies = [sign_ins(servers) for servers in running]
        for servers, known in zip(running, cookies, strict=True):
            for each in cases:
                check(load, each, servers, known)
            clean(next(iter(servers.values())).place)
        said("All answer the same.")
        for number in range(many):
            works = [*product(cases, zip(running, cookies, strict=True))]
            for case, (servers, known) in chance.sample(works, len(works)):
                for name in chance.sample([*case.requests], len(case.requests)):
                    server = servers[name]
                    cell = measure(load, server, case, seconds, known.get(name, ""))
                    found.setdefault((server.place.kind, case.name, name), []).append(cell)
            said(f"Round {number + 1} of {many} is done.")
    return Results(found)


def measure(
    load: Load, server: Server, case: Case, seconds: float, cookie: str = "", connections: int = 0
) -> Cell:
    """One cell."""
    requests = case.requests[server.contestant.name].made(server.place, cookie)
    many = connections or case.connections
    if many > 1:
        load(Job(server.port, requests, many, WARM))
    postmaster = server.place.postmaster
    server.forget_peak()
    at_rest = server.memory
    before = server.cpu, cpu_seconds(postmaster) if postmaster else 0.0
    outcome = load(Job(server.port, requests, many, seconds))
    after = server.cpu, cpu_seconds(postmaster) if postmaster else 0.0
    done = len(outcome.times) - len(outcome.refused)
    if done <= 0:
        msg = f"{server.contestant.name} refused “{case.label}”: {outcome.refused[0]}"
        raise SystemExit(msg)
    if case.name in WRITES:
        clean(server.place)
    each = 1e6 / done
    return Cell(
        done / outcome.elapsed,
        outcome.quantile(50),
        outcome.quantile(99),
        statistics.median(outcome.first_bytes) * 1e3,
        (after[0] - before[0]) * each,
        (after[1] - before[1]) * each,
        server.memory / MIB,
        (server.peak - at_rest) / MIB,
        100 * len(outcome.refused) / len(outcome.times),
    )


def clean(place: Place) -> None:
    """Leave the tables as they were."""
    asyncio.run(data.tidy(place.kind, place.plain))


def contestant(name: str) -> Contestant:
    """The contestant of a name."""
    return next(each for each in CONTESTANTS if each.name == name)
