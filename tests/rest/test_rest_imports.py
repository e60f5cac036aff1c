"""Import over REST: the same engine, its answers, and files that are none, on both databases."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
import xlsxwriter
from api import Answer, Api, zoo_on, zoos
from conftest import FreshSettings
from sqlalchemy import select, update

from admin_app.access.tables import SecurityEvent, Token, User
from admin_app.errors import BadRequestError
from admin_app.records.trail.changes import Change
from admin_app.records.transfer import trial
from admin_app.records.transfer.json_array import LARGEST_OBJECT, items_of
from admin_app.records.writes.idempotency import IdempotentRequest
from admin_app.rest import imports
from admin_app.rest.answers import CSV, JSON, NDJSON, XLSX

PATIENCE = 1.0
"""Seconds of the processor."""
SPECIMENS = "specimens/import?atomic=false"
LABELS = "code,name\na,Anna\nb,Ben\n"


async def take(
    api: Api, query: str, body: str | bytes, media: str = CSV, *more: tuple[str, str]
) -> Answer:
    raw = body.encode() if isinstance(body, str) else body
    target = f"labels/import{'?' if query else ''}{query}"
    return await api.call("POST", target, raw=raw, headers=[("content-type", media), *more])


def counts(answer: Answer) -> list[int]:
    assert answer.status == 200, answer
    return [answer.json[each] for each in ("created", "changed", "unchanged", "refused")]


async def changes(api: Api) -> int:
    async def read(connection: Any) -> int:
        return len(list(await connection.execute(select(Change.id))))

    return await api.database.read(read)


def workbook(*rows: list[Any]) -> bytes:
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet("one")
    for place, row in enumerate(rows):
        sheet.write_row(place, 0, row)
    book.add_worksheet("two").write_row(0, 0, ["code"])
    book.close()
    return file.getvalue()


async def test_rows_come_in(fresh_settings: FreshSettings) -> None:
    """Rows of every format are created, changed or left, and each is told of."""
    async with zoos(fresh_settings) as both:
        for api in both:
            first = await take(api, "", LABELS)
            assert counts(first) == [2, 0, 0, 0]
            assert first.json["complete"]
            assert first.json["rows"][0] == {
                "line": 2,
                "result": "created",
                "key": "a",
                "title": "Anna",
                "changes": {
                    "code": {"before": None, "after": "a"},
                    "name": {"before": None, "after": "Anna"},
                },
            }
            undo = f"/api/v1/change-sets/{first.header('change-set')}"
            assert len((await api.call("GET", undo)).json["data"]) == 2
            again = await take(api, "", LABELS)
            assert counts(again) == [0, 0, 2, 0]
            assert again.header("change-set") is None
            tried = await take(api, "dry_run=true", LABELS.replace("Ben", "Bo"))
            assert counts(tried) == [0, 1, 1, 0]
            assert tried.json["rows"][1]["changes"] == {"name": {"before": "Ben", "after": "Bo"}}
            assert counts(await take(api, "", LABELS)) == [0, 0, 2, 0]
            objects = [{"code": "a", "name": "A"}, {"code": "c", "name": "C"}]
            assert counts(await take(api, "", json.dumps(objects), JSON)) == [1, 1, 0, 0]
            lines = "\n".join(map(json.dumps, objects))
            assert counts(await take(api, "", lines, NDJSON)) == [0, 0, 2, 0]
            book = workbook(["code", "name"], ["a", "A"], [7, "Seven"])
            assert counts(await take(api, "", book, XLSX)) == [1, 0, 1, 0]
            cyrillic = "code;Имя\nд;Дом\n".encode("cp1251")
            query = "map=code&map=name%3D%D0%98%D0%BC%D1%8F&match=code"
            assert counts(await take(api, query, cyrillic)) == [1, 0, 0, 0]
            assert (await api.get("labels/%D0%B4"))["name"] == "Дом"
            body = (
                b'--x\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
                b"code,name\nz,Zed\n\r\n--x--\r\n"
            )
            answer = await take(api, "", body, "multipart/form-data; boundary=x")
            assert counts(answer) == [1, 0, 0, 0]


async def test_modes(fresh_settings: FreshSettings) -> None:
    """What may be done is said; all or none is the rule, by chunks where it is asked for."""
    bad = LABELS + "b,Twice\n,None\n" + f"d,{'x' * 300}\n"
    async with zoos(fresh_settings) as both:
        for api in both:
            refused = await take(api, "", bad)
            refused.problem(422, "validation_failed")
            assert refused.pointers == ["", "/5/code", "/6/name"] or refused.pointers[1:] == [
                "/5/code",
                "/6/name",
            ]
            assert await changes(api) == 0
            kept = await take(api, "atomic=false", bad)
            assert counts(kept) == [2, 0, 0, 3]
            wrong = [each for each in kept.json["rows"] if each["result"] == "refused"]
            assert [each["line"] for each in wrong] == [4, 5, 6]
            assert wrong[2]["errors"][0]["pointer"] == "/name"
            assert wrong[2]["errors"][0]["value"] == "x" * 200
            for mode, code in (("create", "a"), ("update", "new")):
                answer = await take(api, f"mode={mode}&atomic=false", f"code,name\n{code},N\n")
                assert counts(answer) == [0, 0, 0, 1], mode
            tried = ("prefer", "tx=rollback")
            rehearsed = await take(api, "", "code,name\nq,Q\n", CSV, tried)
            assert rehearsed.json["result"]["created"] == 1
            assert rehearsed.json["counts"] == {"label": {"create": 1}}
            assert (await api.call("GET", "labels/q")).status == 404
            key = ("idempotency-key", "once")
            for query in ("", "atomic=false"):
                made = f"code,name\nk{query},K\n"
                keyed = (key[0], key[1] + query)
                one = await take(api, query, made, CSV, keyed)
                two = await take(api, query, made, CSV, keyed)
                assert one.body == two.body
                assert two.header("idempotent-replayed") == "true"
                assert one.header("change-set") == two.header("change-set")
                other = await take(api, query, made.replace("K", "L"), CSV, keyed)
                other.problem(422, "idempotency_key_reused")


async def test_a_token_that_is_revoked_meanwhile(fresh_settings: FreshSettings) -> None:
    """It stops at the next portion; what was written until then is kept and told."""
    rows = "code\n" + "".join(f"c{each}\n" for each in range(8_000))
    revoked = update(Token).values(revoked_at=datetime.now(UTC))
    async with zoos(fresh_settings) as both:
        for api in both:
            running = asyncio.create_task(take(api, "atomic=false", rows))
            while not await changes(api):  # noqa: ASYNC110 - another works meanwhile
                await asyncio.sleep(0)
            await api.database.write(lambda session: session.execute(revoked))
            stopped = await running
            assert (stopped.status, stopped.json["code"]) == (409, "import_stopped")
            assert "not signed in any more" in stopped.json["detail"]
            assert stopped.json["created"] == await changes(api)
            assert 0 < stopped.json["created"] < 8_000


async def test_empty_lines(fresh_settings: FreshSettings) -> None:
    """Some are passed over; a file of nothing else is refused before it takes long."""
    async with zoos(fresh_settings) as both:
        for api in both:
            assert counts(await take(api, "", "code\n\n\na\n" + "\n" * 10)) == [1, 0, 0, 0]
            began = time.process_time()
            for query in ("", "atomic=false", "dry_run=true"):
                for media, head in ((CSV, "code\nb\n"), (NDJSON, '{"code": "b"}\n')):
                    refused = await take(api, query, head + "\n" * 4_000_000, media)
                    detail = "The file has more than 100,000 empty lines."
                    assert refused.problem(400)["detail"] == detail
            assert time.process_time() - began < PATIENCE
            assert await changes(api) == 1


async def test_by_chunks_it_goes_on_where_it_stopped(fresh_settings: FreshSettings) -> None:
    """Several transactions are one change set, and a repetition does only what was not done."""
    rows = "code,name\n" + "".join(f"c{each:04},N\n" for each in range(450))
    async with zoos(fresh_settings) as both:
        for api in both:
            header = ("idempotency-key", "many")
            one = await take(api, "atomic=false", rows, CSV, header)
            assert counts(one) == [450, 0, 0, 0]
            assert len(one.json["rows"]) == 450
            two = await take(api, "atomic=false", rows, CSV, header)
            assert two.body == one.body
            assert await changes(api) == 450
            tried = await take(api, "dry_run=true", rows)
            assert counts(tried) == [0, 0, 450, 0]


async def test_it_stops_halfway(fresh_settings: FreshSettings) -> None:
    """What has been taken in until then is told, can be gone on with, and can be undone."""
    rows = "code,name\n" + "".join(f"c{each:04},N\n" for each in range(450))
    header = ("idempotency-key", "many")
    second = f"import:{hashlib.sha256(b'many').hexdigest()}:1"
    async with zoos(fresh_settings) as both:
        for api in both:
            await busy(api, second)
            stopped = await take(api, "atomic=false", rows, CSV, header)
            problem = stopped.json
            assert (stopped.status, problem["code"]) == (409, "import_stopped")
            assert (problem["created"], problem["refused"]) == (200, 0)
            assert stopped.header("retry-after") == "1"
            assert await changes(api) == 200
            # What is not this request's doing is no news of it.
            again = await take(api, "atomic=false", rows, CSV, header)
            again.problem(409, "idempotency_in_flight")
            target = f"change-sets/{problem['change_set']}/revert"
            assert (await api.call("POST", target)).json["changes"] == 200


async def busy(api: Api, key: str) -> None:
    """Let a key be somebody's who is still at work."""
    now = datetime.now(UTC)
    values = {"key": key, "request": "", "grants": "", "created_at": now}

    async def work(session: Any) -> None:
        user = await session.scalar(select(User.id).where(User.name == "ann"))
        session.add(IdempotentRequest(user_id=user, **values))

    await api.database.write(work)


