"""Export: every value comes back as it was, from both databases, and no cell is a formula."""

from __future__ import annotations

from typing import Any

import pytest
from api import Api, zoo_on
from conftest import FreshSettings, Kind
from hypothesis import given
from hypothesis import strategies as st
from intake import BOOKS, BY_NUMBER, Library
from outtake import TEXTS, taken
from zoo import RESOURCES, sample

from admin_app.access import actor_of_user, create_user
from admin_app.declaration import SYSTEM
from admin_app.errors import BadRequestError, ForbiddenError
from admin_app.records.transfer import (
    Export,
    guard,
    unguard,
)
from admin_app.records.transfer.files import Written, list_cell, list_of


@given(TEXTS)
def test_a_guarded_cell_is_no_formula_and_reads_back(text: str) -> None:
    """Text that a spreadsheet would run gets a ' before it, which an import takes away."""
    written = guard(text)
    assert unguard(written) == text
    number = written.lstrip("+-").replace(".", "", 1).isdigit()
    assert number or not written.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.lists(TEXTS, max_size=4))
def test_a_list_in_a_cell_reads_back(texts: list[str]) -> None:
    """Keys in one cell come apart again, whatever characters they have."""
    assert list_of(unguard(list_cell(texts))) == texts


async def written(api: Api, name: str, format_: Written) -> bytes:
    export = Export(api.records, SYSTEM, api.registry[name], [])
    return b"".join([each async for each in export.portions(format_)])


async def rows(api: Api, name: str) -> list[dict[str, Any]]:
    export = Export(api.records, SYSTEM, api.registry[name], [])
    return [values async for values in export.records()]


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_an_export_comes_back_unchanged(
    fresh_settings: FreshSettings, kind: Kind, format_: Written
) -> None:
    """Every kind of value, key and relation: taking an export in again changes nothing."""
    async with zoo_on(fresh_settings, kind) as api:
        for name in RESOURCES:
            for body in sample(name):
                await api.add(api.registry[name].plural, body)
            before = await rows(api, name)
            assert before, name
            done = await taken(api, name, await written(api, name, format_), format_)
            assert (name, done.counts, done.refused) == (name, (0, 0, len(before)), {})
            assert await rows(api, name) == before


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
async def test_an_export_makes_the_same_records_elsewhere(
    fresh_settings: FreshSettings, format_: Written
) -> None:
    """Exported from one database and taken in by the other, records are what they were."""
    made_by_server = {"id", "version", "made_at", "changed_at"}
    async with (
        zoo_on(fresh_settings, "sqlite") as old,
        zoo_on(fresh_settings, "postgresql") as new,
    ):
        for name in ("specimen", "odd_name", "text", "dated", "composite", "part", "unique"):
            for body in sample(name):
                await old.add(old.registry[name].plural, body)
            automatic = [each.name for each in old.registry[name].key if not each.creatable]
            content = await written(old, name, format_)
            done = await taken(new, name, content, format_, *automatic)
            assert (name, done.refused) == (name, {})
            first = [hidden(each, made_by_server) for each in await rows(old, name)]
            second = [hidden(each, made_by_server) for each in await rows(new, name)]
            assert sorted(map(repr, first)) == sorted(map(repr, second)), name


def hidden(values: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


async def test_an_export_is_what_a_filter_leaves(database: Any) -> None:
    """Filters and order are those of the API; pages follow each other without a gap."""
    library = Library(database)
    await library.take("book", BOOKS, BY_NUMBER)
    book = library.registry["book"]
    export = Export(library.records, SYSTEM, book, [("year__gte", "1900"), ("sort", "-year")])
    assert [each["year"] async for each in export.records()] == [2008, 1997]
    many = "name\n" + "\n".join(f"Author {each:04}" for each in range(1100))
    await library.take("author", many)
    names = [
        each["name"]
        async for each in Export(
            library.records, SYSTEM, library.registry["author"], [("name__startswith", "Author")]
        ).records()
    ]
    assert names == [f"Author {each:04}" for each in range(1100)]
    for wrong in (("limit", "5"), ("yeer", "1")):
        with pytest.raises(BadRequestError):
            Export(library.records, SYSTEM, book, [wrong])


async def test_an_export_shows_what_its_actor_may_see(database: Any) -> None:
    """Without the right to read there is no export, and not a byte of one."""
    library = Library(database)
    await create_user(database, "nil", None, [])
    nobody = await actor_of_user(database, "nil")
    with pytest.raises(ForbiddenError):
        Export(library.records, nobody, library.registry["book"], [])
