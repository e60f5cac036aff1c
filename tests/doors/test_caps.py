"""The bounds of a read, as docs/rest.md tells them: each is taken, one more is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from api import Answer, Api, zoo_on
from conftest import PROJECT, FreshSettings

from admin_app import ResourceOptions
from admin_app.records.queries import (
    aggregation,
    facets,
    filters,
    grammar,
    operands,
    ordering,
    shape,
)
from admin_app.records.queries.reading import MAX_CONDITIONS, MAX_STEPS, MAX_VALUES
from admin_app.records.reads.includes import MOST_INCLUDED, MOST_WEIGHT

PAGE = ResourceOptions().page_limit


def deep(levels: int) -> dict[str, Any]:
    """A tree of so many levels of conditions."""
    tree: dict[str, Any] = {"name": "a"}
    for _ in range(levels - 1):
        tree = {"_not": tree}
    return tree


def included(depth: int) -> str:
    return ".".join(("children", "parent")[each % 2] for each in range(depth))


def several(most: int, each: int) -> dict[str, Any]:
    """A condition that compares with ``most`` values, ``each`` in a list."""
    lists = [each] * (most // each) + [most % each] * bool(most % each)
    return {"_or": [{"id": {"in": list(range(length))}} for length in lists]}


COMPUTED = (
    "data,meta,limit,offset,sort,page,count,cursor,search,errors,process,validate,populate_obj,"
    "copy,schema,model_config,model_fields,key,keys,items,csrf_token"
)
BOUNDS: list[tuple[str, tuple[int, ...], str, str, Any, Any]] = [
    ("parameters", (grammar.MAX_PARAMETERS,), "folders", "bad_request", None, None),
    ("records of a page", (PAGE,), "folders", "limit", PAGE, PAGE + 1),
    (
        "records skipped",
        (ordering.MAX_OFFSET,),
        "folders",
        "offset",
        ordering.MAX_OFFSET,
        ordering.MAX_OFFSET + 1,
    ),
    (
        "conditions",
        (MAX_CONDITIONS,),
        "folders",
        "filter",
        {"_or": [{"id": 1}] * (MAX_CONDITIONS - 1)},
        {"_or": [{"id": 1}] * MAX_CONDITIONS},
    ),
    (
        "levels of `filter`",
        (filters.MAX_DEPTH,),
        "folders",
        "filter",
        deep(filters.MAX_DEPTH),
        deep(filters.MAX_DEPTH + 1),
    ),
    (
        "steps through relations",
        (MAX_STEPS,),
        "folders",
        "filter",
        {"_or": [{"parent.name": "a"}] * MAX_STEPS},
        {"_or": [{"parent.name": "a"}] * (MAX_STEPS + 1)},
    ),
    (
        "relations of a filter, one in the other",
        (filters.MAX_RELATIONS,),
        "folders",
        "filter",
        {"parent.parent.parent.name": "a"},
        {"parent.parent.parent.parent.name": "a"},
    ),
    (
        "values of all lists",
        (MAX_VALUES,),
        "folders",
        "filter",
        several(MAX_VALUES, operands.MAX_LIST),
        several(MAX_VALUES + 1, operands.MAX_LIST),
    ),
    (
        "values of one list",
        (operands.MAX_LIST,),
        "folders",
        "filter",
        several(operands.MAX_LIST, operands.MAX_LIST),
        several(operands.MAX_LIST + 1, operands.MAX_LIST + 1),
    ),
    (
        "characters of a pattern",
        (operands.MAX_PATTERN,),
        "folders",
        "name__ilike",
        "a" * operands.MAX_PATTERN,
        "a" * (operands.MAX_PATTERN + 1),
    ),
    (
        "words of `search`",
        (ordering.MAX_WORDS,),
        "folders",
        "search",
        "a " * ordering.MAX_WORDS,
        "a " * (ordering.MAX_WORDS + 1),
    ),
    (
        "relations that are included",
        (shape.MAX_INCLUDES,),
        "keepers",
        "include",
        None,
        ",".join(
            f"{first}.{second}.{third}"
            for first in ("friends", "friend_of", "staff")
            for second in ("boss", "staff", "friends")
            for third in ("boss", "loans")
        ),
    ),
    (
        "relations that are included, one in the other",
        (shape.MAX_DEPTH,),
        "folders",
        "include",
        included(shape.MAX_DEPTH),
        included(shape.MAX_DEPTH + 1),
    ),
    (
        "names of `fields` and `include`",
        (shape.MAX_NAMES,),
        "folders",
        "fields",
        None,
        ",".join(["name"] * (shape.MAX_NAMES + 1)),
    ),
    (
        "fields that an aggregate groups by",
        (aggregation.MAX_GROUPS,),
        "specimens/aggregate",
        "group",
        "short,sure,small,whole,big",
        "short,sure,small,whole,big,name",
    ),
    (
        "things that an aggregate computes",
        (aggregation.MAX_MEASURES,),
        "odd_names/aggregate",
        "distinct",
        None,
        COMPUTED,
    ),
    (
        "groups of an aggregate",
        (aggregation.MAX_LIMIT,),
        "folders/aggregate",
        "limit",
        aggregation.MAX_LIMIT,
        aggregation.MAX_LIMIT + 1,
    ),
    (
        "fields of facets",
        (facets.MAX_FIELDS,),
        "specimens/facets",
        "field",
        "short,sure,small,whole,big",
        "short,sure,small,whole,big,name",
    ),
    (
        "values of a facet",
        (facets.MAX_LIMIT,),
        "folders/facets?field=name",
        "limit",
        facets.MAX_LIMIT,
        facets.MAX_LIMIT + 1,
    ),
]


def table() -> Mapping[str, tuple[str, str]]:
    """The rows of the page: what may be asked for at most, and the code of more."""
    text = (PROJECT / "docs/rest.md").read_text("utf-8")
    _, _, chapter = text.partition("## Bounds of a read")
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \| `(\w+)` \|$", chapter.partition("\n## ")[0], re.MULTILINE
    )
    return {
        name.removesuffix(", `limit`").removesuffix(", `offset`"): (most, code)
        for name, most, code in rows
    }


async def ask(api: Api, target: str, parameter: str, value: Any) -> Answer:
    given = value if isinstance(value, str | int) else json.dumps(value)
    body = {parameter: value} if target == "folders" and parameter == "filter" else None
    if body is not None:
        return await api.call("POST", f"{target}/query", body)
    joint = "&" if "?" in target else "?"
    return await api.call("GET", f"{target}{joint}{urlencode({parameter: given})}")


async def test_every_bound_holds(fresh_settings: FreshSettings) -> None:
    """What is told of is what is taken; one more is refused where it stands, with its code."""
    told = dict(table())
    async with zoo_on(fresh_settings, "sqlite") as api:
        for name, most, target, parameter, taken, refused in BOUNDS:
            said, code = told.pop(name)
            assert all(f"{each:,}" in said for each in most), name
            if refused is None:
                many = "&".join(f"x{each}=1" for each in range(most[0] + 1))
                problem = (await api.call("GET", f"{target}?{many}")).problem(400, code)
                assert f"{most[0]}" in problem["detail"]
                continue
            answer = await ask(api, target, parameter, refused)
            errors = answer.problem(400)["errors"]
            assert code in {each["code"] for each in errors}, (name, errors)
            assert all(
                each["pointer"].startswith(f"/{parameter}") for each in errors if each["pointer"]
            )
            details = " ".join(each["detail"].replace(",", "") for each in errors)
            assert str(most[0]) in details, (name, errors)
            if taken is not None:
                assert (await ask(api, target, parameter, taken)).status == 200, name
    assert told == {"records that are included": ("10,000 and 32 MiB", "too_many_included")}
    assert (MOST_INCLUDED, MOST_WEIGHT) == (10_000, 32 * 2**20)
