"""What is answered of a record: some of its fields, and records of its relations inside."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema_rs
import pytest
from api import PREFIX, Answer, Api, make_role, prepare_zoo, serving
from conftest import KINDS, FreshSettings
from sqlalchemy import event, insert
from zoo import RESOURCES, sample

from admin_app.declaration import Grant, Relation, Resource
from admin_app.models import Author, Book, Comment, Reader
from admin_app.models.book import book_author
from admin_app.records.reads.includes import MOST_INCLUDED
from admin_app.settings import Settings

MODELS = ("admin_app.models", "zoo")
LIMIT = "limit=200"


async def fill_zoo(settings: Settings) -> None:
    await prepare_zoo(settings)
    async with serving(settings, models=MODELS) as api:
        for name in RESOURCES:
            for body in sample(name):
                await api.add(api.registry[name].plural, body)
        await api.add("folders", {"name": "child", "parent_id": 1})


@asynccontextmanager
async def served(fresh: FreshSettings) -> AsyncIterator[tuple[Api, Api]]:
    """The library and the zoo with all its samples, on both databases."""
    async with AsyncExitStack() as stack:
        both = []
        for kind in KINDS:
            settings = fresh(kind, "full zoo", fill_zoo)
            both.append(await stack.enter_async_context(serving(settings, models=MODELS)))
        yield both[0], both[1]


@contextmanager
def statements(api: Api) -> Iterator[list[str]]:
    """What is read of the database meanwhile, but for who calls."""
    found: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith(("SELECT", "WITH")) and "admin_token" not in statement:
            found.append(statement)

    engine = api.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def ask(api: Api, target: str, **parameters: Any) -> Answer:
    """A GET; what is no text is sent as JSON."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in parameters.items()
    }
    return await api.call("GET", f"{target}?{urlencode(texts)}" if texts else target)


async def found(api: Api, target: str, **parameters: Any) -> Any:
    answer = await ask(api, target, **parameters)
    assert answer.status == 200, answer
    return answer.json.get("data", answer.json)


async def test_fields(fresh_settings: FreshSettings) -> None:
    """Of every resource each field and set is answered alone, as it is answered with the others."""
    async with served(fresh_settings) as both:
        for api in both:
            for name in RESOURCES:
                resource = api.registry[name]
                rows = await found(api, resource.plural, limit="200")
                known = [*resource.readable, *resource.sets]
                for several in (known[:1], known[1:2], known[::2], known[::-1], known[-1:]):
                    some = await found(api, resource.plural, limit="200", fields=",".join(several))
                    assert some == [{each: row[each] for each in several} for row in rows]
                one = await ask(api, api.address(name, rows[0]), fields=known[-1])
                assert one.json == {known[-1]: rows[0][known[-1]]}


async def test_what_is_not_asked_for_is_not_read(fresh_settings: FreshSettings) -> None:
    """Fields that are neither answered nor needed for the order are not asked of the database."""
    async with served(fresh_settings) as both:
        for api in both:
            with statements(api) as asked:
                await found(api, "specimens", fields="name", sort="-day")
            (list_,) = [each for each in asked if "FROM specimen" in each]
            for column, read in (("name", True), ("day", True), ("blob", False), ("text", False)):
                assert (f"specimen.{column}" in list_) is read, column
            with statements(api) as asked:
                await found(api, "keepers/1", fields="labels")
            tables = ("keeper_label", "friendship", "visit", "keeper_composite")
            assert [any(name in each for each in asked) for name in tables] == [
                True,
                False,
                False,
                False,
            ]


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


@pytest.mark.slow
async def test_shaped_answers_fit_the_document(fresh_settings: FreshSettings) -> None:
    """An answer with every relation, and one with few fields, fit the schemas of their resource."""
    async with served(fresh_settings) as (api, _):
        document = await api.get("openapi.json")
        for name in RESOURCES:
            resource = api.registry[name]
            for path, target in ((f"{PREFIX}/{resource.plural}", resource.plural),):
                content = document["paths"][path]["get"]["responses"]["200"]["content"]
                schema = {
                    **content["application/json"]["schema"],
                    "components": document["components"],
                }
                fits = jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate
                fits(await api.get(target))
                fits(await api.get(f"{target}?fields={resource.key[0].name}"))
                if resource.relations:
                    fits(await api.get(f"{target}?include={','.join(resource.relations)}"))


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


