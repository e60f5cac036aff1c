"""Records of relations inside answers: as their own lists give them, in so many statements."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from api import Api
from conftest import FreshSettings
from shapes import ask, found, reads, served
from sqlalchemy import insert
from zoo import RESOURCES

from admin_app.declaration import Relation, Resource
from admin_app.models import Author, Book, Comment, Reader
from admin_app.models.book import book_author
from admin_app.records.reads.includes import MOST_INCLUDED


def expected(resource: Resource, relation: Relation, row: Any, others: Sequence[Any]) -> Any:
    """What including a relation gives, worked out of the plain rows of both resources."""
    if relation.keyed:
        keys = row[relation.name]
        return [each for each in others if each["_key"] in keys]
    if relation.name == "namesakes":
        return [each for each in others if each["name"] == row["name"] and each["id"] != row["id"]]
    if relation.fields:
        key = [row[name] for name in relation.fields]
        linked = [each for each in others if each["_parts"] == key]
    else:
        linked = [
            each
            for each in others
            if all(each[far] == row[near] for far, near in relation.pointing)
        ]
    return linked if relation.many else next(iter(linked), None)


async def rows_of(api: Api, resource: Resource) -> list[Any]:
    """Every row, with its key as others refer to it and in its parts."""
    rows: list[Any] = await found(api, resource.plural, limit="200")
    for row in rows:
        parts = [row[each.name] for each in resource.key]
        row["_parts"] = parts
        alone = len(parts) == 1
        row["_key"] = parts[0] if alone else resource.key_text(tuple(parts))
    return rows


def bare(value: Any) -> Any:
    """Without what ``rows_of`` added."""
    if isinstance(value, list):
        return [bare(each) for each in value]
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if name not in {"_key", "_parts"}}
    return value


async def test_every_relation_is_included(fresh_settings: FreshSettings) -> None:
    """Of every resource each relation is included, whatever its kind: as its records are read."""
    async with served(fresh_settings) as both:
        for api in both:
            checked = 0
            for name in RESOURCES:
                resource = api.registry[name]
                rows = await rows_of(api, resource)
                for relation in resource.relations.values():
                    others = await rows_of(api, api.registry.target(relation))
                    answered = await found(api, resource.plural, limit="200", include=relation.name)
                    for row, shaped in zip(rows, answered, strict=True):
                        inside = expected(resource, relation, row, others)
                        assert shaped == {**bare(row), relation.name: bare(inside)}
                        checked += bool(inside)
            assert checked > 20


async def test_includes_inside_includes(fresh_settings: FreshSettings) -> None:
    """Relations are included to a depth of three, back to oneself as well, each as it is read."""
    async with served(fresh_settings) as both:
        for api in both:
            keepers = {row["id"]: row for row in await found(api, "keepers")}
            labels = {row["code"]: row for row in await found(api, "labels")}
            (bo,) = await found(api, "keepers", id="2", include="boss.labels.keepers")
            inner = [
                {**labels[code], "keepers": [keepers[key] for key in labels[code]["keepers"]]}
                for code in keepers[1]["labels"]
            ]
            assert bo == {**keepers[2], "boss": {**keepers[1], "labels": inner}}
            (part, _) = await found(api, "parts", fields="position,composite.parts.name")
            assert part == {"position": 1, "composite": {"parts": [{"name": "x"}]}}
            (cage,) = await found(api, "cages", name="c", include="composite,keeper.passport")
            assert cage["composite"]["room"] == "a"
            assert cage["keeper"]["passport"]["number"] == "P1"


async def test_said_in_json(fresh_settings: FreshSettings) -> None:
    """A JSON include filters, sorts and cuts inside each record, and says where it has cut."""
    async with served(fresh_settings) as both:
        for api in both:
            made = [await api.add("keepers", {"name": f"boss {n}"}) for n in range(2)]
            for n in range(5):
                boss = made[n % 2]["id"]
                await api.add("keepers", {"name": f"k{n}", "boss_id": boss, "labels": ["l/1"]})
            asked = {
                "staff": {
                    "filter": {"name": {"ne": "k2"}},
                    "sort": "-name",
                    "limit": 1,
                    "fields": ["name", "labels.code"],
                    "include": {"boss": {"fields": ["id"]}},
                }
            }
            target = f"keepers?name__startswith=boss&sort=id&include={quote(json.dumps(asked))}"
            answer = await api.call("GET", target)
            assert [row["staff"] for row in answer.json["data"]] == [
                [{"name": name, "labels": [{"code": "l/1"}], "boss": {"id": boss["id"]}}]
                for name, boss in zip(("k4", "k3"), made, strict=True)
            ]
            assert answer.header("truncated") == "staff"
            asked["staff"]["limit"] = 2
            whole = await ask(api, "keepers", include=asked)
            assert whole.header("truncated") is None
            one = await ask(
                api,
                f"keepers/{made[0]['id']}",
                include={"staff": {"include": {"labels": {"include": {"keepers": {"limit": 2}}}}}},
            )
            assert [each["name"] for each in one.json["staff"]] == ["k0", "k2", "k4"]
            assert one.header("truncated") == "staff.labels.keepers"


async def test_pages_of_what_includes(fresh_settings: FreshSettings) -> None:
    """A limit counts the records of the list, whatever is inside, and cursors go on as asked."""
    async with served(fresh_settings) as both:
        for api in both:
            rows = await api.walk("keepers?limit=1&fields=name,labels.code,friends.id&sort=-name")
            assert rows == [
                {"name": "Bo", "labels": [], "friends": [{"id": 1}]},
                {
                    "name": "Ana",
                    "labels": [{"code": "l/1"}, {"code": "query"}],
                    "friends": [{"id": 2}],
                },
            ]


async def fill(api: Api, books: int, comments: int) -> None:
    """Books with two authors each and comments of one reader."""

    async def work(session: Any) -> None:
        tables: Any = (Author.__table__, Reader.__table__, Book.__table__, Comment.__table__)
        people = [{"name": f"n{n}", "version": 1} for n in range(3)]
        reader = {"id": 1, "name": "r", "email": "r@x", "card_number": "1", "version": 1}
        reader |= {"joined": Reader.__table__.c.joined.type.python_type(2026, 1, 1), "active": True}
        titles = [{"id": n, "title": f"t{n:04}", "version": 1} for n in range(1, books + 1)]
        texts = [
            {"book_id": n % books + 1, "reader_id": 1, "text": f"c{n}", "stars": 3, "version": 1}
            for n in range(comments)
        ]
        links = [
            {"book_id": n, "author_id": author} for n in range(1, books + 1) for author in (1, 2)
        ]
        for table, rows in zip(tables, (people, [reader], titles, texts), strict=True):
            await session.execute(insert(table), rows)
        await session.execute(insert(book_author), links)

    await api.database.write(work)


async def test_a_fixed_number_of_statements(fresh_settings: FreshSettings) -> None:
    """A list with three includes takes as many statements for one record as for two hundred."""
    target = "books?include=authors,comments.reader&sort=id"
    async with served(fresh_settings) as both:
        for api in both:
            await fill(api, 200, 2_000)
            counts = {}
            for limit in (1, 10, 200):
                with reads(api) as asked:
                    rows = (await api.get(f"{target}&limit={limit}"))["data"]
                assert len(rows) == limit
                assert all(len(each["authors"]) == 2 for each in rows)
                assert all(len(each["comments"]) == 10 for each in rows)
                assert all(each["comments"][0]["reader"]["name"] == "r" for each in rows)
                counts[limit] = len(asked)
            # The list, its three includes and the books of the authors.
            assert set(counts.values()) == {5}, counts
            with reads(api) as asked:
                await api.get(f"{target}&limit=200&fields=title,authors.name")
            assert len(asked) == 4


async def test_at_most_so_many_inside(fresh_settings: FreshSettings) -> None:
    """Where more would be included than one answer takes, it is refused with what to do."""
    async with served(fresh_settings) as both:
        for api in both:
            await fill(api, 100, MOST_INCLUDED + 100)
            inside = {"comments": {"limit": 100, "fields": ["text"]}}
            answer = await ask(api, "books", limit="100", include=inside)
            assert len(answer.json["data"]) == 100
            assert answer.header("truncated") == "comments"
            inside["comments"]["limit"] = 101
            answer = await ask(api, "books", limit="100", include=inside)
            assert answer.problem(400)["errors"][0]["code"] == "too_many_included"
            assert "limit" in answer.json["detail"]
            fewer = await ask(api, "books", limit="99", include=inside)
            assert sum(len(each["comments"]) for each in fewer.json["data"]) == 99 * 101
            inside["comments"] |= {"include": {"reader": {}}}
            answer = await ask(api, "books", limit="99", include=inside)
            assert answer.problem(400)["errors"][0]["code"] == "too_many_included"