async def test_half_a_letter_at_the_end(fresh_settings: FreshSettings) -> None:
    """The row that is cut off is refused alone, however late it is found."""
    rows = "code,name\n" + "".join(f"c{each:04},N\n" for each in range(250))
    file = (rows + "x,y").encode("utf-16")[:-1]
    async with zoo_on(fresh_settings, "sqlite") as api:
        assert counts(await take(api, "atomic=false", file)) == [250, 0, 0, 1]


async def test_files_that_are_none(fresh_settings: FreshSettings) -> None:
    """Whatever is sent, it is refused with where the fault is, and nothing is written."""
    async with zoos(fresh_settings) as both:
        for api in both:
            cases: list[tuple[str, str | bytes, str, int]] = [
                ("", "", CSV, 400),
                ("", "\n", CSV, 400),
                ("", b"\xff\xfe", CSV, 400),
                ("", b"\x00\x00\x00", CSV, 400),
                ("", "nothing\nx\n", CSV, 400),
                ("", '[{"code": "a",}]', JSON, 400),
                ("", "[" * 100_000, JSON, 400),
                ("", '{"code": "a"}', JSON, 400),
                ("", '{"code": "\\ud800"}', NDJSON, 422),
                ("", "[1, null, []]", JSON, 422),
                ("", "{", NDJSON, 422),
                ("", "PK", XLSX, 400),
                ("sheet=three", workbook(["code"]), XLSX, 400),
                ("sheet=%00", workbook(["code"]), XLSX, 400),
                ("encoding=utf-8", "code,name\nд,x\n".encode("cp1251"), CSV, 422),
                ("encoding=utf-16", b"c\x00o", CSV, 400),
                ("match=nothing", LABELS, CSV, 400),
                ("map=%7Ctrim", LABELS, CSV, 400),
                ("map=code&map=code%3Dname", LABELS, CSV, 400),
                ("map=%3D", LABELS, CSV, 400),
                ("map=code%3Dcode%7Cby:name", LABELS, CSV, 400),
                ("mode=both&mode=both", LABELS, CSV, 400),
                ("mode=none", LABELS, CSV, 400),
                ("format=doc", LABELS, CSV, 400),
                ("unknown=1", LABELS, CSV, 400),
                ("mode=update&match=", LABELS, CSV, 400),
                ("", "," * 20_000, CSV, 400),
                ("", LABELS, "text/html", 415),
                ("", b"--x", "multipart/form-data; boundary=x", 400),
                ("", b"--x--", "multipart/form-data", 400),
                ("", LABELS, "", 415),
            ]
            for query, body, media, status in cases:
                for more in ("", "atomic=false"):
                    if more and status == 422:
                        continue
                    answer = await take(api, "&".join(filter(None, [query, more])), body, media)
                    assert answer.status == status, (query, body[:40], media, answer)
                    answer.problem(status)
            line = await take(api, "", '[{"code": "a"},\n {"code": }]', JSON)
            assert "line 2, column 11" in line.json["detail"]
            assert await changes(api) == 0


