"""The demo that a package of models ships: CSV files in its folder ``demo``, told of by a TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from admin_app.declaration import SYSTEM, Origin, Resource
from admin_app.errors import SetupError
from admin_app.records import Records
from admin_app.records.transfer import Import, plan, read_table, request_from

FOLDER = "demo"
CONTENTS = "demo.toml"


async def load_demo(records: Records, models: Sequence[str]) -> None:
    """Import the demo of each package of ``models``, once, while all that it fills is empty.

    ``demo.toml`` has a table for each file, in the order of loading, named as the resource in the
    plural and as the file, with the mapping of an import. Raises ``SetupError`` for a bad demo.
    """
    for package in models:
        folder = files(package) / FOLDER
        if not (folder / CONTENTS).is_file():
            continue
        contents = tomllib.loads((folder / CONTENTS).read_text("utf-8"))
        resources = [_resource(records, plural) for plural in contents]
        if not any([await _has_records(records, each) for each in resources]):
            for resource, mapping in zip(resources, contents.values(), strict=True):
                await _load(records, resource, mapping, folder / f"{resource.plural}.csv")


def _resource(records: Records, plural: str) -> Resource:
    found = records.registry.by_plural(plural)
    if found is None:
        msg = f"{CONTENTS}: there is no resource {plural!r}"
        raise SetupError(msg)
    return found


async def _has_records(records: Records, resource: Resource) -> bool:
    query = records.query(SYSTEM, resource, [("limit", "1")])
    return bool((await records.page(SYSTEM, resource, query)).rows)


async def _load(
    records: Records, resource: Resource, mapping: dict[str, object], file: Traversable
) -> None:
    with file.open("rb") as stream:
        table = read_table(stream, "csv")
        fitted = plan(resource, records.registry, request_from(mapping), table.columns)
        whole = Import(
            records,
            SYSTEM,
            fitted,
            "csv",
            origin=Origin("import", reason="demo"),
            atomic=True,
        )
        async for part in whole.run(table.rows):
            for each in part.failures:
                msg = f"demo/{resource.plural}.csv line {each.row.line}: {'; '.join(each.reasons)}"
                raise SetupError(msg)
