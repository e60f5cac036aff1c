"""``make bench``: everything, or what ``ONLY`` names.

The environment chooses: ``ONLY`` (cases and extras, joined by commas), ``DATABASE`` (one kind),
``ROUNDS``, ``SECONDS`` of a cell and ``MINUTES`` of a soak. A run of everything writes
``docs/performance.md`` and its pictures; any other prints.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks import places, report
from benchmarks.cases import CASES, Case
from benchmarks.contestants import OURS_ALL
from benchmarks.load import Load, loading
from benchmarks.machine import described
from benchmarks.measuring import rounds
from benchmarks.places import KINDS, Place
from benchmarks.servers import Server, serving

ALWAYS = ("pgbench", "deep", "many", "scale")
ASKED_FOR = ("soak", "profile", "million")
"""Extras that take long or change pictures, so that they run only when they are named."""


@dataclass(frozen=True)
class Asked:
    """What the environment asks for."""

    only: tuple[str, ...]
    kinds: tuple[str, ...]
    rounds: int
    seconds: float
    minutes: float

    @classmethod
    def from_environment(cls) -> Asked:
        """Read it. Raises ``SystemExit`` naming what there is."""
        only = tuple(each for each in os.environ.get("ONLY", "").split(",") if each)
        known = (*(case.name for case in CASES), *ALWAYS, *ASKED_FOR)
        kind = os.environ.get("DATABASE", "")
        if set(only) - set(known) or kind not in ("", *KINDS):
            msg = f"ONLY takes {', '.join(known)}; DATABASE takes {', '.join(KINDS)}"
            raise SystemExit(msg)
        return cls(
            only=only,
            kinds=(kind,) if kind else KINDS,
            rounds=int(os.environ.get("ROUNDS", "12")),
            seconds=float(os.environ.get("SECONDS", "0.2")),
            minutes=float(os.environ.get("MINUTES", "10")),
        )

    @property
    def everything(self) -> bool:
        """Whether the documentation is written anew."""
        return not self.only and len(self.kinds) == len(KINDS)

    @property
    def cases(self) -> tuple[Case, ...]:
        """The work to measure."""
        return tuple(case for case in CASES if not self.only or case.name in self.only)

    def wants(self, extra: str) -> bool:
        """Whether an extra is to be done."""
        return extra in self.only or (not self.only and extra in ALWAYS)


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command that prints


@contextmanager
def prepared(kinds: Sequence[str], folder: Path) -> Iterator[tuple[list[Place], str]]:
    """The databases with all rows, and PostgreSQL's version."""
    with ExitStack() as stack:
        address, postmaster = stack.enter_context(places.postgresql(folder))
        version = asyncio.run(_new_database(address("postgres").render_as_string(False)))
        yield (
            [
                asyncio.run(
                    places.prepare(kind, folder / kind, None, None)
                    if kind == "sqlite"
                    else places.prepare(kind, folder / kind, address(places.NAME), postmaster)
                )
                for kind in kinds
            ],
            version,
        )


async def _new_database(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"CREATE DATABASE {places.NAME}")
        found: str = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    return found


def measured(asked: Asked, load: Load, ready: Sequence[Place], folder: Path) -> list[str]:
    """Everything that is asked for, as Markdown; pictures are written."""
    parts = []
    if asked.cases:
        results = rounds(load, ready, asked.cases, asked.rounds, asked.seconds, say)
        parts.append(report.whole(results, asked.kinds, asked.cases))
        if asked.everything:
            from benchmarks import plots  # noqa: PLC0415 - slow to import, and seldom needed

            for kind in asked.kinds:
                plots.bars(results, kind, asked.cases)
    return [*parts, *extras(asked, load, ready, folder)]


def extras(asked: Asked, load: Load, ready: Sequence[Place], folder: Path) -> Iterator[str]:
    """What is asked for beside the contestants, as Markdown."""
    from benchmarks.extras import depth, many, pgbench, scale  # noqa: PLC0415 - as needed

    few = (asked.rounds + 1) // 2
    postgresql = [each for each in ready if each.kind == "postgresql"]
    if asked.wants("pgbench") and postgresql:
        yield pgbench.found(postgresql[0])
    if asked.wants("deep"):
        yield with_ours(ready, lambda servers: depth.found(load, servers, few, asked.seconds))
    if asked.wants("many"):
        yield many.found(load, folder / "many", few, asked.seconds)
    if asked.wants("scale"):
        yield scale.found(load, (postgresql or ready)[0], few, asked.seconds)
    if asked.wants("soak"):
        yield with_ours(ready, lambda servers: soaked(asked, load, servers))
    if asked.wants("profile"):
        yield with_ours(ready[-1:], lambda servers: profiled(load, servers[0]))
    if asked.wants("million"):
        yield crowded(ready, folder)


def with_ours(ready: Sequence[Place], work: Callable[[list[Server]], str]) -> str:
    """What is found with ours running on each database."""
    with ExitStack() as stack:
        return work([stack.enter_context(serving(OURS_ALL, place)) for place in ready])


def soaked(asked: Asked, load: Load, servers: Sequence[Server]) -> str:
    """A soak, and its place in the documentation."""
    from benchmarks import plots  # noqa: PLC0415 - slow to import, and seldom needed
    from benchmarks.extras import soak  # noqa: PLC0415

    samples, text = soak.found(load, servers, asked.minutes, say)
    plots.memory(samples)
    report.write("soak", text)
    return text


def profiled(load: Load, server: Server) -> str:
    """Flame graphs, and the shares' place in the documentation."""
    from benchmarks.extras import profile  # noqa: PLC0415 - it needs matplotlib

    text = profile.found(load, server)
    report.write("profile", text)
    return text


def crowded(ready: Sequence[Place], folder: Path) -> str:
    """The panel over a million records, and its place in the documentation."""
    from benchmarks.extras import panel_million  # noqa: PLC0415 - as needed

    text = panel_million.found(ready, folder, say)
    if len(ready) == len(KINDS) and panel_million.WHOLE:
        report.write("million", text)
    return text


def main() -> None:
    """Measure, and print or write."""
    asked = Asked.from_environment()
    folder = places.scratch()
    try:
        with prepared(asked.kinds, folder) as (ready, version), loading() as load:
            text = "\n\n".join([described(version), *measured(asked, load, ready, folder)])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(text)  # noqa: T201 - a command that prints
    if asked.everything:
        report.write("measured", text)


if __name__ == "__main__":
    main()