MISTAKES: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"fields": ""}, "/fields", "bad_value"),
    ({"fields": "nmae"}, "/fields", "unknown_field"),
    ({"fields": "name,"}, "/fields", "unknown_field"),
    ({"fields": "name,name"}, "/fields", "repeated"),
    ({"fields": "cages"}, "/fields", "unknown_field"),
    ({"fields": "cages.nam"}, "/fields", "unknown_field"),
    ({"fields": "cgaes.name"}, "/fields", "unknown_relation"),
    ({"fields": "name.x"}, "/fields", "unknown_relation"),
    ({"fields": ",".join(["name"] * 201)}, "/fields", "too_many_names"),
    ({"include": ""}, "/include", "bad_value"),
    ({"include": "name"}, "/include", "unknown_relation"),
    ({"include": "boss..boss"}, "/include", "unknown_relation"),
    ({"include": "boss.boss.boss.boss"}, "/include", "too_deep"),
    ({"include": "{"}, "/include", "bad_value"),
    ({"include": '{"boss": {"limit": NaN}}'}, "/include", "bad_value"),
    ({"include": '{"\\ud800": {}}'}, "/include", "bad_value"),
    ({"include": "[" * 100_000}, "/include", "unknown_relation"),
    ({"include": '{"a":' * 2_000}, "/include", "bad_value"),
    ({"include": {"boss": None}}, "/include/boss", "bad_value"),
    ({"include": {"cages": {"limt": 3}}}, "/include/cages/limt", "unknown_member"),
    ({"include": {"cages": {"limit": 0}}}, "/include/cages/limit", "bad_value"),
    ({"include": {"cages": {"limit": 201}}}, "/include/cages/limit", "bad_value"),
    ({"include": {"cages": {"limit": 2**70}}}, "/include/cages/limit", "bad_value"),
    ({"include": {"cages": {"limit": True}}}, "/include/cages/limit", "bad_value"),
    ({"include": {"cages": {"sort": "nam"}}}, "/include/cages/sort", "unknown_sort"),
    ({"include": {"cages": {"sort": [1]}}}, "/include/cages/sort", "bad_value"),
    ({"include": {"cages": {"fields": "name,nam"}}}, "/include/cages/fields", "unknown_field"),
    ({"include": {"cages": {"fields": ["nam"]}}}, "/include/cages/fields/0", "unknown_field"),
    ({"include": {"cages": {"fields": []}}}, "/include/cages/fields", "bad_value"),
    ({"include": {"cages": {"fields": {}}}}, "/include/cages/fields", "bad_value"),
    ({"include": {"cages": {"include": 3}}}, "/include/cages/include", "bad_value"),
    ({"include": {"cages": {"filter": {"nam": 1}}}}, "/include/cages/filter/nam", "unknown_field"),
    ({"include": {"cages": {"filter": {"name": 1}}}}, "/include/cages/filter/name", "bad_value"),
    ({"include": {"boss": {"limit": 1}}}, "/include/boss/limit", "not_here"),
    ({"include": {"boss": {"sort": "id"}}}, "/include/boss/sort", "not_here"),
    ({"include": {"boss.boss": {}}}, "/include/boss.boss", "unknown_relation"),
)


async def test_mistakes(fresh_settings: FreshSettings) -> None:
    """What cannot be answered is refused, the same of a list and of a record, by place and name."""
    async with served(fresh_settings) as both:
        for api in both:
            for parameters, pointer, code in MISTAKES:
                for target in ("keepers", "keepers/1"):
                    answer = await ask(api, target, **parameters)
                    problem = answer.problem(400, "bad_request")
                    errors = [(each["pointer"], each["code"]) for each in problem["errors"]]
                    assert (pointer, code) in errors, (parameters, errors)
            near = (await ask(api, "keepers", fields="nmae")).json["errors"][0]["detail"]
            assert "Did you mean name?" in near
            many = [
                f"{one}.{two}"
                for one in ("staff", "friends", "boss")
                for two in ("staff", "friends", "boss", "cages", "labels", "loans", "visited")
            ]
            answer = await ask(api, "keepers", include=",".join(many))
            assert "too_many_includes" in str(answer.problem(400))
            for target, name in (
                ("keepers?limit=3&limt=3", "limt"),
                ("keepers/1?limit=3", "limit"),
            ):
                answer = await api.call("GET", target)
                assert answer.pointers == [f"/{name}"]


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
                with statements(api) as asked:
                    rows = (await api.get(f"{target}&limit={limit}"))["data"]
                assert len(rows) == limit
                assert all(len(each["authors"]) == 2 for each in rows)
                assert all(len(each["comments"]) == 10 for each in rows)
                assert all(each["comments"][0]["reader"]["name"] == "r" for each in rows)
                counts[limit] = len(asked)
            # The list, its three includes and the books of the authors.
            assert set(counts.values()) == {5}, counts
            with statements(api) as asked:
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


READ = tuple(
    Grant(name, "read")
    for name in RESOURCES
    if name not in {"keeper", "label", "composite", "passport", "visit", "loan", "folder"}
)


@asynccontextmanager
async def seen_by(api: Api, name: str, *grants: Grant) -> AsyncIterator[None]:
    """Whoever calls meanwhile has these grants."""
    await make_role(api.database, name, *READ, *grants)
    before, api.token = api.token, await api.token_of(name, name)
    yield
    api.token = before


