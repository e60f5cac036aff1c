"""One policy, every door: for each resource, rule and field, what is seen is the same.

Made from the registry, for the library and the zoo. A role is made for each case; what it must see
is worked out in Python from what an administrator sees, and then asked for at every door.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

import pytest
from conftest import KINDS, FreshSettings, Kind
from parity import (
    UNKNOWN,
    ZOO,
    Person,
    Row,
    all_rows,
    details_in,
    everything_but,
    give,
    house_of,
    key_of,
    parsed,
    person,
    rule_of,
    wire_text,
)

from admin_app.declaration import Grant, Relation, Resource
from admin_app.declaration.keys import join_key
from admin_app.records.queries.grammar import PARAMETERS

QUERIES = (
    "?{}__eq=1", "?{}__isnull=true", "?{}__nosuch=1", '?filter={{"{}":{{"isnull":true}}}}',
    "?sort={}", "?sort=-{}", "?fields={}", "?include={}",
    "/aggregate?group={}", "/aggregate?max={}",
)  # fmt: skip
"""What can be asked for by the name of a field."""
JSON, JSON_PATCH = "application/json", "application/json-patch+json"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["book", *(pytest.param(z, marks=pytest.mark.slow) for z in ZOO)])
async def test_rows(fresh_settings: FreshSettings, kind: Kind, name: str) -> None:
    """The rows of a rule are seen at every door, and the others are absent at every one."""
    async with house_of(fresh_settings, kind, name) as home:
        resource = home.records.registry[name]
        rule, seen = rule_of(resource)
        grants = [Grant(name, action, rule) for action in ("read", "update", "delete")]
        async with person(home, "some", [*everything_but(home, name), *grants]) as some:
            await give(home, resource, some.actor.user_id)
            every = await all_rows(home, resource)
            mine = {key for key, row in every.items() if seen(row)}
            assert mine
            await _same_rows(some, resource, every, mine)
            for key in every.keys() - mine:
                await _absent_everywhere(some, resource, key)
            for other in home.records.registry.values():
                if not other.own:
                    await _unseen_in(some, resource, other, every.keys() - mine)
            assert await all_rows(home, resource) == every


async def _same_rows(
    some: Person, resource: Resource, every: Mapping[str, Row], mine: set[str]
) -> None:
    """The list, its count, its pages, the export and the panel hold the same records."""

    def keys(rows: Iterable[Row]) -> set[str]:
        return {key_of(resource, row) for row in rows}

    rows = await some.rows(resource)
    assert keys(rows) == mine
    counted = await some.json(f"{resource.plural}?limit=1&count=exact")
    assert counted["page"]["total"] == len(mine)
    (group,) = (await some.json(f"{resource.plural}/aggregate"))["data"]
    assert group["count"] == len(mine)
    asked = await some.api.post(f"/api/v1/{resource.plural}/query", json={"limit": 200})
    assert keys(asked.json()["data"]) == mine
    assert keys(await some.exported(resource)) == mine
    assert await some.listed(resource) == mine
    for row in rows:
        key = key_of(resource, row)
        assert await some.json(f"{resource.plural}/{quote(key, safe='')}") == row
        shared = {name: every[key][name] for name in row if name not in _links(resource)}
        assert {name: row[name] for name in shared} == shared


def _links(resource: Resource) -> set[str]:
    """What may show less to those who see less of other records."""
    return {*resource.sets, *(name for each in resource.references for name in each.fields)}


async def _absent_everywhere(some: Person, resource: Resource, key: str) -> None:
    """A record out of sight answers as one that never was, to reads and to writes."""
    path = f"/api/v1/{resource.plural}"
    missing = _missing_key(resource)
    requests: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
        ("GET", "", lambda _: None),
        ("PATCH", "", lambda _: {}),
        ("DELETE", "", lambda _: None),
        ("PATCH", "bulk", lambda each: {"items": [{"key": each, "data": {}}]}),
        ("POST", "bulk/delete", lambda each: {"items": [{"key": each}]}),
    )
    for method, name, body in requests:
        answers = []
        for each in (key, missing):
            some.house.statements.clear()
            address = f"{path}/{name or quote(each, safe='')}"
            answer = await some.api.request(method, address, json=body(each))
            document = answer.json()
            told = {part: document[part] for part in ("type", "title", "code", "detail")}
            told["errors"] = document.get("errors")
            # As many statements, so that the time tells no more than the words do; who calls is
            # remembered for a moment, so that either of the two may have looked that up.
            selects = [text for text in some.house.statements if "SELECT" in text]
            asked = sum("admin_token" not in text for text in selects)
            answers.append((answer.status_code, told, asked))
        assert answers[0] == answers[1], (method, key)
        assert answers[0][0] == 404
    for page in ("details", "edit"):
        answer = await some.panel.get(f"/admin/{resource.name}/{page}/{quote(key, safe=',~')}")
        assert answer.status_code == 404, (page, key)
    answer = await some.panel.get(f"/admin/{resource.name}/delete", params={"key": key})
    assert answer.status_code == 404


def _missing_key(resource: Resource) -> str:
    texts = {
        "integer": "4711", "string": "none-such", "text": "none-such",
        "uuid": "11111111-1111-4111-8111-111111111111", "date": "1999-09-09",
    }  # fmt: skip
    return ",".join(texts[each.kind] for each in resource.key)


async def _unseen_in(
    some: Person, resource: Resource, other: Resource, hidden: Iterable[str]
) -> None:
    """No record of another resource shows, counts, finds or takes a record out of sight."""
    gone = {resource.parse_key(key) for key in hidden}
    if not gone:
        return
    rows = {key_of(other, row): row for row in await some.rows(other)}
    for relation in other.relations.values():
        if relation.target != resource.name:
            continue
        # A record's key is what it is, whatever a part of it points to.
        parts = {each.name for each in other.key}
        for key, row in rows.items() if not parts & {*relation.fields} else ():
            shown = _shown(resource, relation, row)
            assert not set(shown) & gone, (relation.name, key)
        if relation.writable:
            await _not_found_by(some, resource, other, relation, gone)
            await _not_taken(some, resource, other, relation, gone)
            await _not_offered(some, resource, other, relation, gone)
    for key in rows:
        page = await some.panel.get(f"/admin/{other.name}/details/{quote(key, safe=',~')}")
        assert page.status_code == 200, page.text
        linked = {resource.parse_key(each) for each in details_in(page.text, resource)}
        assert not linked & gone, (other.name, key)


def _shown(resource: Resource, relation: Relation, row: Row) -> list[Any]:
    if relation.keyed:
        texts = [wire_text(each) for each in row[relation.name]]
        if len(resource.key) == 1:
            texts = [join_key([each]) for each in texts]
        return [resource.parse_key(each) for each in texts]
    if not relation.fields or any(row.get(name) is None for name in relation.fields):
        return []
    if {*relation.fields} <= {*row} and all(name in row for name in relation.fields):
        text = [wire_text(row[name]) for name in relation.fields]
        return [] if len(text) != len(resource.key) else [parsed(resource, text)]
    return []


async def _not_found_by(
    some: Person, resource: Resource, other: Resource, relation: Relation, gone: set[Any]
) -> None:
    """Filtering by a record out of sight finds nothing, as by one that is not."""
    key = resource.key_text(next(iter(gone)))
    name = f"{relation.name}__eq"
    answer = await some.api.get(f"/api/v1/{other.plural}", params={name: key, "count": "exact"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["data"], answer.json()["page"]["total"]) == ([], 0)


async def _not_taken(
    some: Person, resource: Resource, other: Resource, relation: Relation, gone: set[Any]
) -> None:
    """A record out of sight can be referred to by nobody, in the words for one that is not."""
    rows = await some.rows(other)
    if not rows or not all(other.fields[name].updatable for name in relation.fields):
        return
    path = f"/api/v1/{other.plural}/{quote(key_of(other, rows[0]), safe='')}"
    answers = []
    for key in (next(iter(gone)), resource.parse_key(_missing_key(resource))):
        wire = resource.key_wire(key)
        body: Row = (
            {relation.name: [resource.reference_wire(key)]}
            if relation.keyed
            else dict(zip(relation.fields, wire, strict=True))
        )
        answer = await some.api.patch(path, json=body)
        document = answer.json()
        answers.append((answer.status_code, document.get("code"), document.get("errors")))
    assert answers[0] == answers[1], relation.name
    assert answers[0][0] == 422


async def _not_offered(
    some: Person, resource: Resource, other: Resource, relation: Relation, gone: set[Any]
) -> None:
    """The look-up of a form offers no record out of sight, whatever is typed."""
    for term in ("", *(resource.key_text(key) for key in gone)):
        answer = await some.panel.get(
            f"/admin/{other.name}/ajax/lookup", params={"name": relation.name, "term": term}
        )
        assert answer.status_code in {200, 400}, (relation.name, term, answer.text)
        if answer.status_code == 200:
            offered = {resource.parse_key(each["key"]) for each in answer.json()["results"]}
            assert not offered & gone, (relation.name, term)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["book", "author", "comment", "reader", *ZOO])
async def test_fields(fresh_settings: FreshSettings, kind: Kind, name: str) -> None:
    """A field that no grant extends to is at no door, and asking for it is asking for nothing."""
    async with house_of(fresh_settings, kind, name) as home:
        resource = home.records.registry[name]
        every = await all_rows(home, resource)
        keys = {each.name for each in resource.key}
        for number, field in enumerate({**resource.readable, **resource.sets}):
            if field in keys:
                continue
            grants = [
                Grant(name, "read", None, frozenset({field})),
                *(Grant(name, action) for action in ("create", "update", "delete")),
            ]
            who = f"blind {number}"
            async with person(home, who, [*everything_but(home, name), *grants]) as blind:
                await _field_is_nowhere(blind, resource, field, every)
        assert await all_rows(home, resource) == every


async def _field_is_nowhere(
    blind: Person, resource: Resource, field: str, every: Mapping[str, Row]
) -> None:
    rows = await blind.rows(resource)
    derived = _derived(resource, field)
    wanted = {"added_by_id"} | derived
    for row in [*rows, *await blind.exported(resource)]:
        whole = every[key_of(resource, row)]
        assert row == {name: value for name, value in whole.items() if name not in wanted}, field
    assert not wanted & set(await blind.columns(resource))
    path = f"/api/v1/{resource.plural}"
    for query in QUERIES:
        await _same_refusal(blind, "GET", path + query, field)
    await _same_refusal(blind, "POST", f"{path}/query", field, lambda name: {"sort": [name]})
    if rows:
        one = f"{path}/{quote(key_of(resource, rows[0]), safe='')}"
        await _same_refusal(blind, "PATCH", one, field)
        await _same_refusal(blind, "PUT", one, field)
        await _same_refusal(blind, "PATCH", one, field, _patch_that_tests, JSON_PATCH)
    await _same_refusal(blind, "POST", path, field)
    await _same_refusal(blind, "POST", f"{path}?on_conflict={{}}", field)
    await _is_not_searched(blind, resource, field, every)
    document = await blind.json("openapi.json")
    read = document["components"]["schemas"].get(resource.model.__name__, {"properties": {}})
    assert not wanted & read["properties"].keys()
    await _field_is_on_no_page(blind, resource, field, rows)


async def _is_not_searched(
    blind: Person, resource: Resource, field: str, every: Mapping[str, Row]
) -> None:
    """What is found by a word has that word in a field that can be seen."""
    words = {str(row[field]).split()[0] for row in every.values() if str(row[field]).split()}
    for word in sorted(words)[:5]:
        answer = await blind.api.get(
            f"/api/v1/{resource.plural}", params={"search": word, "limit": "200"}
        )
        assert answer.status_code in {200, 400}, answer.text
        if answer.status_code == 200 and not any("." in path for path in resource.search):
            for row in answer.json()["data"]:
                texts = [str(row[name]) for name in resource.search if name in row]
                assert any(word.lower() in text.lower() for text in texts), (field, word)


DERIVED = {
    ("computing", "name"): {"shout"},
    ("computing", "amount"): {"much", "doubled"},
}
"""What is made of a field goes with it."""


def _derived(resource: Resource, field: str) -> set[str]:
    return {field} | DERIVED.get((resource.name, field), set())


def _patch_that_tests(name: str) -> Any:
    """A patch (RFC 6902) that would confirm a guess at the field's value."""
    steps = name.replace("~", "~0").replace("/", "~1")
    return [{"op": "test", "path": f"/{steps}", "value": None}]


