"""What is answered of a record: some of its fields, and records of its relations inside."""

from __future__ import annotations

from typing import Any

import pytest
from api import PREFIX
from conftest import FreshSettings
from schemas import checks_of
from shapes import ask, found, reads, served
from zoo import RESOURCES


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
            with reads(api) as asked:
                await found(api, "specimens", fields="name", sort="-day")
            (list_,) = [each for each in asked if "FROM specimen" in each]
            for column, read in (("name", True), ("day", True), ("blob", False), ("text", False)):
                assert (f"specimen.{column}" in list_) is read, column
            with reads(api) as asked:
                await found(api, "keepers/1", fields="labels")
            tables = ("keeper_label", "friendship", "visit", "keeper_composite")
            assert [any(name in each for each in asked) for name in tables] == [
                True,
                False,
                False,
                False,
            ]


@pytest.mark.slow
async def test_shaped_answers_fit_the_document(fresh_settings: FreshSettings) -> None:
    """An answer with every relation, and one with few fields, fit the schemas of their resource."""
    async with served(fresh_settings) as (api, _):
        check_of = checks_of(await api.get("openapi.json"))
        for name in RESOURCES:
            resource = api.registry[name]
            target = resource.plural
            answer = ("paths", f"{PREFIX}/{target}", "get", "responses", "200", "content")
            fits = check_of(*answer, "application/json", "schema")
            fits(await api.get(target))
            fits(await api.get(f"{target}?fields={resource.key[0].name}"))
            if resource.relations:
                fits(await api.get(f"{target}?include={','.join(resource.relations)}"))


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


async def test_the_answers_of_writes_are_plain(fresh_settings: FreshSettings) -> None:
    """A write answers the whole record; a shape is refused there, and nothing is written."""
    async with served(fresh_settings) as (api, _):
        answer = await api.call("POST", "books?include=authors", {"title": "x"})
        answer.problem(400, "bad_request")
        assert (await api.get("books"))["data"] == []
