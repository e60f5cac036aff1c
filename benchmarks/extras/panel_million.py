"""The panel over a million books and a million authors, beside SQLAdmin on the same rows."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path

import asyncpg
from sqlalchemy.engine import make_url

from benchmarks.contestants import ASGI, OURS_ALL, PANEL, Contestant
from benchmarks.measuring import MIB
from benchmarks.places import Place
from benchmarks.report import KIND, number, table
from benchmarks.servers import PROJECT, Server, serving

ROWS = int(os.environ.get("ROWS", "1_000_000"))
WHOLE = ROWS == 1_000_000  # noqa: PLR2004 - what the name says
TIMES = 15
EXPORTED = 100_000
"""Rows of SQLAdmin's export, which it gathers in memory before it sends the first."""
PATIENCE = 300.0
KIB = 1024
COUNTED = "counted"
STOCK = replace(PANEL, module="benchmarks.contestants.panel_library:application")
CONTESTANTS = (OURS_ALL, STOCK)


def counted(contestant: Contestant) -> Contestant:
    """The same, telling how many statements it takes."""
    module = f"benchmarks.contestants.counted:{contestant.name}"
    return replace(contestant, name=f"{contestant.name}-{COUNTED}", command=ASGI, module=module)


@dataclass(frozen=True)
class Page:
    """A kind of page, where each contestant has it, and what was to be reached."""

    label: str
    ours: str
    sqladmin: str = ""
    most_ms: float = 0.0
    most_statements: int = 0
    most_kib: int = 0


KEY = ROWS // 2
LAST = -(-ROWS // 25)
LOOK_UP = "/admin/book/ajax/lookup?name=authors&term=bace"
FIRST = "/admin/book/list"
STOCK_FIRST = f"{FIRST}?pageSize=25"
PAGES = (
    Page("list", FIRST, STOCK_FIRST, 30, 6, 60),
    Page("list, last page", f"{FIRST}?place=-1", f"{STOCK_FIRST}&page={LAST}", 30, 6, 60),
    Page("search, 960 found", f"{FIRST}?search=bacedi", f"{STOCK_FIRST}&search=bacedi", 30, 6),
    Page("search, 29,000 found", f"{FIRST}?search=bace", f"{STOCK_FIRST}&search=bace", 30, 6),
    Page("search, two words, 350 found", f"{FIRST}?search=bacedi+ce", "", 30, 6),
    Page("filter and order", f"{FIRST}?language=est&year__gte=1990&sort=-year", "", 30, 6),
    Page("counts of a filter", "/admin/book/filter?field=language"),
    Page("record", f"/admin/book/details/{KEY}", f"/admin/book/details/{KEY}"),
    Page("form", f"/admin/book/edit/{KEY}", f"/admin/book/edit/{KEY}", 20, 0, 100),
    Page("look-up of an author", LOOK_UP, LOOK_UP),
    Page("history", f"/admin/book/history/{KEY}"),
    Page("what a delete does", "/admin/author/delete?key=7"),
)


def found(ready: Sequence[Place], folder: Path, say: Callable[[str], None]) -> str:
    """Milliseconds, statements and KiB of each page, then the export, as tables."""
    pages: list[tuple[str, ...]] = []
    exports: list[tuple[str, ...]] = []
    for beside in ready:
        made = folder / f"million-{beside.kind}"
        made.mkdir()
        (made / "migrations").symlink_to(PROJECT / "migrations")
        place = prepare(beside, made)
        say(f"{ROWS:,} books and authors are in {KIND[place.kind]}.")
        pages += _pages(place)
        exports += _exports(place)
    head = (
        *("page", "database", "ours ms", "statements", "KiB", ""),
        *("SQLAdmin ms", "statements", "KiB"),
    )
    export_head = ("CSV export", "contestant", "first byte ms", "rows/s", "MiB grown")
    return "\n\n".join((table(head, pages, 2), table(export_head, exports, 2)))


def prepare(beside: Place, folder: Path) -> Place:
    """Another database of the same kind with the rows, and somebody who may do everything."""
    url, plain = asyncio.run(_address(beside, folder / "library.db"))
    # In a process of its own: what the other contestants serve has tables of the same names.
    made = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "benchmarks.million", beside.kind, folder, url, plain, str(ROWS)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        check=True,
    )
    known = json.loads(made.stdout)
    return Place(beside.kind, folder, url, plain, **known, postmaster=beside.postmaster)


