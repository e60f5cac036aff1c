"""Whole lists as files: in the form of an export, sent while they are read."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from api import HOST, PREFIX, Api, make_role, zoo_on, zoos
from conftest import KINDS, FreshSettings, Kind
from sqlalchemy import insert, text, update
from zoo import Specimen, sample
from zoo.rules import Unversioned

from admin_app.access import actor_of_token
from admin_app.access.tables import Token
from admin_app.declaration import SYSTEM, Grant
from admin_app.records.transfer import Export

CSV = ("accept", "text/csv")
NDJSON = ("accept", "application/x-ndjson")


async def fill(api: Api, count: int) -> None:
    rows = [{"name": f"row {n}", "number": n % 7} for n in range(count)]

    async def work(session: Any) -> None:
        await session.execute(insert(Unversioned), rows)

    await api.database.write(work)


async def fill_with_texts(api: Api) -> None:
    """Rows so long that they are read in four portions at least: sixteen megabytes.

    Of four the last is not read ahead while nobody takes the first.
    """
    rows = [{"short": "x", "text": "y" * 10_000} for _ in range(1_600)]
    await api.database.write(lambda session: session.execute(insert(Specimen), rows))


async def sent(api: Api, target: str, *headers: tuple[str, str]) -> AsyncIterator[dict[str, Any]]:
    """What the application sends, each piece as it comes: it waits until the next is wanted."""
    path, _, query = f"{PREFIX}/{target}".partition("?")
    given = [("host", HOST), ("authorization", f"Bearer {api.token}"), *headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": dict(api._state),
    }
    pieces: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(1)

    async def run() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        try:
            await api.app(scope, receive, pieces.put)
        finally:
            await pieces.put(None)

    task = asyncio.create_task(run())
    try:
        while (piece := await pieces.get()) is not None:
            yield piece
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def reading(api: Api, target: str, *headers: tuple[str, str]) -> AsyncIterator[Any]:
    async with aclosing(sent(api, target, *headers)) as pieces:  # type: ignore[type-var]
        yield pieces


async def test_a_stream_is_an_export(fresh_settings: FreshSettings) -> None:
    """A list as CSV or NDJSON is what an export of the same filters writes, byte for byte."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for name in ("specimen", "label", "composite", "keeper"):
                for body in sample(name):
                    await api.add(api.registry[name].plural, body)
            await api.add("labels", {"code": "=1+1", "name": '=HYPERLINK("x")'})
            actor = await actor_of_token(api.database, api.token)
            assert actor is not None
            for name, query in (
                ("specimen", ""),
                ("keeper", "sort=-name"),
                ("label", "name__isnull=false"),
                ("label", "name=nobody"),
            ):
                resource = api.registry[name]
                pairs = [tuple(each.split("=")) for each in query.split("&") if each]
                for header, format_ in ((CSV, "csv"), (NDJSON, "ndjson")):
                    answer = await api.call("GET", f"{resource.plural}?{query}", headers=[header])
                    export = Export(api.records, actor, resource, pairs)  # type: ignore[arg-type]
                    portions = [each async for each in export.portions(format_)]  # type: ignore[arg-type]
                    assert answer.body == b"".join(portions), (name, query)
                    assert answer.header("etag") is None
                    assert answer.header("content-disposition") == (
                        f"attachment; filename*=UTF-8''{resource.plural}.{format_}"
                    )


async def test_shapes_and_pages(fresh_settings: FreshSettings) -> None:
    """Columns are those asked for in their order; with a limit a file is one page, with links."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for name in ("composite", "label", "keeper"):
                for body in sample(name):
                    await api.add(api.registry[name].plural, body)
            answer = await api.call("GET", "keepers?fields=labels,name", headers=[CSV])
            assert list(csv.reader(io.StringIO(answer.body.decode()))) == [
                ["labels", "name"],
                ["l~11;~3query", "Ana"],
                ["", "Bo"],
            ]
            answer = await api.call("GET", "keepers?fields=name,boss.name", headers=[NDJSON])
            assert [json.loads(line) for line in answer.body.splitlines()] == [
                {"name": "Ana", "boss": None},
                {"name": "Bo", "boss": {"name": "Ana"}},
            ]
            page = await api.call("GET", "keepers?limit=1&sort=-name&fields=name", headers=[CSV])
            assert page.body == b"name\r\nBo\r\n"
            address = (page.header("link") or "").partition(">")[0].removeprefix("<")
            following = await api.call("GET", address, headers=[CSV])
            assert following.body == b"name\r\nAna\r\n"
            known = [CSV, ("if-none-match", page.header("etag") or "")]
            again = await api.call("GET", "keepers?limit=1&sort=-name&fields=name", headers=known)
            assert again.status == 304


async def test_refused_before_the_first_byte(fresh_settings: FreshSettings) -> None:
    """What cannot be streamed is a problem like any other, and nothing of the file."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for target, pointer in (
                ("keepers?nmae=x", "/nmae"),
                ("keepers?fields=nmae", "/fields"),
                ("keepers?cursor=abc", "/cursor"),
                ("keepers?offset=3", "/offset"),
                ("keepers?count=exact", "/count"),
                ("keepers?include=boss", "/include"),
                ("keepers?fields=boss.name", "/include"),
                ("keepers?limit=3&include=boss", "/include"),
            ):
                answer = await api.call("GET", target, headers=[CSV])
                assert answer.problem(400, "bad_request")["errors"][0]["pointer"] == pointer
            deep = '{"staff":{"limit":200,"include":{"staff":{"limit":200}}}}'
            answer = await api.call("GET", f"keepers?include={deep}", headers=[NDJSON])
            assert answer.problem(400)["errors"][0]["code"] == "too_many_included"
            answer = await api.call("GET", "keepers", headers=[CSV], anonymous=True)
            answer.problem(401)
            await make_role(api.database, "none")
            api.token = await api.token_of("none", "none")
            answer = await api.call("GET", "keepers", headers=[CSV])
            answer.problem(403)


