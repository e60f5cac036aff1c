"""Requests nobody should send: refused in one way by both databases, and nothing stored by them."""

from __future__ import annotations

import pytest
from api import Answer, Api, zoos
from conftest import FreshSettings
from hostile import GROUPS, Row
from survived import fill, still_reads

from admin_app.errors import error_classes

CODES = {(int(each.status), each.code) for each in error_classes()}


async def send(api: Api, row: Row) -> Answer:
    return await api.call(
        row.method, row.target, raw=row.raw, headers=row.headers, anonymous=row.anonymous
    )


def fault(row: Row, answer: Answer) -> str:
    """What is wrong with an answer, if anything is."""
    if answer.status != row.status:
        return f"{answer.status}, not {row.status}: {row}: {answer.body[:300]!r}"
    if answer.status >= 400:
        found = answer.problem(row.status)
        if (row.status, found["code"]) not in CODES:
            return f"unknown code {found['code']}: {row}"
        if len(answer.body) > 100_000:
            return f"an answer of {len(answer.body)} bytes: {row}"
        words = answer.body.decode().lower()
        for leak in ("sqlalchemy", "asyncpg", "sqlite3", "traceback", "select ", "insert "):
            if leak in words:
                return f"{leak} in the answer: {row}"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
async def test_hostile_requests(fresh_settings: FreshSettings, group: str) -> None:
    """Each has its one status on both databases, and an error means that nothing was written."""
    faults: list[str] = []
    async with zoos(fresh_settings) as both:
        for api in both:
            await fill(api)
            before = await api.counts()
            for row in GROUPS[group]:
                answer = await send(api, row)
                found = fault(row, answer)
                if found:
                    faults.append(f"{api.database.dialect}: {found}")
                after = await api.counts()
                if answer.status >= 400 and after != before:
                    faults.append(f"{api.database.dialect}: written: {row}")
                before = after
            await still_reads(api)
    assert not faults, "\n".join(["", *faults])


def test_the_table_is_large() -> None:
    """There are at least 250 requests, none of them twice."""
    rows = [row for group in GROUPS.values() for row in group]
    assert len(rows) >= 250
    assert len(set(rows)) == len(rows)