@pytest.mark.parametrize(
    ("query", "file", "media"),
    [
        ("", "code," + ",".join(f"c{each}" for each in range(16_000)), CSV),
        ("&".join(f"map=f{n}%3Dx{n}" for n in range(190)), "c," * 16_000 + "d\n", CSV),
        ("", json.dumps([{f"c{each}": 1 for each in range(100_000)}]), JSON),
        ("", json.dumps({"c" * 3_000_000: 1}), NDJSON),
        ("", "c" * 3_000_000, CSV),
    ],
    ids=["columns", "mappings", "members", "a long member", "a long column"],
)
async def test_a_flood_of_mistakes(
    fresh_settings: FreshSettings, query: str, file: str, media: str
) -> None:
    """A file full of names that there are not is refused soon, with a few of them."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        await take(api, "", LABELS)
        began = time.process_time()
        answer = await take(api, query, file, media)
        assert time.process_time() - began < PATIENCE
        answer.problem(422 if media != CSV else 400)
        assert len(answer.body) < 50_000


def test_an_array_is_read_item_by_item() -> None:
    """Whatever an array has, it is read as JSON says, and no more than an item is in memory."""
    long = json.dumps({"text": "é]," * 50_000})
    numbers = ",".join(map(str, range(3_000)))
    for text in ("[]", " [ ] ", "[1]", f"[{numbers}]", f'[{long},\n "]", {long}]', "[[],{},null]"):
        assert [*items_of(text)] == json.loads(text)
    for text in ("", "{}", "[", "[1", "[1,]", "[,1]", "[1 2]", "[1]]", "[1]x", "[NaN]", f"[{long}"):
        with pytest.raises(BadRequestError):
            [*items_of(text)]
    with pytest.raises(BadRequestError, match="longer than 4,194,304 characters"):
        [*items_of(f"[{json.dumps(['x' * LARGEST_OBJECT])}]")]
    with pytest.raises(BadRequestError, match="line 3, column 4"):
        [*items_of("[1,\n2,\n   x]")]
    many = "[" + "[]," * 20_000 + "[]]"
    tracemalloc.start()
    assert sum(1 for _ in items_of(many)) == 20_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**16


async def test_how_deep(fresh_settings: FreshSettings) -> None:
    """Rows that nest too deep are refused by themselves, whatever Python's stack could bear."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        for depth in (63, 70, *range(150, 950, 9)):
            cell = "[" * depth + "]" * depth
            objects = f'{{"short": "a", "document": {cell}}}'
            found = [
                counts(await api.call("POST", SPECIMENS, raw=raw, headers=[("content-type", each)]))
                for raw, each in (
                    (f"[{objects}]".encode(), JSON),
                    (objects.encode(), NDJSON),
                    (f"short,document\na,{cell}\n".encode(), CSV),
                )
            ]
            assert found == [[1, 0, 0, 0] if depth < 64 else [0, 0, 0, 1]] * 3, depth