async def _address(beside: Place, file: Path) -> tuple[str, str]:
    if beside.kind == "sqlite":
        return f"sqlite+aiosqlite:///{file}", str(file)
    connection = await asyncpg.connect(beside.plain)
    try:
        await connection.execute("CREATE DATABASE million")
    finally:
        await connection.close()
    url, plain = (make_url(each).set(database="million") for each in (beside.url, beside.plain))
    return url.render_as_string(hide_password=False), plain.render_as_string(hide_password=False)


@dataclass(frozen=True)
class Answer:
    """What came back for a page."""

    milliseconds: float
    first_byte: float
    size: int
    statements: int


class Browser:
    """Somebody who looks at one page after the other."""

    def __init__(self, server: Server) -> None:
        self._http = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self._headers = {"Cookie": f"session={server.place.cookie}"}

    def get(self, path: str, **headers: str) -> Answer:
        """Ask for a page and read it. Raises ``SystemExit`` unless there is one."""
        # Anew each time: servers end connections on which nothing is asked for some seconds.
        self._http.close()
        self._http.connect()
        began = time.perf_counter()
        self._http.request("GET", path, headers={**self._headers, **headers})
        answer = self._http.getresponse()
        size = len(answer.read(1))
        first = time.perf_counter() - began
        while part := answer.read(2**18):
            size += len(part)
        took = time.perf_counter() - began
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise SystemExit(f"{path}: {answer.status}")
        statements = int(answer.getheader("x-statements") or 0)
        return Answer(took * 1e3, first * 1e3, size, statements)


def _pages(place: Place) -> Iterator[tuple[str, ...]]:
    with _browsers(place) as (timed, counting):
        for page in PAGES:
            cells: list[str] = []
            for contestant, path in zip(CONTESTANTS, (page.ours, page.sqladmin), strict=True):
                if not path:
                    cells += ["–"] * 3
                    continue
                statements = _counted(counting[contestant.name], path)
                answers = _timed(timed[contestant.name], path)
                ms = statistics.median(each.milliseconds for each in answers)
                kib = answers[0].size / KIB
                cells += [number(ms), str(statements), number(kib)]
                if contestant is OURS_ALL:
                    cells.append(_verdict(page, ms, statements, kib))
            yield page.label, KIND[place.kind], *cells


@contextmanager
def _browsers(place: Place) -> Iterator[tuple[dict[str, Browser], dict[str, Browser]]]:
    with ExitStack() as stack:
        timed, counting = (
            {
                each.name: Browser(stack.enter_context(serving(made(each), place)))
                for each in CONTESTANTS
            }
            for made in (lambda each: each, counted)
        )
        yield timed, counting


def _counted(browser: Browser, path: str) -> int:
    browser.get(path)
    # Now and then somebody else's are among them: requests are counted in the background.
    return min(browser.get(path).statements for _ in range(3))


def _timed(browser: Browser, path: str) -> list[Answer]:
    warm = browser.get(path)
    times = TIMES if warm.milliseconds < 1e3 else 3  # noqa: PLR2004 - seconds are told soon
    return [browser.get(path) for _ in range(times)]


def _verdict(page: Page, ms: float, statements: int, kib: float) -> str:
    limits = (
        (page.most_ms, ms, "ms"),
        (page.most_statements, statements, "statements"),
        (page.most_kib, kib, "KiB"),
    )
    asked = [(most, reached, unit) for most, reached, unit in limits if most]
    missed = [f"{most:g} {unit}" for most, reached, unit in asked if reached > most]
    return f"**missed {', '.join(missed)}**" if missed else "met" if asked else ""


def _exports(place: Place) -> Iterator[tuple[str, ...]]:
    cases: tuple[tuple[Contestant, int, str, dict[str, str]], ...] = (
        (OURS_ALL, ROWS, "/api/v1/books", {"Accept": "text/csv"}),
        (STOCK, min(EXPORTED, ROWS), "/admin/book/export/csv", {}),
    )
    for contestant, rows, path, headers in cases:
        token = {"Authorization": f"Bearer {place.token}"} if headers else {}
        with serving(contestant, place) as server:
            browser = Browser(server)
            browser.get("/admin/book/list")
            if contestant is OURS_ALL:
                browser.get(f"{path}?limit=1", **token)
            server.forget_peak()
            before = server.memory
            answer = browser.get(path, **headers, **token)
            grown = (server.peak - before) / MIB
        yield (
            *(f"{rows:,} books, {KIND[place.kind]}", contestant.label),
            *(number(answer.first_byte), number(rows / answer.milliseconds * 1e3), f"{grown:.0f}"),
        )
