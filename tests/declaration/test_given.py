"""What declarations are given is looked at when they are read, not when a record is written."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import DateTime, Enum, ForeignKey, Numeric, String
from sqlalchemy.orm import DeclarativeBase, Mapped, composite, mapped_column

from admin_app import Base, Call, ResourceOptions, Write, action, actor
from admin_app.declaration import DeclarationError, Registry


def mistakes(base: type[DeclarativeBase]) -> list[str]:
    """What is wrong with the classes declared on a base in this module."""
    with pytest.raises(DeclarationError) as caught:
        Registry.from_base(base, [__name__])
    return list(caught.value.problems)


async def awaited(write: Write) -> None:
    """A hook as it should be."""


class Awaited:
    """An object that is called as a hook."""

    async def __call__(self, write: Write) -> None:
        """Do nothing."""


def test_text_where_names_are_listed(base: type[DeclarativeBase]) -> None:
    """A name instead of a list of names is one mistake, not one for each of its letters."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        __resource__ = ResourceOptions(list="name", sort="-name", sensitive="name")
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    assert mistakes(base) == [
        "Odd: list is text; write ['name']",
        "Odd: sort is text; write ['-name']",
        "Odd: sensitive is text; write ['name']",
    ]


def test_options_of_another_type(base: type[DeclarativeBase]) -> None:
    """Options that are no ``ResourceOptions`` are a mistake rather than passed over."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        __resource__ = {"list": ["name"]}  # noqa: RUF012 - the mistake
        id: Mapped[int] = mapped_column(primary_key=True)

    assert mistakes(base) == ["Odd: __resource__ is no ResourceOptions(…)"]


def test_functions_that_cannot_be_awaited(base: type[DeclarativeBase]) -> None:
    """Hooks and actions are async functions of one argument; any callable of that kind will do."""

    async def two(write: Any, other: Any) -> None:
        """Take too much."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        __resource__ = ResourceOptions(before_write=print, after_commit=two)  # type: ignore[arg-type]
        id: Mapped[int] = mapped_column(primary_key=True)

        @action()  # type: ignore[arg-type]
        async def go(self: Any, call: Call[None]) -> None:
            """Lack ``@staticmethod``."""

    class Well(base):  # type: ignore[misc, valid-type]
        __tablename__ = "well"
        __resource__ = ResourceOptions(before_write=awaited, after_commit=Awaited())  # type: ignore[arg-type]
        id: Mapped[int] = mapped_column(primary_key=True)

    assert sorted(mistakes(base)) == [
        "Odd: action 'go' has to take one argument",
        "Odd: after_commit has to take one argument",
        "Odd: before_write is not an async function",
    ]


def test_values_that_a_column_cannot_hold(base: type[DeclarativeBase]) -> None:
    """Defaults and stamps of another type are found before the first record is written."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        id: Mapped[int] = mapped_column(primary_key=True)
        number: Mapped[int] = mapped_column(default="one")
        code: Mapped[str] = mapped_column(String(2), default="long")
        at: Mapped[Any] = mapped_column(DateTime(timezone=True), default=datetime(2026, 1, 1))  # noqa: DTZ001
        made: Mapped[Any] = mapped_column(DateTime(timezone=True), default=datetime.now)
        changed: Mapped[Any] = mapped_column(
            DateTime(timezone=True),
            default=lambda: datetime.now(UTC),
            onupdate=datetime.now,
        )
        plain: Mapped[Any] = mapped_column(DateTime(), default=datetime.now)
        by: Mapped[str] = mapped_column(info={"stamp": actor.user_id})
        name: Mapped[int] = mapped_column(info={"stamp": actor.name})
        kept: Mapped[str] = mapped_column(info={"private": True})
        shown: Mapped[str] = mapped_column(info={"read_only": True})
        word: Mapped[str] = mapped_column(info={"lable": "Word", "anything": 1})
        price: Mapped[Any] = mapped_column(Numeric(4, 2), default=Decimal(1))
        since: Mapped[Any] = mapped_column(
            DateTime(timezone=True), default=datetime(2026, 1, 1, tzinfo=UTC)
        )
        user: Mapped[int | None] = mapped_column(info={"stamp": actor.user_id})
        hidden: Mapped[str | None] = mapped_column(info={"private": True})

    nobody = "it must be filled, and nobody gives it a value: give it a default"
    assert mistakes(base) == [
        "Odd.number: its default 'one' is no integer",
        "Odd.code: its default 'long' is longer than 2 characters",
        "Odd.at: its default datetime.datetime(2026, 1, 1, 0, 0) lacks a zone",
        "Odd.made: its default gives an instant without a zone; give datetime.now(UTC)",
        "Odd.changed: its onupdate gives an instant without a zone; give datetime.now(UTC)",
        "Odd.by: its stamp is not text, but the column is text",
        "Odd.name: its stamp is text, but the column is integer",
        f"Odd.kept: {nobody}",
        f"Odd.shown: {nobody}",
        "Odd.word: info says 'lable'; did you mean 'label'?",
    ]


def test_values_that_cannot_be_told_apart(base: type[DeclarativeBase]) -> None:
    """Members of an enum are stored by their values as text, which therefore differ."""

    class Level(enum.Enum):
        LOW = 1
        OTHER = "1"

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        id: Mapped[int] = mapped_column(primary_key=True)
        level: Mapped[Any] = mapped_column(
            Enum(Level, values_callable=lambda level: [str(each.value) for each in level])
        )

    assert mistakes(base) == [
        "Odd.level: Level needs values that differ as text, as they are stored"
    ]


def test_foreign_keys_to_nothing(base: type[DeclarativeBase]) -> None:
    """A foreign key that leads nowhere is told with the table or column that is nearest."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        id: Mapped[int] = mapped_column(primary_key=True)
        one: Mapped[int | None] = mapped_column(ForeignKey("Odd.id"))
        two: Mapped[int | None] = mapped_column(ForeignKey("odd.idd"))

    one, two = mistakes(base)
    assert one.startswith(
        "Odd.one: its foreign key points to the table 'Odd', which is not declared"
    )
    assert two.endswith("to 'odd.idd', and the table has no such column; did you mean 'id'?")


def test_composites(base: type[DeclarativeBase]) -> None:
    """A composite is told of by its own name."""

    @dataclass
    class Point:
        x: int
        y: int

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        id: Mapped[int] = mapped_column(primary_key=True)
        x: Mapped[int]
        y: Mapped[int]
        at: Mapped[Any] = composite(Point, "x", "y")

    assert mistakes(base) == ["Odd.at: a composite is no field; declare its columns"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("class Wrong(Record)", r"wrong\.py, line 2: expected ':'"),
        ("x = ResourceOptions(lst=[])", r"wrong\.py, line 2: .*'lst'; did you mean 'list'\?"),
        ("x = ExactDecimal(30, 2)", r"wrong\.py, line 2: ValueError: .*18 digits"),
        ("from admin_app import Recrod", r"wrong\.py, line 2: ImportError: .*Recrod"),
    ],
    ids=["syntax", "argument", "value", "import"],
)
def test_a_module_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    """Whatever a module does wrong is told with its line, not by a traceback."""
    text = f"from admin_app import ExactDecimal, Record, ResourceOptions\n{line}\n"
    (tmp_path / "wrong.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DeclarationError, match=said):
        Registry.from_base(Base, ["wrong"])