async def test_a_key_stands_for_one_file(fresh_settings: FreshSettings) -> None:
    """By chunks or at once, a key that was used is refused with whatever else is sent."""
    key = ("idempotency-key", "k")
    async with zoos(fresh_settings) as both:
        for api in both:
            first = await take(api, "atomic=false", LABELS, CSV, key)
            again = await take(api, "atomic=false", LABELS, CSV, key)
            assert counts(first) == counts(again) == [2, 0, 0, 0]
            assert again.header("idempotent-replayed") == "true"
            for query in ("", "atomic=false&mode=update"):
                answer = await take(api, query, LABELS, CSV, key)
                answer.problem(422, "idempotency_key_reused")
            other = await api.call("POST", "labels", {"code": "z"}, headers=[key])
            other.problem(422, "idempotency_key_reused")


async def test_bounds(fresh_settings: FreshSettings, monkeypatch: Any) -> None:
    """A file has an end, and so has what is kept all at once and what a trial looks at."""
    monkeypatch.setattr(imports, "MAX_FILE", 20_000)
    monkeypatch.setattr(imports, "MOST_ATOMIC", 3)
    monkeypatch.setattr(trial, "MOST_TRIED", 200)
    rows = "code,name\n" + "".join(f"c{each},N\n" for each in range(300))
    async with zoos(fresh_settings) as both:
        for api in both:
            (await take(api, "", "x" * 20_001)).problem(413)
            form = "multipart/form-data; boundary=x"
            (await take(api, "", b"--x\r\n" + b"y" * 20_001, form)).problem(413)
            (await take(api, "", rows)).problem(413)
            tried = await take(api, "dry_run=true", rows)
            assert counts(tried) == [200, 0, 0, 0]
            assert not tried.json["complete"]


async def test_exports_are_written_down(fresh_settings: FreshSettings) -> None:
    """A whole list that leaves the house is in the security log; a workbook is one too."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await take(api, "", LABELS)
            for media in (CSV, NDJSON, XLSX):
                answer = await api.call("GET", "labels?name=Anna", headers=[("accept", media)])
                assert answer.status == 200
                assert (answer.header("content-type") or "").startswith(media)
            await api.call(
                "POST",
                "labels/query",
                {"search": "n"},
                headers=[("accept", CSV), ("content-type", JSON)],
            )
            limited = await api.call("GET", "labels?limit=1", headers=[("accept", XLSX)])
            limited.problem(400)
            await api.call("GET", "labels?limit=1", headers=[("accept", CSV)])

            async def read(connection: Any) -> list[Any]:
                table = SecurityEvent.__table__
                found = select(table).where(table.c.event == "exported").order_by(table.c.id)
                return list(await connection.execute(found))

            events = await api.database.read(read)
            assert {(each.subject, each.source) for each in events} == {("label", "rest")}
            assert [each.details for each in events] == [
                {"format": "csv", "rows": 1, "asked": "name=Anna"},
                {"format": "ndjson", "rows": 1, "asked": "name=Anna"},
                {"format": "xlsx", "rows": 1, "asked": "name=Anna"},
                {"format": "csv", "rows": 2, "asked": '{"search": "n"}'},
            ]
