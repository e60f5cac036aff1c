"""The tools of ``make bench``: what they send, count and write is what they say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks import load, report
from benchmarks.cases import CASES, Request
from benchmarks.checks import meaning
from benchmarks.contestants import CONTESTANTS, GUARANTEES
from benchmarks.floor import FLOORS, verdicts
from benchmarks.measuring import Cell, Results
from benchmarks.places import Place

TIMES = "\N{MULTIPLICATION SIGN}"
PLACE = Place("sqlite", Path(), "", "", token="secret")


def cell(rate: float, **other: float) -> Cell:
    """A cell of which only the rate matters."""
    names = ("p50", "p99", "first_byte", "cpu", "database", "memory", "grown", "refused")
    return Cell(rate, *(other.get(name, 0.0) for name in names))


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers in turn, and what it was asked."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            asked.append(head)
            writer.write(answers[(len(asked) - 1) % len(answers)])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


OK = b'HTTP/1.1 200 OK\r\nETag: "7"\r\nContent-Length: 2\r\n\r\n{}'


async def test_the_load_numbers_its_requests_and_returns_the_tag_it_was_given() -> None:
    """A request that holds a number has a new one each time, and the record's last tag."""
    request = b"PATCH /%s HTTP/1.1\r\n%s\r\n\r\n" % (load.NUMBER, load.IF_MATCH)
    async with answering(OK) as (port, asked):
        outcome = await load.run(load.Job(port, (request,), 1, 0.3))
    numbers = [re.findall(rb"/(\d{8}) ", each)[0] for each in asked]
    assert len(set(numbers)) == len(asked) == len(outcome.times) > 1
    assert load.IF_MATCH in asked[0]
    assert all(b'If-Match: "7"' in each for each in asked[1:])
    assert outcome.refused == []
    assert outcome.size == 2 * len(asked)
    assert 0 < outcome.quantile(50) <= outcome.quantile(99)


async def test_the_load_tells_of_every_refusal() -> None:
    """An answer that is no success is told of with its body."""
    refused = b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nwhy"
    async with answering(refused) as (port, _):
        outcome = await load.run(load.Job(port, (b"GET / HTTP/1.1\r\n\r\n",), 2, 0.0))
    assert outcome.refused == ["500 b'why'"] * 2


def test_a_request_is_whole() -> None:
    """It has the length of its body, the caller's token, and one request for each key."""
    made = Request("/books/{key}", "PATCH", {"title": "é"}).made(PLACE)
    assert len(set(made)) == len(made) > 100
    head, _, body = made[0].partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Authorization: Bearer secret" in head


def test_different_envelopes_and_spellings_mean_the_same() -> None:
    """Rows are compared, not how a contestant wraps or spells them; other values differ."""
    row = '"id":1,"version":1,"title":"A","pages":2,"published":"2020-01-02","author_id":3,'
    row += '"owner_id":4,"in_print":true,'
    ours = '{"data":[{%s"price":"1.50","added_at":"2020-01-02T03:04:05Z"}],"page":{"total":9}}'
    theirs = '{"count":9,"results":[{%s"price":1.5,"added_at":"2020-01-02T03:04:05+00:00"}]}'
    other = theirs.replace("1.5", "1.6")
    one, two, three = (meaning("count", (text % row).encode()) for text in (ours, theirs, other))
    assert one == two != three
    lines = "id,version,title,pages,price,published,in_print,added_at,author_id,owner_id\r\n"
    first = lines + "1,1,A,2,1.50,2020-01-02,true,2020-01-02T03:04:05Z,3,4\r\n"
    second = lines + "1,1,A,2,1.50,2020-01-02,True,2020-01-02 03:04:05+00:00,3,4\r\n"
    assert meaning("csv", first.encode()) == meaning("csv", second.encode())
    assert meaning("csv", first.encode()) != meaning("csv", first.replace("A", "B").encode())


def test_floors_and_cases_name_contestants_that_there_are() -> None:
    """Nothing is compared with what is not measured."""
    contestants = {each.name for each in CONTESTANTS}
    requests = {case.name: set(case.requests) for case in CASES}
    assert all(names <= contestants for names in requests.values())
    assert all({"ours", floor.other} <= requests[floor.case] for floor in FLOORS)
    assert all(len(each.guarantees) == len(GUARANTEES) for each in CONTESTANTS)


def test_a_missed_floor_is_told() -> None:
    """A ratio is the median of the rounds' ratios, and a verdict says what it and they were."""
    rates = {"ours": (50, 50, 90), "ceiling": (100, 100, 100), "drf": (1, 1, 1)}
    cells = {
        ("postgresql", "get", name): [cell(one) for one in each] for name, each in rates.items()
    }
    found = [(each.found, each.between, each.met) for each in verdicts(Results(cells))]
    assert found == [
        (f"0.50 {TIMES}", "0.50 to 0.90", False),
        (f"50.00 {TIMES}", "50.00 to 90.00", True),
    ]
    rows = report.floor_table(Results(cells), CASES).splitlines()[2:]
    assert [row.endswith("| **missed** |") for row in rows] == [True, False]


def test_a_report_leaves_what_people_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what stands between the marks of a name is replaced; without them nothing is."""
    document = tmp_path / "performance.md"
    document.write_text("Ours.\n<!-- soak: begin -->\nold\n<!-- soak: end -->\nToo.\n", "utf-8")
    monkeypatch.setattr(report, "DOCUMENT", document)
    report.write("soak", "new")
    wanted = "Ours.\n<!-- soak: begin -->\n\nnew\n\n<!-- soak: end -->\nToo.\n"
    assert document.read_text("utf-8") == wanted
    with pytest.raises(SystemExit, match="no marks"):
        report.write("measured", "new")
    assert document.read_text("utf-8") == wanted


@pytest.mark.parametrize("name", ["measured", "soak", "profile"])
def test_the_documentation_has_a_place_for_each_report(name: str) -> None:
    """``docs/performance.md`` has the marks that reports are written between."""
    text = report.DOCUMENT.read_text("utf-8")
    assert text.index(f"<!-- {name}: begin -->") < text.index(f"<!-- {name}: end -->")
