"""Filters find the same everywhere, and every mistake in one is named."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import pytest
from api import zoos
from conftest import FreshSettings
from walks import filled, ids
from zoo import sample

from admin_app import Base
from admin_app.declaration import Registry
from admin_app.errors import BadRequestError
from admin_app.records.queries.grammar import parse_query


@pytest.fixture(scope="module")
def specimens() -> Registry:
    """The zoo's resources, without a database."""
    return Registry.from_base(Base, ["zoo"])


def by(rows: list[dict[str, Any]], name: str, test: Any) -> list[int]:
    return [row["id"] for row in rows if row[name] is not None and test(row[name])]


async def test_filters(fresh_settings: FreshSettings) -> None:
    """Every kind's operators find what they say, on both databases."""
    cases: list[tuple[str, str, str, Any]] = [
        ("small", "gt", "0", lambda value: value > 0),
        ("small", "between", "-32768,0", lambda value: value <= 0),
        ("big", "eq", "9007199254740993", lambda value: value == 2**53 + 1),
        ("big", "nin", "0,9223372036854775807", lambda value: value not in {0, 2**63 - 1}),
        ("exact", "lte", "0", lambda value: float(value) <= 0),
        (
            "exact",
            "in",
            "99999999999999.9999,12.5",
            lambda v: v in {"99999999999999.9999", "12.5000"},
        ),
        ("money", "between", "-1,1", lambda value: -1 <= float(value) <= 1),
        ("ratio", "lt", "0.1", lambda value: value < 0.1),
        ("ratio", "eq", "0.1", lambda value: value == 0.1),
        ("single", "eq", "0.1", lambda value: abs(value - 0.1) < 1e-6),
        ("day", "lt", "1000-01-01", lambda value: value < "1000-01-01"),
        ("clock", "gte", "12:30", lambda value: value >= "12:30:00"),
        ("local", "gt", "2026-11-20T14:29", lambda value: value > "2026-11-20T14:29"),
        (
            "instant",
            "eq",
            "2026-11-20T09:30:00-05:00",
            lambda value: value == "2026-11-20T14:30:00Z",
        ),
        ("instant", "lte", "0001-01-01T00:00:00Z", lambda value: value == "0001-01-01T00:00:00Z"),
        ("lapse", "lt", "PT0S", lambda value: value.startswith("-")),
        ("lapse", "eq", "PT26H30M", lambda value: value == "P1DT2H30M"),
        ("flag", "eq", "true", lambda value: value),
        ("flag", "ne", "true", lambda value: not value),
        ("mood", "eq", "wild & free", lambda value: value == "wild & free"),
        ("rank", "in", "2", lambda value: value == 2),
        ("colour", "in", "deep blue,grün", lambda value: value in {"deep blue", "grün"}),
        ("level", "ne", "1", lambda value: value != 1),
        ("token", "eq", "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF", lambda value: value[0] == "f"),
        ("name", "eq", "", lambda value: value == ""),
        ("name", "contains", "wo", lambda value: "wo" in value),
        ("name", "contains", "TWO", lambda value: "TWO" in value),
        ("name", "ilike", "%TWO%", lambda value: "two" in value),
        ("name", "like", "%two%", lambda value: "two" in value),
        ("name", "like", "nul_", lambda value: value == "null"),
        ("name", "like", r"nul\_", lambda value: False),
        ("name", "startswith", " ", lambda value: value.startswith(" ")),
        ("name", "endswith", "👧", lambda value: value.endswith("👧")),
        ("short", "contains", "%_\\", lambda value: "%_\\" in value),
        ("short", "in", '"\'; --",plain', lambda value: value in {"'; --", "plain"}),
        ("text", "startswith", "line\n", lambda value: value.startswith("line\n")),
        ("document", "isnull", "false", lambda value: True),
        ("blob", "isnull", "false", lambda value: True),
        ("tags", "isnull", "false", lambda value: True),
    ]
    async with zoos(fresh_settings) as both:
        for api in both:
            rows = await filled(api)
            for name, operator, text, test in cases:
                query = urlencode({f"{name}__{operator}": text, "limit": 200})
                page = await api.get(f"specimens?{query}")
                assert ids(page["data"]) == by(rows, name, test), (name, operator, text)
            nothing = await api.get("specimens?limit=200&document__isnull=true")
            assert ids(nothing["data"]) == [row["id"] for row in rows if row["document"] is None]


async def test_filters_by_relation(fresh_settings: FreshSettings) -> None:
    """A relation is filtered by the keys of its records, in their one text form."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for name in ("composite", "label", "keeper"):
                for body in sample(name):
                    await api.add(api.registry[name].plural, body)
            for query, expected in (
                ("boss.name=Ana", [2]),
                ("boss.boss__isnull=true&boss.staff.name=Bo", [2]),
                ("friends__none.name=Ana", [1]),
                ("labels__all.name__isnull=false", [2]),
                ("labels.keepers.labels.name=first", [1]),
                ("staff=2", [1]),
                ("labels=l~11", [1]),
                ("labels__in=l~11,~3query", [1]),
                ("labels__isnull=true", [2]),
                ("composites=" + quote("a~2b~1c,-5"), [1]),
                ("composites__in=" + quote('"a,1","~4,0"'), [1]),
                ("boss=1", [2]),
                ("boss__isnull=true", [1]),
                ("friends=1&friend_of=1", [2]),
                ("search=ana", [1, 2]),
                ("search=bo%20ana", [2]),
                ("search=FIRST", [1]),
            ):
                page = await api.get(f"keepers?{query}")
                assert ids(page["data"]) == expected, query


def test_every_mistake_is_named(specimens: Registry) -> None:
    """A query with several mistakes is refused with all of them, each at its parameter."""
    pairs = [("shrot", "x"), ("limit", "0"), ("sort", "nope"), ("whole", "x"), ("count", "all")]
    with pytest.raises(BadRequestError) as caught:
        parse_query(specimens["specimen"], specimens, pairs)
    found = {each.path[0]: each for each in caught.value.errors}
    assert set(found) == {name for name, _ in pairs}
    assert "Did you mean short?" in found["shrot"].detail
    assert "short" in found["sort"].detail
