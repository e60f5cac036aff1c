"""Which indexes are missing: hints about a list, and the report by the database's own plans."""

from __future__ import annotations

import enum
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
import zoo
from api import HOST, prepare_zoo, serving
from commands import Commands, write_settings
from conftest import KINDS, FreshSettings, Kind, migrated
from panel import library
from sqlalchemy import Index, MetaData, Table, text
from sqlalchemy.orm import Mapped, mapped_column

import admin_app.models
from admin_app import Base, Record, ResourceOptions
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Grant, Registry
from admin_app.errors import BadRequestError
from admin_app.models.book import book_author
from admin_app.records import Records
from admin_app.settings import ServerSection, Settings

ORDERED = MetaData(naming_convention=Base.metadata.naming_convention)
NO_INDEX = "full_text=True"
"""What advice begins with that is no line of its own."""


class Hue(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Crate(Record):
    """Its order is that of a plain index on SQLite alone."""

    __resource__ = ResourceOptions(sort=["-weight"], filters=["weight", "sealed"])
    metadata = ORDERED

    weight: Mapped[int | None]
    sealed: Mapped[bool]


class Jar(Record):
    """In the order of two fields, each in its own direction."""

    __resource__ = ResourceOptions(sort=["shelf", "-size"], filters=["shelf", "hue"])
    metadata = ORDERED

    shelf: Mapped[int]
    size: Mapped[int]
    hue: Mapped[Hue]


class Bottle(Record):
    """What its order needs does for its filter as well."""

    __resource__ = ResourceOptions(sort=["shelf", "size"], filters=["shelf"])
    metadata = ORDERED

    shelf: Mapped[int]
    size: Mapped[int] = mapped_column(index=True)


NAMES: dict[str, Any] = {
    "Index": Index,
    "book_author": book_author,
    **zoo.METADATA.tables,
    **vars(admin_app.models),
    **vars(zoo),
    **{each.__name__: each for each in (Crate, Jar, Bottle)},
}
"""What the lines of a declaration name."""


@asynccontextmanager
async def made(line: str) -> AsyncIterator[Index]:
    """The index of a line, in its declaration for as long as this lasts."""
    index: Index = eval(line, dict(NAMES))
    table: Table = index.table  # type: ignore[assignment]
    try:
        yield index
    finally:
        table.indexes.discard(index)


async def create(database: Database, lines: list[str]) -> None:
    """Add what the lines say to the database."""
    for line in lines:
        async with made(line) as index, database.engine.begin() as connection:
            await connection.run_sync(index.create)


async def told(records: Records, rows: int = 0) -> dict[str, tuple[str, ...]]:
    return {each.add: each.why for each in await records.advise(rows)}


async def prepare_ordered(settings: Settings) -> None:
    """Make the tables of this module beside the application's own."""
    await migrated(settings)
    database = Database(settings)
    async with database.engine.begin() as connection:
        await connection.run_sync(ORDERED.create_all)
    await database.close()


@asynccontextmanager
async def opened(settings: Settings, *models: str) -> AsyncIterator[tuple[Database, Records]]:
    database = Database(settings)
    try:
        yield database, Records(database, Registry.from_base(Base, models), b"x" * 32)
    finally:
        await database.close()


LIBRARY = {
    'Index("ix_author_born", Author.born)': ("the filter born",),
    'Index("ix_book_format", Book.format)': ("the filter format",),
    'Index("ix_book_rating", Book.rating)': ("the filter rating",),
    'Index("ix_book_added_by_id", Book.added_by_id)': (
        "the rule own",
        "the foreign key added_by_id",
    ),
    'Index("ix_comment_stars", Comment.stars)': ("the filter stars",),
    'Index("ix_reader_joined", Reader.joined)': ("the filter joined",),
    "full_text=True in the ResourceOptions of Comment": ("the search of text in comments",),
    "full_text=True in the ResourceOptions of Reader": (
        "the search of name in readers",
        "the search of email in readers",
        "the search of card_number in readers",
    ),
}
SQLITE_LIBRARY = {
    # It would rather find what is not in the trash, and sort all of it.
    'Index("ix_comment_deleted_at_posted_at", Comment.deleted_at, Comment.posted_at)': (
        "the list's order -posted_at",
    )
}


@pytest.mark.parametrize("kind", KINDS)
async def test_the_library(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Each line that is added silences what it was advised for, and nothing else."""
    async with opened(fresh_settings(kind), "admin_app.models") as (database, records):
        expected = LIBRARY | (SQLITE_LIBRARY if kind == "sqlite" else {})
        assert await told(records) == expected
        lines = [each for each in expected if not each.startswith(NO_INDEX)]
        await create(database, lines[:1])
        assert await told(records) == {
            line: why for line, why in expected.items() if line != lines[0]
        }
        await create(database, lines[1:])
        assert all(each.startswith(NO_INDEX) for each in await told(records))
        assert await told(records, rows=1) == {}


async def test_rows_are_counted(fresh_settings: FreshSettings) -> None:
    """Tables of fewer rows than asked are left out."""
    async with opened(fresh_settings("sqlite"), "admin_app.models") as (database, records):
        async with database.engine.begin() as connection:
            for number in range(3):
                row = f"INSERT INTO author (version, name) VALUES (1, 'Author {number}')"
                await connection.execute(text(row))
        (author,) = await records.advise(3)
        assert (author.table, author.rows) == ("author", 3)
        assert await records.advise(4) == []


ZOO = (
    "cage.keeper_id",
    "cage.room, cage.number",
    "folder.parent_id",
    "friendship.other",
    "keeper.boss_id",
    "keeper_composite.room, keeper_composite.number",
    "keeper_label.other",
    "loan.keeper_id",
    "sheet.follows_id",
    "sheet_staple.other",
    "visit.label_code",
)
"""Foreign keys without an index: of a table, and the way back of tables that link."""


@pytest.mark.parametrize("kind", KINDS)
async def test_foreign_keys_and_rules(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Foreign keys are wanted to lead an index both ways, rules that compare to have one."""
    async with opened(fresh_settings(kind, "zoo", prepare_zoo), "zoo") as (database, records):
        found = await records.advise()
        keys = {
            f"{each.table}."
            + why.removeprefix("the foreign key ").replace(", ", f", {each.table}.")
            for each in found
            for why in each.why
            if why.startswith("the foreign key")
        }
        assert keys == set(ZOO)
        rules = [(each.table, each.why) for each in found if "rule" in each.why[0]]
        assert ("lamp", ("the rule own",)) in rules
        assert all(table not in {"specimen", "folder"} for table, _ in rules)  # by arithmetic
        await create(database, [each.add for each in found if each.add.startswith("Index(")])
        assert all(each.startswith(NO_INDEX) for each in await told(records))


ORDERS: dict[Kind, dict[str, tuple[str, ...]]] = {
    "sqlite": {
        'Index("ix_bottle_shelf_size", Bottle.shelf, Bottle.size)': (
            "the list's order shelf,size",
            "the filter shelf",
        ),
        'Index("ix_crate_weight", Crate.weight)': ("the list's order -weight", "the filter weight"),
        'Index("ix_jar_shelf_size_down", Jar.shelf, Jar.size.desc())': (
            "the list's order shelf,-size",
            "the filter shelf",
        ),
        'Index("ix_jar_hue", Jar.hue)': ("the filter hue",),
    },
    "postgresql": {
        'Index("ix_bottle_shelf_size", Bottle.shelf, Bottle.size)': (
            "the list's order shelf,size",
            "the filter shelf",
        ),
        'Index("ix_crate_weight_down", Crate.weight.desc().nulls_last())': (
            "the list's order -weight",
            "the filter weight",
        ),
        'Index("ix_jar_shelf_size_down", Jar.shelf, Jar.size.desc())': (
            "the list's order shelf,-size",
            "the filter shelf",
        ),
        'Index("ix_jar_hue", Jar.hue)': ("the filter hue",),
    },
}


@pytest.mark.parametrize("kind", KINDS)
async def test_orders(fresh_settings: FreshSettings, kind: Kind) -> None:
    """An index is advised in the directions in which the list is read, whatever is in it."""
    settings = fresh_settings(kind, "ordered", prepare_ordered)
    async with opened(settings, __name__) as (database, records):
        assert await told(records) == ORDERS[kind]
        await create(database, list(ORDERS[kind])[:1])
        assert set(await told(records)) == set(list(ORDERS[kind])[1:])
        await create(database, list(ORDERS[kind])[1:])
        assert await told(records) == {}


OWNER = Actor(1, "owner", frozenset({Grant("*", "read")}))
RATING = 'filter rating of books: Index("ix_book_rating", Book.rating)'


def hinted(records: Records, name: str, query: str, actor: Actor = OWNER) -> list[str]:
    resource = records.registry[name]
    found = records.query(actor, resource, parse_qsl(query, keep_blank_values=True))
    return [str(each) for each in records.hints(actor, resource, found)]


def lacking(records: Records, name: str, query: str) -> list[str]:
    """Which lines are hinted at."""
    return [each.partition(": ")[2] for each in hinted(records, name, query)]


@pytest.mark.parametrize("kind", KINDS)
async def test_hints(fresh_settings: FreshSettings, kind: Kind) -> None:
    """What a list filters, sorts and includes is held against what indexes begin with."""
    async with opened(fresh_settings(kind), "admin_app.models") as (_, records):
        sqlite = kind == "sqlite"
        down = "Book.rating" if sqlite else "Book.rating.desc().nulls_last()"
        named = "ix_book_rating" if sqlite else "ix_book_rating_down"
        for query, lines in {
            "": [],
            "sort=id": [],
            "language=en&sort=-rating": [],
            "rating=4.5": ['Index("ix_book_rating", Book.rating)'],
            "rating=4.5&language=en": [],
            "rating__gte=4&pages__lt=9": ['Index("ix_book_rating", Book.rating)'],
            "rating__ne=4.5": [],
            "rating__isnull=true": ['Index("ix_book_rating", Book.rating)'],
            "rating__isnull=false": [],
            "sort=-year": [],
            "sort=year:nullsfirst": [],
            "sort=-rating": [f'Index("{named}", {down})'],
            "sort=rating,title": ['Index("ix_book_rating_title", Book.rating, Book.title)'],
            'filter={"_or": [{"year": 1}, {"pages": 2}]}': ['Index("ix_book_pages", Book.pages)'],
            "authors=1": [],
            "comments.stars=5": ['Index("ix_comment_stars", Comment.stars)'],
            "include=authors,comments": [],
            "search=a": [],
            "authors.country=Portugal": [],
        }.items():
            assert lacking(records, "book", query) == lines, query
        assert hinted(records, "book", "rating=4.5") == [RATING]
        (inside,) = lacking(records, "book", "title__ilike=%25a%25")
        assert inside.endswith("search is answered by one")
        beginning = lacking(records, "book", "title__startswith=a")
        assert beginning == ([] if sqlite else [BEGINNING])
        assert lacking(records, "reader", "search=a") == [
            "full_text=True in the ResourceOptions of Reader"
        ]
        assert lacking(records, "reader", "active=true") == []
        assert len(lacking(records, "comment", "")) == int(sqlite)
        assert lacking(records, "comment", "trash=only&sort=-posted_at") == []
        assert hinted(records, "admin_user", "service=true", SYSTEM) == []
        async with made('Index("ix_book_rating", Book.rating)'):
            assert hinted(records, "book", "rating=4.5") == []
            assert hinted(records, "book", "sort=-rating") == []
        async with made('Index("ix_part", Book.rating, postgresql_where=Book.year > 1)'):
            assert hinted(records, "book", "rating=4.5") == [RATING]
        async with made('Index("ix_down", Book.rating.desc().nulls_last())'):
            assert hinted(records, "book", "sort=-rating") == []
            assert hinted(records, "book", "rating=4.5") == []
        if not sqlite:
            async with made(BEGINNING):
                assert lacking(records, "book", "title__startswith=a") == []


BEGINNING = (
    'Index("ix_book_title_beginnings", Book.title, postgresql_ops={"title": "text_pattern_ops"})'
)


async def test_hints_tell_nothing_hidden(fresh_settings: FreshSettings) -> None:
    """A hint is made of what the caller sees: a masked key wants no index, a hidden one is none."""
    grants = frozenset(
        {Grant("book", "read"), Grant("comment", "read", without=frozenset({"reader_id"}))}
    )
    some = Actor(1, "some", grants)
    async with opened(fresh_settings("sqlite"), "admin_app.models") as (_, records):
        with pytest.raises(BadRequestError):
            hinted(records, "comment", "reader_id=1", some)
        assert all("reader" not in each for each in hinted(records, "comment", "stars=1", some))


@pytest.mark.parametrize("kind", KINDS)
async def test_answers_for_developers(fresh_settings: FreshSettings, kind: Kind) -> None:
    """With the timing told a list carries its hints, in ASCII; otherwise it does not."""
    settings = fresh_settings(kind, "zoo", prepare_zoo)
    server = ServerSection(allowed_hosts=(HOST,), timing=True)
    async with serving(settings, shared=False, server=server) as api:
        line = 'filter whole of specimens: Index("ix_specimen_whole", Specimen.whole)'
        plain = await api.call("GET", "specimens?whole=1&sort=id")
        asked = await api.call("POST", "specimens/query", {"filter": {"whole": 1}, "sort": "id"})
        streamed = await api.call(
            "GET", "specimens?whole=1&sort=id", headers=[("accept", "text/csv")]
        )
        for answer in (plain, asked, streamed):
            assert (answer.status, answer.header("query-hint")) == (200, line)
        assert (await api.call("GET", "specimens?sort=id")).header("query-hint") is None
        foreign = await api.call("GET", f"odd_names?{quote('größe')}=1&sort=id")
        assert "OddName.gr%C3%B6%C3%9Fe)" in (foreign.header("query-hint") or "")
        many = {
            "_or": [{name: 1} for name in ("small", "whole", "big", "level", "ratio", "double")]
        }
        cut = await api.call("POST", "specimens/query", {"filter": many, "sort": "id"})
        assert (cut.header("query-hint") or "").count("Index(") == 5
    async with serving(settings) as api:
        assert (await api.call("GET", "specimens?whole=1")).header("query-hint") is None


@pytest.mark.parametrize("kind", KINDS)
async def test_the_panel_hints(fresh_settings: FreshSettings, kind: Kind) -> None:
    """An administrator's list tells what it lacks, without a statement; a viewer's does not."""
    async with library(fresh_settings, kind) as home:
        async with home.client("ana") as client:
            page = await client.get("/admin/book/list?rating__gte=4")
            assert "Index(&#34;ix_book_rating&#34;, Book.rating)" in page.text
            assert "Index(" not in (await client.get("/admin/book/list")).text
            assert "Index(" not in (await client.get("/admin/admin_user/list")).text
        async with home.client("vic") as client:
            assert "Index(" not in (await client.get("/admin/book/list?rating__gte=4")).text


@pytest.mark.parametrize("kind", KINDS)
def test_the_command(
    fresh_settings: FreshSettings,
    kind: Kind,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``db advise`` prints a table or JSON, and fails only where it is to check."""
    command = Commands(write_settings(fresh_settings(kind)), capfd, monkeypatch)
    lines = command.fine("db", "advise").splitlines()
    assert lines[0].split() == ["TABLE", "ROWS", "FOR", "ADD"]
    assert lines[1].split()[:2] == ["author", "0"]
    assert lines[1].endswith('  Index("ix_author_born", Author.born)')
    found = json.loads(command.fine("db", "advise", "--json"))
    assert found[0] == {
        "table": "author",
        "rows": 0,
        "why": ["the filter born"],
        "add": 'Index("ix_author_born", Author.born)',
    }
    done = command("db", "advise", "--check", "--json")
    assert (done.code, json.loads(done.out)) == (1, found)
    assert f"Missing: {len(found)}" in done.err
    done = command("db", "advise", "--check", "--rows", "1")
    assert (done.code, done.out) == (0, "")
    assert command("db", "advise", "--rows", "-1").code == 2
