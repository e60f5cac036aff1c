"""What is true of a search by a full-text index: what it finds, for whom, and in what order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
from api import serving
from conftest import KINDS, FreshSettings, Kind, migrated
from plans import plan_of
from sqlalchemy import Text as LongText
from sqlalchemy import event, insert, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from admin_app import Base
from admin_app.access import create_user
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Grant, Registry, ResourceOptions
from admin_app.declaration.full_text import check_full_text, declare_full_text
from admin_app.errors import AppError, BadRequestError
from admin_app.models import Author, Book
from admin_app.models.book import book_author
from admin_app.records import Records
from admin_app.records.queries.words import parts_of
from admin_app.records.reads.full_text import indexed
from admin_app.records.transfer import Export
from admin_app.settings import Settings

AUTHORS = {1: "J.R.R. Tolkien", 2: "Albert Camus", 3: "Лев Толстой", 4: "村上 春樹"}
BOOKS: tuple[tuple[int, str, str | None, tuple[int, ...]], ...] = (
    (1, "The Hobbit", "The Hobbit, or There and Back Again", (1,)),
    (2, "The Stranger", "L\u2019Étranger", (2,)),
    (3, "War and Peace", "Война и мир", (3,)),
    (4, "The Annotated Hobbit: a long title that says much about hobbits", None, (1,)),
    (5, "A hobbit's travel-guide (2nd edition), see ann@example.com", None, ()),
    (6, "Catch-22", None, ()),
    (7, "Kafka on the Shore", "海辺のカフカ", (4,)),
    (8, '"AND" OR NOT * NEAR(x) {title} : ^ \\ % _ <b>', None, ()),
    (9, "Peace of the hobbits", None, ()),
    (10, "Zebra crossing", "Night walk", ()),
    (11, "Night walk", "Zebra crossing", ()),
)
FOUND: dict[str, set[int]] = {
    "hobbit": {1, 4, 5, 9},
    "HOBB": {1, 4, 5, 9},
    "obbit": set(),
    "hobbits": {4, 9},
    "tolkien hobbit": {1, 4},
    "tolk": {1, 4},
    "back again": {1},
    "again hobbit": {1},
    "étranger": {2},
    "ÉTR": {2},
    "l'étranger": {2},
    "etranger": set(),
    "война peace": {3},
    "толст": {3},
    "海辺": {7},
    "村上": {7},
    "travel": {5},
    "guide": {5},
    "travel-guide": {5},
    "guide-travel": set(),
    "travel-gui": {5},
    "trav-guide": set(),
    "ann@example.com": {5},
    "ann@example.co": {5},
    "example": {5},
    "22": {6},
    "catch-2": {6},
    "2nd": {5},
    "hobbit - ! 😀": {1, 4, 5, 9},
    "nowhere": set(),
    "AND OR NOT": {8},
    '"and" "or"': {1, 8},
    "near(x)": {8},
    "NEAR(hobbit": set(),
    "title:hobbit": set(),
    "{title} : ^": {8, 4},
    "hobbit*": {1, 4, 5, 9},
    "b": {1, 8},
    "' OR 1=1 --": set(),
    "kafka'); DROP TABLE book; --": set(),
}
EVERYTHING = {number for number, *_ in BOOKS}


@asynccontextmanager
async def shelf(fresh_settings: FreshSettings, kind: Kind) -> AsyncIterator[Records]:
    """The library with some books."""
    database = Database(fresh_settings(kind))
    added_by = await create_user(database, "owner", None, [])

    async def fill(transaction: AsyncSession) -> None:
        authors = [{"id": key, "version": 1, "name": name} for key, name in AUTHORS.items()]
        books = [
            {
                "id": key,
                "version": 1,
                "title": title,
                "original_title": original,
                "added_by_id": added_by if key in {4, 9} else None,
            }
            for key, title, original, _ in BOOKS
        ]
        links = [{"book_id": key, "author_id": each} for key, *_, by in BOOKS for each in by]
        for table, rows in (
            (Author, authors),
            (Book, books),
            (book_author, links),
        ):
            await transaction.execute(insert(table), rows)

    await database.write(fill)
    yield Records(database, Registry.from_base(Base, ["admin_app.models"]), b"x" * 32)
    await database.close()


async def with_ann(settings: Settings) -> None:
    """The library's schema and who calls."""
    await migrated(settings)
    database = Database(settings)
    await create_user(database, "ann", None, ["editor"])
    await database.close()