async def test_what_is_out_of_sight_is_not_included(fresh_settings: FreshSettings) -> None:
    """Relations, fields and rows out of sight are not there, however deep they are asked for."""
    async with served(fresh_settings) as both:
        for api in both:
            third = await api.add("keepers", {"name": "Cy", "boss_id": 2, "friends": [1, 2]})
            fourth = await api.add("keepers", {"name": "Di", "boss_id": third["id"]})
            await api.add("cages", {"name": "of Di", "keeper_id": fourth["id"]})
            # The rule "some" is true of keepers with an even number: Bo and Di.
            some = Grant("keeper", "read", "some")
            async with seen_by(api, "some", some, Grant("label", "read")):
                rows = await found(api, "keepers", include="boss.boss,staff,friends,labels.keepers")
                assert [row["name"] for row in rows] == ["Bo", "Di"]
                bo, di = rows
                assert (bo["boss"], bo["boss_id"], bo["staff"], bo["friends"]) == (
                    None,
                    None,
                    [],
                    [],
                )
                assert (di["boss"], di["boss_id"], di["labels"]) == (None, None, [])
                labels = await found(api, "labels", include="keepers.boss.staff")
                assert [each["keepers"] for each in labels] == [[], []]
                cages = await found(
                    api, "cages", fields="name,keeper_id,keeper.name,keeper.boss.id"
                )
                assert cages == [
                    {"name": "c", "keeper_id": None, "keeper": None},
                    {"name": "d", "keeper_id": None, "keeper": None},
                    {
                        "name": "of Di",
                        "keeper_id": fourth["id"],
                        "keeper": {"name": "Di", "boss": None},
                    },
                ]
                one = await ask(api, "keepers/1", include="staff")
                one.problem(404, "not_found")
                # A filter inside an include does not tell of them either.
                inside = {"keeper": {"include": {"staff": {"filter": {"boss": 1}}}}}
                assert await found(api, "cages", name="c", include=inside) == [
                    {**(await found(api, "cages", name="c"))[0], "keeper": None}
                ]


async def test_what_is_withheld_is_unknown(fresh_settings: FreshSettings) -> None:
    """A hidden field, relation or target is refused in the words for one that never was."""
    whole = frozenset[str]()
    cases: tuple[tuple[str, tuple[Grant, ...], str, str, str], ...] = (
        ("no labels", (Grant("keeper", "read"),), "keepers", "labels", "x"),
        ("no boss", (Grant("keeper", "read", None, frozenset({"boss"})),), "keepers", "boss", "x"),
        (
            "no key",
            (Grant("keeper", "read", None, frozenset({"boss_id"})),),
            "keepers",
            "staff",
            "x",
        ),
        ("no keepers", (Grant("label", "read"),), "cages", "keeper", "x"),
        (
            "joined by what is hidden",
            (Grant("folder", "read", None, frozenset({"name"})),),
            "folders",
            "namesakes",
            "x",
        ),
        (
            "visits of some",
            (
                Grant("keeper", "read"),
                Grant("label", "read"),
                Grant("visit", "read", "some", whole),
            ),
            "keepers",
            "visited",
            "x",
        ),
    )
    async with served(fresh_settings) as both:
        for api in both:
            for number, (why, grants, plural, hidden, unknown) in enumerate(cases):
                async with seen_by(api, f"case{number}", *grants):
                    for parameter in ("include", "fields"):
                        for form in ("{}", "{}.name", "{}.{}"):
                            one = await ask(api, plural, **{parameter: form.format(hidden, hidden)})
                            other = await ask(
                                api, plural, **{parameter: form.format(unknown, unknown)}
                            )
                            assert one.status == other.status == 400, why
                            assert [{**each, "detail": ""} for each in one.json["errors"]] == [
                                {**each, "detail": ""} for each in other.json["errors"]
                            ], why
                            assert hidden not in str(one.json["errors"]), why
            grants = (Grant("keeper", "read", None, frozenset({"name"})),)
            async with seen_by(api, "nameless", *grants):
                cages = await found(api, "cages", name="c", include="keeper")
                assert cages[0]["keeper"] == {
                    "id": 1,
                    "version": 2,
                    "boss_id": None,
                    "friends": [2],
                    "friend_of": [2],
                }
                answer = await ask(api, "cages", fields="keeper.name")
                assert answer.problem(400)["errors"][0]["code"] == "unknown_field"
                for inside in ({"filter": {"name": "Ana"}}, {"sort": "name"}, {"fields": ["name"]}):
                    answer = await ask(api, "keepers", include={"staff": inside})
                    answer.problem(400)


async def test_the_answers_of_writes_are_plain(fresh_settings: FreshSettings) -> None:
    """A write answers the whole record; a shape is refused there, and nothing is written."""
    async with served(fresh_settings) as (api, _):
        answer = await api.call("POST", "books?include=authors", {"title": "x"})
        answer.problem(400, "bad_request")
        assert (await api.get("books"))["data"] == []