async def _same_refusal(
    blind: Person,
    method: str,
    path: str,
    field: str,
    body: Callable[[str], Any] = lambda name: {name: None},
    media_type: str = JSON,
) -> None:
    """A hidden name is refused as a made-up one: same status, same words but for the name."""
    if (method == "GET" or path.endswith("/query")) and field in PARAMETERS:
        return  # The list of what is known has the name in any case.
    answers = []
    for name in (field, UNKNOWN):
        content = None if method == "GET" else json.dumps(body(name))
        answer = await blind.api.request(
            method, path.format(name), content=content, headers={"Content-Type": media_type}
        )
        assert answer.status_code >= 400, (method, path, name)
        document = answer.json()
        del document["request_id"], document["instance"]
        told = {each: _without(name, document.pop(each, None)) for each in ("detail", "errors")}
        answers.append((answer.status_code, document, told))
    assert answers[0] == answers[1], (method, path, field)
    expected = {409} if media_type == JSON_PATCH else {400, 422}
    assert answers[0][0] in expected or (method, answers[0][0]) == ("POST", 403)


def _without(name: str, document: Any) -> Any:
    """A refusal without the name that was asked for, and what it is like."""
    if isinstance(document, dict):
        return {key: _without(name, each) for key, each in document.items()}
    if isinstance(document, list):
        return [_without(name, each) for each in document]
    text = re.sub(r"Did you mean [^?]*\? ", "", str(document))
    return re.sub(rf"(?<![\w.]){re.escape(name)}(?=\W|$|__)", "?", text)