def reading(*grants: Grant) -> Actor:
    return Actor(1, "somebody", frozenset(grants))


EVERYBODY = reading(Grant("book", "read"), Grant("author", "read"))


async def books(records: Records, search: str, actor: Actor = SYSTEM, **more: str) -> list[int]:
    """The keys of the books that a search finds, in order."""
    book = records.registry["book"]
    query = records.query(actor, book, [("search", search), ("limit", "200"), *more.items()])
    return [row["id"] for row in (await records.page(actor, book, query)).rows]


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_found(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Every word must begin a word of some field; signs part words, and mean nothing else."""
    async with shelf(fresh_settings, kind) as records:
        found = {words: set(await books(records, words)) for words in FOUND}
        assert found == FOUND
        for nothing in ("", "!", "* * *", "😀", "\u200b"):
            assert set(await books(records, nothing)) == EVERYTHING
        alone = [each for each in FOUND if FOUND[each] and " " not in each]
        for words in product(alone, ("hobbit", "b", "толст")):
            both = FOUND[words[0]] & FOUND[words[1]]
            assert set(await books(records, " ".join(words))) == both, words


@pytest.mark.parametrize("kind", KINDS)
async def test_long_and_many(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Words of any length and number are looked for, or refused as any other text is."""
    long = "Ы" * 1_000
    row = [
        {"id": 90, "version": 1, "title": "Ы" * 300},
        {"id": 91, "version": 1, "title": "a.b " * 75},
    ]
    async with shelf(fresh_settings, kind) as records:

        async def add(transaction: AsyncSession) -> None:
            await transaction.execute(insert(Book), row)

        await records._database.write(add)
        assert await books(records, long[:300]) == [90]
        assert await books(records, long) == []
        assert await books(records, "a." * 500) == []
        assert await books(records, "a.b." * 20) == [91]
        assert await books(records, "hobbit " * 20) == await books(records, "hobbit")
        for refused in ("a " * 21, "a\0b", "a" * 1_001, "a\ud800"):
            with pytest.raises(BadRequestError):
                await books(records, refused)


def test_parts() -> None:
    """Of a word, runs of letters and digits are looked for, with the marks that go with them."""
    assert parts_of("e-mail:Ann's") == ("e", "mail", "Ann", "s")
    assert parts_of("हिन्दी") == ("हिन्दी",)
    assert parts_of("e\u0301te\u0301") == ("e\u0301te\u0301",)
    assert parts_of("\u0301-😀%") == ()


@pytest.mark.parametrize("kind", KINDS)
class TestSight:
    """Whoever searches finds by what is in their sight, and learns nothing else by the order."""

    async def test_fields_and_relations(self, fresh_settings: FreshSettings, kind: Kind) -> None:
        """What is in a hidden field, or in a record out of sight, finds nothing."""
        hidden = frozenset({"original_title"})
        without = reading(Grant("book", "read", without=hidden), Grant("author", "read"))
        nameless = reading(
            Grant("book", "read"), Grant("author", "read", without=frozenset({"name"}))
        )
        alone = reading(Grant("book", "read"))
        titleless = reading(Grant("book", "read", without=frozenset({"title", "original_title"})))
        async with shelf(fresh_settings, kind) as records:
            assert set(await books(records, "hobbit", EVERYBODY)) == {1, 4, 5, 9}
            assert await books(records, "again", EVERYBODY) == [1]
            assert await books(records, "again", without) == []
            assert set(await books(records, "hobbit", without)) == {1, 4, 5, 9}
            assert set(await books(records, "tolkien hobbit", without)) == {1, 4}
            assert await books(records, "annotated tolk", EVERYBODY) == [4]
            assert await books(records, "annotated again", without) == []
            assert await books(records, "zebra", without) == [10]
            for actor in (nameless, alone):
                assert await books(records, "tolkien", actor) == []
                assert await books(records, "annotated tolk", actor) == []
                assert await books(records, "again hobbit", actor) == [1]
            with pytest.raises(AppError, match="cannot be read"):
                await books(records, "hobbit", titleless)

    async def test_rows(self, fresh_settings: FreshSettings, kind: Kind) -> None:
        """What a rule leaves out is not found, and its words count for nothing in the order."""
        own = Actor(1, "owner", frozenset({Grant("book", "read", "own")}))
        titles = {60: "Apple apple pear", 61: "Apple pear pear"}
        async with shelf(fresh_settings, kind) as records:

            async def add(*rows: dict[str, Any]) -> None:
                async def work(transaction: AsyncSession) -> None:
                    await transaction.execute(insert(Book), [{"version": 1, **row} for row in rows])

                await records._database.write(work)

            await add(*({"id": n, "title": each, "added_by_id": 1} for n, each in titles.items()))
            assert set(await books(records, "hobbit", own)) == {4, 9}
            order = await books(records, "apple pear", own)
            assert set(order) == set(titles)
            for word, numbers in (("Apple", range(100, 160)), ("Pear", range(200, 600))):
                await add(*({"id": n, "title": word} for n in numbers))
                assert await books(records, "apple pear", own) == order

    async def test_nothing_to_search(self, fresh_settings: FreshSettings, kind: Kind) -> None:
        """Every search is refused where nothing that is searched is in sight."""
        nobody = reading(Grant("author", "read", without=frozenset({"name"})))
        async with shelf(fresh_settings, kind) as records:
            author = records.registry["author"]
            with pytest.raises(BadRequestError) as refused:
                records.query(nobody, author, [("search", "tolkien")])
            assert refused.value.errors[0].code == "not_searchable"


def test_masked_field() -> None:
    """What reads as null for some is not looked for in the index, which knows what it is."""
    book = Registry.from_base(Base, ["admin_app.models"])["book"]
    assert [each.name for each in indexed(book)] == ["title", "original_title"]
    masked = {**book.fields, "title": replace(book.fields["title"], masked=True)}
    assert [each.name for each in indexed(replace(book, fields=masked))] == ["original_title"]


@pytest.mark.parametrize("kind", KINDS)
class TestOrder:
    """Best matches come first, unless another order is asked for."""

    async def test_best_first(self, fresh_settings: FreshSettings, kind: Kind) -> None:
        """The earlier field counts for more, and so does what is found in a short text."""
        async with shelf(fresh_settings, kind) as records:
            for actor in (SYSTEM, EVERYBODY):
                assert await books(records, "zebra", actor) == [10, 11]
                assert await books(records, "night", actor) == [11, 10]
            assert await books(records, "hobbit", sort="-id") == [9, 5, 4, 1]
            assert await books(records, "tolkien") == [4, 1]

    async def test_pages(self, fresh_settings: FreshSettings, kind: Kind) -> None:
        """Pages follow each other in that order, forth and back, with the same count."""
        settings = fresh_settings(kind, "library_of_ann", with_ann)
        async with serving(settings, models=("admin_app.models",)) as api:

            async def fill(transaction: AsyncSession) -> None:
                rows = [
                    {"id": n, "version": 1, "title": "needle " + "hay " * (n % 5), "year": n % 2}
                    for n in range(1, 24)
                ]
                await transaction.execute(insert(Book), rows)

            await api.database.write(fill)
            whole = await api.get("books?search=needle&limit=200")
            keys = [each["id"] for each in whole["data"]]
            assert sorted(keys) == list(range(1, 24))
            assert keys[:4] == [5, 10, 15, 20]
            walked: list[int] = []
            target = "books?search=needle&limit=5&count=exact"
            page = await api.get(target)
            firsts = []
            while True:
                walked += [each["id"] for each in page["data"]]
                firsts.append(page["data"][0]["id"])
                assert page["page"]["total"] == 23
                if page["page"]["next"] is None:
                    break
                page = await api.get(f"{target}&cursor={page['page']['next']}")
            assert walked == keys
            back = await api.get(f"{target}&cursor={page['page']['previous']}")
            assert back["data"][0]["id"] == firsts[-2]
            assert (await api.get(f"{target}&offset=20"))["data"][0]["id"] == keys[20]
            odd = await api.get("books?search=needle&year=1&fields=id&limit=3")
            assert [each["id"] for each in odd["data"]] == [5, 15, 1]

            ranked = (await api.get(target))["page"]["next"]
            placed = (await api.get("books?search=needle&limit=5&sort=id"))["page"]["next"]
            for wrong in (
                f"authors?search=a&cursor={ranked}",
                f"books?sort=id&cursor={ranked}",
                f"books?search=needle&cursor={placed}",
                f"books?search=needle&cursor={ranked[:-2]}",
                "books?search=needle&cursor=",
                f"books?search=needle&cursor={quote('é')}",
            ):
                answer = await api.call("GET", wrong)
                assert answer.problem(400)["errors"][0]["code"] == "bad_cursor", wrong

    async def test_look_ups(self, fresh_settings: FreshSettings, kind: Kind) -> None:
        """A look-up offers the best matches first; without words, the first by title."""
        async with shelf(fresh_settings, kind) as records:
            book = records.registry["book"]
            found = await records.choices(SYSTEM, book, "hobb", 2)
            assert [each.key for each in found] == [
                (key,) for key in (await books(records, "hobb"))[:2]
            ]
            first, *_ = await records.choices(SYSTEM, book, " - ", 1)
            assert first.text.startswith('"AND"')
            author = await records.choices(SYSTEM, records.registry["author"], "толст", 5)
            assert [each.text for each in author] == ["Лев Толстой"]


@pytest.mark.parametrize("kind", KINDS)
class TestMany:
    """Of more than are ranked, those come first that have the words in themselves, then others."""

    async def test_order_and_pages(
        self, fresh_settings: FreshSettings, kind: Kind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both are in the order of their keys, on whichever page, and all are counted."""
        async with shelf(fresh_settings, kind) as records:
            await publish(records)
            ranked = await books(records, "hobbit")
            rank_at_most(monkeypatch, 3)
            everything = [1, 4, 5, 9, 2, 7]
            assert sorted(ranked) == sorted(everything)
            assert ranked != everything
            assert await books(records, "hobbit") == everything
            book = records.registry["book"]
            for limit in range(1, 8):
                for count in COUNTS:
                    pairs = [("search", "hobbit"), ("limit", str(limit)), ("count", count)]
                    walked: list[int] = []
                    cursor: str | None = None
                    while not walked or cursor is not None:
                        after = [("cursor", cursor)] if cursor else []
                        query = records.query(SYSTEM, book, [*pairs, *after])
                        page = await records.page(SYSTEM, book, query)
                        assert page.total == (None if count == "none" else 6)
                        walked += [row["id"] for row in page.rows]
                        cursor = page.next
                    assert walked == everything
            assert await books(records, "hobbit", offset="3") == [9, 2, 7]
            assert await books(records, "hobbit", sort="-id") == [9, 7, 5, 4, 2, 1]
            assert await books(records, "hobbit", id__gt="1") == [4, 5, 9, 2, 7]
            assert set(await books(records, "pres hobbit")) == {2, 7}
            assert await books(records, "the hobbit") == [1, 4, 9, 2, 7]
            found = await records.choices(SYSTEM, book, "hobbit", 5)
            assert [each.key for each in found] == [(each,) for each in everything[:5]]

    async def test_only_what_is_in_sight(
        self, fresh_settings: FreshSettings, kind: Kind, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Records, fields and relations out of sight neither count nor move anything."""
        own = Actor(1, "owner", frozenset({Grant("book", "read", "own")}))
        alone = reading(Grant("book", "read"))
        hidden = frozenset({"title"})
        titleless = reading(Grant("book", "read", without=hidden), Grant("author", "read"))
        async with shelf(fresh_settings, kind) as records:
            await publish(records)
            ranked = await books(records, "hobbit", own)
            rank_at_most(monkeypatch, 2)
            assert await books(records, "hobbit", own) == ranked
            assert await books(records, "hobbit", alone) == [1, 4, 5, 9]
            assert await books(records, "hobbit", titleless) == [1, 2, 7]
            rank_at_most(monkeypatch, 1)
            assert await books(records, "hobbit", own) == [4, 9]
            assert await books(records, "tolkien") == [1, 4]
            assert await books(records, "tolkien", alone) == []


COUNTS = ("none", "capped", "exact", "estimated")


def rank_at_most(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    for module in ("matches", "pages"):
        monkeypatch.setattr(f"admin_app.records.reads.{module}.RANKED", number)


async def publish(records: Records) -> None:
    """Have two books that nobody calls a hobbit by an author who is called so."""

    async def work(transaction: AsyncSession) -> None:
        author = {"id": 9, "version": 1, "name": "Hobbit Press"}
        await transaction.execute(insert(Author), [author])
        links = [{"book_id": key, "author_id": 9} for key in (2, 7)]
        await transaction.execute(insert(book_author), links)

    await records._database.write(work)


FILL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
    " INSERT INTO book (id, version, title, added_at)"
    " SELECT i, 1, 'Volume ' || i || ' word' || (i % 997), '2026-01-01' FROM n",
    "postgresql": "INSERT INTO book (id, version, title, added_at)"
    " SELECT i, 1, 'Volume ' || i || ' word' || (i % 997), '2026-01-01'"
    " FROM generate_series(1, CAST(:rows AS integer)) AS n(i)",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_index_is_used(fresh_settings: FreshSettings, kind: Kind) -> None:
    """No list, count or look-up that is searched reads the table from end to end."""
    database = Database(fresh_settings(kind))
    records = Records(database, Registry.from_base(Base, ["admin_app.models"]), b"x" * 32)

    async def fill(transaction: AsyncSession) -> None:
        await transaction.execute(text(FILL[kind]), {"rows": 20_000})
        names = [{"id": n, "version": 1, "name": f"Writer{n}"} for n in range(1, 5_001)]
        await transaction.execute(insert(Author), names)
        links = [{"book_id": n, "author_id": n} for n in range(1, 5_001)]
        await transaction.execute(insert(book_author), links)
        await transaction.execute(text("ANALYZE"))

    await database.write(fill)
    seen: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        seen.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    nobody = reading(Grant("book", "read"))
    for actor in (SYSTEM, nobody):
        for words in ("12345", "volume 12345 word"):
            assert await books(records, words, actor, count="exact") == [12_345]
            await books(records, words, actor, sort="-year")
            await records.choices(actor, records.registry["book"], words)
    assert await books(records, "writer4321") == [4321]
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)

    searches = [each for each in seen if "tsquery" in each[0] or "MATCH" in each[0]]
    assert len(searches) > 12
    for statement, parameters in searches:
        plan = await plan_of(database, statement, parameters)
        # Those that are ranked are read by their keys, which were found before.
        indexes = ("fts_book_title", "VIRTUAL TABLE INDEX", "Index Cond: (id = ANY")
        assert any(each in plan for each in indexes), plan
        for scanned in ("Seq Scan on book ", "SCAN book\n", "SCAN book'", "Seq Scan on author"):
            assert scanned not in plan, plan
    await database.close()


def test_mistakes() -> None:
    """What stands in the way of an index is told at start-up, all of it at once."""

    class Own(DeclarativeBase):
        __resource__ = ResourceOptions()

    class Named(Own):
        __tablename__ = "named"
        __resource__ = ResourceOptions(search=["rank", "parent.name"], full_text=True)
        code: Mapped[str] = mapped_column(primary_key=True)
        rank: Mapped[str] = mapped_column(LongText)

    class Shadow(Own):
        __tablename__ = "named_search"
        __resource__ = ResourceOptions(full_text=True)
        id: Mapped[int] = mapped_column(primary_key=True)

    registry = Registry.from_base(Base, ["admin_app.models"])
    fields = registry["book"].fields
    problems: list[str] = []
    for model, known in ((Named, {"rank": fields["id"]}), (Shadow, {})):
        declare_full_text(model, model.__resource__)
        check_full_text(model, model.__table__, model.__resource__, known, problems)

    assert problems == [
        "Named: full_text needs a key of one integer",
        "Named: full_text makes a table 'named_search', which is declared",
        "Named: full_text cannot index 'id', which is no text column",
        "Shadow: full_text needs a text field of its own in search",
    ]
    assert not Named.metadata.tables["named"].info
    Own.registry.dispose()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_goes_by_key(fresh_settings: FreshSettings, kind: Kind) -> None:
    """What is found goes into a file in the order of the keys, and not only what is ranked."""
    async with shelf(fresh_settings, kind) as records:
        resource = records.registry["book"]
        query = records.query(SYSTEM, resource, [("search", "hobbit")])
        written = Export(records, SYSTEM, resource, query).records()
        found = [each["id"] async for each in written]
        assert found == [1, 4, 5, 9]
        assert await books(records, "hobbit") != found
