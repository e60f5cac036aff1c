"""``Base`` and ``Record``: the base classes of declared models."""

from __future__ import annotations

import enum
import re
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import BigInteger, DateTime, Enum, Integer, MetaData, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from sqlalchemy.sql.schema import Column

from admin_app.database.types import ExactDecimal
from admin_app.declaration.full_text import declare_full_text
from admin_app.declaration.options import ResourceOptions

OUR_PREFIX = "admin_"
"""Prefix of the table names that are reserved for the application's own tables."""

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BigKey = BigInteger().with_variant(Integer, "sqlite")
"""An automatic key: 64 bits on both databases (SQLite numbers only INTEGER keys by itself)."""


def snake_case(name: str) -> str:
    """``BookCopy`` as ``book_copy``, ``HTTPLog`` as ``http_log``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _values(choices: type[enum.Enum]) -> list[str]:
    return [str(member.value) for member in choices]


class Base(DeclarativeBase):
    """The declarative base: metadata, naming convention, table names, portable types. No column.

    A class without ``__tablename__`` gets its name in snake case. A single integer key of SQLite
    never gives a deleted row's number to another one.
    """

    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        Decimal: ExactDecimal(),
        enum.Enum: Enum(
            enum.Enum,
            native_enum=False,
            create_constraint=False,
            length=64,
            values_callable=_values,
        ),
    }
    __resource__: ClassVar[ResourceOptions] = ResourceOptions()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if isinstance(cls.__resource__, ResourceOptions):
            declare_full_text(cls, cls.__resource__)

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 - a class attribute by SQLAlchemy's protocol
        return snake_case(cls.__name__)

    @classmethod
    def __table_cls__(cls, *args: Any, **kwargs: Any) -> Table:
        keys = [each for each in args if isinstance(each, Column) and each.primary_key]
        if len(keys) == 1 and isinstance(keys[0].type, Integer) and not keys[0].foreign_keys:
            kwargs.setdefault("sqlite_autoincrement", True)
        return Table(*args, **kwargs)


class Record(Base):
    """A model with an automatic ``id`` and a ``version`` that every write raises by one."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, sort_order=-2)
    version: Mapped[int] = mapped_column(Integer, nullable=False, default=1, sort_order=-1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - as above
        return {"version_id_col": cls.version}
