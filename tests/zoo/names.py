"""Names that mean something to SQLAlchemy, pydantic, WTForms, FastCRUD or our own grammar."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from admin_app import ResourceOptions
from zoo.stock import Kept, Plain


class OddName(Kept):
    __resource__ = ResourceOptions(title="data")

    data: Mapped[str] = mapped_column(String(40))
    meta: Mapped[str | None] = mapped_column(String(40))
    limit: Mapped[int | None]
    offset: Mapped[int | None]
    sort: Mapped[str | None] = mapped_column(String(40))
    page: Mapped[int | None]
    count: Mapped[int | None]
    cursor: Mapped[str | None] = mapped_column(String(40))
    search: Mapped[str | None] = mapped_column(String(40))
    errors: Mapped[str | None] = mapped_column(String(40))
    process: Mapped[str | None] = mapped_column(String(40))
    validate: Mapped[bool | None]
    populate_obj: Mapped[str | None] = mapped_column(String(40))
    copy: Mapped[str | None] = mapped_column(String(40))
    json: Mapped[Any | None] = mapped_column(JSON)
    schema: Mapped[str | None] = mapped_column(String(40))
    model_config: Mapped[str | None] = mapped_column(String(40))
    model_fields: Mapped[str | None] = mapped_column(String(40))
    key: Mapped[str | None] = mapped_column(String(40))
    keys: Mapped[str | None] = mapped_column(String(40))
    items: Mapped[str | None] = mapped_column(String(40))
    csrf_token: Mapped[str | None] = mapped_column(String(40))
    select: Mapped[str | None] = mapped_column(String(40))
    q: Mapped[str | None] = mapped_column(String(40))
    größe: Mapped[int | None]  # noqa: PLC2401 - a name in another language


class Renamed(Plain):
    """No attribute is called as its column; two have swapped names."""

    __tablename__ = "tbl Renamed"
    __resource__ = ResourceOptions(name="renamed", plural="renamed", title="label")

    ident: Mapped[int] = mapped_column("id", primary_key=True)
    label: Mapped[str] = mapped_column("The Label", String(40), unique=True)
    first: Mapped[str | None] = mapped_column("second", String(40))
    second: Mapped[str | None] = mapped_column("first", String(40))
    counter: Mapped[int] = mapped_column("ver%sion", default=1)

    __mapper_args__ = {"version_id_col": counter}  # noqa: RUF012 - SQLAlchemy's protocol
