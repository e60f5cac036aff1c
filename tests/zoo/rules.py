"""What a model says beyond its types: constraints, defaults, stamps, what is computed or hidden."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Computed,
    Dialect,
    Index,
    String,
    TypeDecorator,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, validates

from admin_app import ExactDecimal, ResourceOptions, actor
from zoo.stock import Kept, Plain


class Ruled(Kept):
    """One constraint of each kind."""

    __resource__ = ResourceOptions(
        plural="ruled", rules={"own": lambda ruled: ruled.owner == actor.name}
    )
    __table_args__ = (
        UniqueConstraint("town", "street"),
        CheckConstraint("low <= high", name="order"),
        Index(
            "uq_ruled_open_name",
            "name",
            unique=True,
            sqlite_where=text("low IS NULL"),
            postgresql_where=text("low IS NULL"),
        ),
    )

    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str | None] = mapped_column(String(20))
    town: Mapped[str | None] = mapped_column(String(20))
    street: Mapped[str | None] = mapped_column(String(20))
    low: Mapped[int | None]
    high: Mapped[int | None]
    owner: Mapped[str | None] = mapped_column(String(20))


class Computing(Kept):
    """Values that somebody else gives: Python, the database, the acting person."""

    __resource__ = ResourceOptions(plural="computing", sensitive=["secret"])

    name: Mapped[str] = mapped_column(String(40), default="unnamed")
    price: Mapped[Decimal] = mapped_column(ExactDecimal(9, 2), default=lambda: Decimal("9.90"))
    amount: Mapped[int] = mapped_column(server_default=text("7"))
    note: Mapped[str | None] = mapped_column(String(40), server_default="from the database")
    doubled: Mapped[int | None] = mapped_column(Computed("amount * 2", persisted=True))
    made_at: Mapped[datetime] = mapped_column(server_default=func.now(), info={"read_only": True})
    changed_at: Mapped[datetime | None] = mapped_column(onupdate=lambda: datetime.now(UTC))
    made_by: Mapped[str | None] = mapped_column(String(40), info={"stamp": actor.name})
    secret: Mapped[str | None] = mapped_column(String(40))

    @hybrid_property
    def shout(self) -> str:
        return self.name.upper()

    @shout.inplace.expression
    @classmethod
    def _shout(cls) -> ColumnElement[str]:
        return func.upper(cls.name, type_=String)

    @hybrid_property
    def much(self) -> bool:
        return self.amount > 100


class Unversioned(Plain):
    __resource__ = ResourceOptions(plural="unversioned")

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(40))
    number: Mapped[int] = mapped_column(default=0)


class Code(TypeDecorator[str]):
    """A type of the model's own that refuses by itself."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        if value is not None and not value.isupper():
            msg = "A code is written in capitals."
            raise ValueError(msg)
        return value


class Validated(Kept):
    __resource__ = ResourceOptions(plural="validated")

    email: Mapped[str] = mapped_column(String(40))
    even: Mapped[int | None]
    code: Mapped[str | None] = mapped_column(Code)

    @validates("email")
    def _tidy(self, _: str, value: str) -> str:
        if "@" not in value:
            msg = "An address has an @."
            raise ValueError(msg)
        return value.strip().lower()

    @validates("even")
    def _even(self, _: str, value: int | None) -> int | None:
        assert value is None or value % 2 == 0, "Even numbers only."
        return value