async def test_only_what_is_in_sight(fresh_settings: FreshSettings) -> None:
    """A file has the rows and columns in sight of who asks, and no sensitive one."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for n in range(4):
                await api.add("keepers", {"name": f"k{n}", "boss_id": n or None})
            await api.add("computing", {"name": "x", "secret": "hidden"})
            for header in (CSV, NDJSON):
                answer = await api.call("GET", "computing", headers=[header])
                assert answer.status == 200
                assert b"secret" not in answer.body
                assert b"hidden" not in answer.body
            await make_role(api.database, "some", Grant("keeper", "read", "some"))
            api.token = await api.token_of("some", "some")
            answer = await api.call("GET", "keepers", headers=[NDJSON])
            rows = [json.loads(line) for line in answer.body.splitlines()]
            assert [(row["id"], row["boss_id"]) for row in rows] == [(2, None), (4, None)]


async def test_sent_while_it_is_read(fresh_settings: FreshSettings) -> None:
    """The first rows are sent before the last are read: those written meanwhile are met."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill(api, 2_600)
            for header in (CSV, NDJSON):
                async with reading(api, "unversioned?fields=id", header) as pieces:
                    start = await anext(pieces)
                    assert start["status"] == 200
                    first = (await anext(pieces))["body"]
                    assert 0 < first.count(b"\n") < 600
            resource = api.registry["unversioned"]
            for format_ in ("csv", "ndjson"):
                export = Export(api.records, SYSTEM, resource, [("fields", "id")])
                async with aclosing(export.portions(format_)) as portions:
                    first = await anext(portions)
                    made = await api.add("unversioned", {"name": "late"})
                    rest = b"".join([each async for each in portions])
                assert str(made["id"]).encode() in rest.splitlines()[-1]
                assert rest.count(b"\n") + first.count(b"\n") > 2_600


async def test_a_token_that_is_revoked_meanwhile(fresh_settings: FreshSettings) -> None:
    """Who reads slowly is sent no more than the portions that were read by then."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill_with_texts(api)
            for name, header in (("cleo", CSV), ("dan", NDJSON)):
                api.token = await api.token_of(name, "editor")
                came: list[bytes] = []
                with pytest.raises(Exception, match=r"not signed in|response already started"):
                    await _revoked(api, header, came)
                assert 0 < len(b"".join(came)) < 16_000_000


async def _revoked(api: Api, header: tuple[str, str], came: list[bytes]) -> None:
    """Read a list, whose token is revoked once it has begun to come."""
    revoked = update(Token).values(revoked_at=datetime.now(UTC))
    async with reading(api, "specimens?fields=text", header) as pieces:
        await anext(pieces)
        await api.database.write(lambda session: session.execute(revoked))
        async for piece in pieces:
            came.append(piece["body"])
            assert piece["more_body"]


async def test_a_failure_midway_is_no_end(fresh_settings: FreshSettings) -> None:
    """Where the database fails after the first rows the answer has no end: it is broken off."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill_with_texts(api)
            came: list[bool] = []

            async def drained(api: Api = api, came: list[bool] = came) -> None:
                async with reading(api, "specimens?fields=text", CSV) as pieces:
                    await anext(pieces)
                    came.append((await anext(pieces))["more_body"])
                    async with api.database.engine.begin() as connection:
                        await connection.execute(text("ALTER TABLE specimen RENAME TO gone"))
                    came.extend([each["more_body"] async for each in pieces])

            with pytest.raises(Exception, match=r"specimen|response already started"):
                await drained()
            assert came
            assert all(came)


async def peak(api: Api, header: tuple[str, str]) -> int:
    """The most memory that a stream takes at a time, beside what was there before."""
    tracemalloc.start()
    try:
        async with reading(api, "unversioned", header) as pieces:
            lines = 0
            async for each in pieces:
                lines += each.get("body", b"").count(b"\n")
        assert lines > 1_000
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_flat_memory(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Four hundred thousand rows take no more memory than half of them."""
    more = text(
        "INSERT INTO unversioned (name, number) WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) "
        "SELECT 'row ' || i || ' and what makes it longer', i % 7 FROM n"
    )
    async with zoo_on(fresh_settings, kind) as api:
        few: dict[Any, int] = {}
        for _ in range(2):
            await api.database.write(lambda session: session.execute(more))
            for header in (CSV, NDJSON):
                await peak(api, header)
                now = await peak(api, header)
                before = few.setdefault(header, now)
                assert now < 1.5 * before, (header, before, now)
                assert now < 16 * 2**20
