"""Writers that meet: a delete and what others do meanwhile to what it would take along."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

import pytest
from panel import SEED
from sqlalchemy import select

from admin_app.database import Database
from admin_app.declaration import SYSTEM, Base, Registry
from admin_app.errors import BusyError, ConflictError, InvalidInputError, NotFoundError
from admin_app.records import Records
from admin_app.records.trail.changes import Change

REGISTRY = Registry.from_base(Base, ["admin_app.models"])
MEANWHILE = (NotFoundError, ConflictError, InvalidInputError, BusyError)
"""What a writer may hear when another one was first."""


@pytest.fixture
def records(database: Database) -> Records:
    return Records(database, REGISTRY, b"x" * 32)


async def add(records: Records, resource: str, /, **values: Any) -> int:
    made = await records.create(SYSTEM, REGISTRY[resource], values, origin=SEED)
    return int(made.key[0])


async def shelf(records: Records) -> tuple[int, list[int]]:
    """A book, with some comments."""
    book = await add(records, "book", title="A")
    return book, [await add(records, "comment", book_id=book, text=str(n)) for n in range(8)]


async def test_a_delete_leaves_alone_what_moves_out_of_its_way(records: Records) -> None:
    """A comment that is moved to another book while its book is deleted is there afterwards."""
    for _ in range(5):
        book, comments = await shelf(records)
        other = await add(records, "book", title="B")

        async def move(key: int, to: int = other) -> bool:
            try:
                await records.update(
                    SYSTEM, REGISTRY["comment"], (key,), {"book_id": to}, origin=SEED
                )
            except MEANWHILE:
                return False
            return True

        gone = records.delete(SYSTEM, REGISTRY["book"], (book,), origin=SEED)
        moved, *_ = await asyncio.gather(asyncio.gather(*(move(each) for each in comments)), gone)
        for key, is_moved in zip(comments, moved, strict=True):
            if is_moved:
                found = await records.get(SYSTEM, REGISTRY["comment"], (key,))
                assert found.values["book_id"] == other


async def test_every_change_follows_from_the_one_before(
    records: Records, database: Database
) -> None:
    """Sixteen writers link, move and delete the same records: each one's changes form a chain."""
    authors = [await add(records, "author", name=f"a{n}") for n in range(4)]
    books = [await add(records, "book", title=f"b{n}", authors=authors) for n in range(6)]
    readers = [await add(records, "reader", **_reader(n)) for n in range(4)]
    for number in range(24):
        await add(
            records,
            "comment",
            book_id=books[number % 6],
            reader_id=readers[number % 4],
            text=str(number),
        )

    async def work(number: int) -> None:
        for step in range(6):
            turn = number + step
            try:
                await _act(records, turn, authors, books, readers)
            except MEANWHILE:
                continue

    await asyncio.gather(*(work(number) for number in range(16)))
    await _check_chains(database)


def _reader(number: int) -> dict[str, Any]:
    return {
        "name": str(number),
        "email": f"{number}@example.org",
        "card_number": str(number),
        "joined": "2024-01-01",
    }


async def _act(
    records: Records, turn: int, authors: list[int], books: list[int], readers: list[int]
) -> None:
    book, author = (books[turn % len(books)],), (authors[turn % len(authors)],)
    kind = turn % 6
    if kind == 0:
        body: dict[str, Any] = {"authors": authors[: turn % 4]}
        await records.update(SYSTEM, REGISTRY["book"], book, body, origin=SEED)
    elif kind == 1:
        body = {"books": books[turn % 3 :]}
        await records.update(SYSTEM, REGISTRY["author"], author, body, origin=SEED)
    elif kind in {2, 3}:
        body = {"reader_id": readers[turn % 4], "book_id": books[(turn + 1) % 6]}
        key = (turn % 24 + 1,)
        await records.update(SYSTEM, REGISTRY["comment"], key, body, origin=SEED)
    elif turn % 5 == 0:
        await records.delete(SYSTEM, REGISTRY["reader"], (readers[turn % 4],), origin=SEED)
    elif turn % 7 == 0:
        await records.delete(SYSTEM, REGISTRY["book"], book, origin=SEED)


async def _check_chains(database: Database) -> None:
    """Replay the changes of every record: each starts where the last one ended, to the end."""
    statement = select(Change.__table__).order_by(Change.id)

    async def read(connection: Any) -> list[Any]:
        return list((await connection.execute(statement)).mappings())

    states: dict[tuple[str, str], dict[str, Any]] = {}
    sets: dict[tuple[str, str, str], set[Any]] = defaultdict(set)
    for change in await database.read(read):
        record = (change["resource"], change["key"])
        keyed = REGISTRY[change["resource"]].sets
        before, after = change["before"] or {}, change["after"] or {}
        if change["action"] == "create":
            assert record not in states
            states[record] = {}
        state = states[record]
        for name, value in before.items():
            if name in keyed:
                assert set(value) <= sets[*record, name], (record, change)
                sets[*record, name] -= set(value)
            elif name != "version":
                assert state[name] == value, (record, name, change)
        for name, value in after.items():
            if name in keyed:
                assert not set(value) & sets[*record, name], (record, change)
                sets[*record, name] |= set(value)
            else:
                state[name] = value
        if change["action"] == "delete":
            del states[record]
    await _check_ends(database, states, sets)


async def _check_ends(
    database: Database,
    states: dict[tuple[str, str], dict[str, Any]],
    sets: dict[tuple[str, str, str], set[Any]],
) -> None:
    records = Records(database, REGISTRY, b"x" * 32)
    for name, resource in REGISTRY.items():
        if resource.own:
            continue
        query = records.query(SYSTEM, resource, [("limit", "200")])
        rows = (await records.page(SYSTEM, resource, query)).rows
        found = {resource.key_text(resource.key_of(row)): row for row in rows}
        assert set(found) == {key for kind, key in states if kind == name}
        for key, row in found.items():
            for field, value in states[name, key].items():
                if field != "version":
                    assert resource.wire(field, row[field]) == value
            for field in resource.sets:
                assert set(row[field]) == sets[name, key, field]
