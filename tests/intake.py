"""Files as people have them, taken in on both databases."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from admin_app import Base
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Origin, Registry
from admin_app.records import Records
from admin_app.records.trail.changes import Change
from admin_app.records.transfer import Format, Import, Outcome, Request, plan, read_table

BOOKS = """\
number,isbn,authors,published,title,language_code,rating
11,,"Ada Quill, Ben Stone",2008.0,The Lantern,eng,4.34
12,439023483,Homer Vates,-720.0,The Long Road,,4.03
13,,"Cy Poe, Cy Poe, Ada Quill",,The Lantern,en-US,3.5
14,043902348X,Д. Перо,1997.0,"Quotes "" and, commas",rus,
"""


FIELDS = {
    "source_id": "number",
    "title": "title",
    "year": "published|integer",
    "authors": "authors|split:,|by:name|create",
    "rating": "rating",
    "language": "language_code",
    "isbn": "isbn",
}


BY_NUMBER = Request(FIELDS, ("source_id",))


@dataclass
class Sum:
    """An import's whole outcome."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: dict[int, str] = field(default_factory=dict)

    def add(self, part: Outcome) -> None:
        self.created += part.created
        self.changed += part.changed
        self.unchanged += part.unchanged
        self.refused |= {each.row.line: "; ".join(each.reasons) for each in part.failures}

    @property
    def counts(self) -> tuple[int, int, int]:
        return self.created, self.changed, self.unchanged


class Library:
    """The library's records and what an import makes of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.registry = Registry.from_base(Base, ["admin_app.models"])
        self.records = Records(database, self.registry, b"a secret of the tests")

    async def take(
        self,
        resource: str,
        content: str | bytes,
        request: Request | None = None,
        *,
        format_: Format = "csv",
        actor: Actor = SYSTEM,
        atomic: bool = False,
    ) -> Sum:
        data = content.encode() if isinstance(content, str) else content
        table = read_table(io.BytesIO(data), format_)
        target = self.registry[resource]
        fitted = plan(target, self.registry, request or Request(), table.columns)
        origin = Origin("import", reason="test")
        whole = Import(self.records, actor, fitted, format_, origin=origin, atomic=atomic)
        total = Sum()
        async for part in whole.run(table.rows):
            total.add(part)
        return total

    async def all(self, resource: str, *pairs: tuple[str, str]) -> list[dict[str, Any]]:
        found = self.registry[resource]
        query = self.records.query(SYSTEM, found, [("limit", "200"), ("sort", ""), *pairs])
        return list((await self.records.page(SYSTEM, found, query)).rows)

    async def names_of(self, book: dict[str, Any]) -> list[str]:
        names = {each["id"]: each["name"] for each in await self.all("author")}
        return [names[each] for each in book["authors"]]

    async def change_rows(self) -> list[Any]:
        async def read(connection: Any) -> list[Any]:
            return list(await connection.execute(select(Change.__table__).order_by(Change.id)))

        return await self.database.read(read)