async def _field_is_on_no_page(
    blind: Person, resource: Resource, field: str, rows: list[Row]
) -> None:
    names = {field} | {each.name for each in resource.relations.values() if field in each.fields}
    sources: list[Any] = [*resource.fields.values(), *resource.relations.values()]
    labels = {each.label for each in sources if each.name in names}
    taken = {each.label for each in sources if each.name not in names}
    pages = [f"/admin/{resource.name}/list", f"/admin/{resource.name}/create"]
    if rows:
        key = quote(key_of(resource, rows[0]), safe=",~")
        pages += [f"/admin/{resource.name}/{each}/{key}" for each in ("details", "edit")]
    for page in pages:
        answer = await blind.panel.get(page)
        if page.endswith("/create") and answer.status_code == 403:
            continue  # A field that a create needs is withheld, so there is no create.
        assert answer.status_code == 200, (page, answer.text)
        for name in names:
            assert f'name="f-{name}"' not in answer.text, (page, name)
            assert f"sort={name}&" not in answer.text, (page, name)
        # The records that point here have columns of their own, which may be called the same.
        own = re.sub(r'<table class="child-rows">.*?</table>', "", answer.text, flags=re.DOTALL)
        for label in labels - taken:
            shown = re.findall(rf"<(?:dt|th|label)[^>]*>(?:<[^>]*>)*{re.escape(label)}<", own)
            assert not shown, (page, label)
