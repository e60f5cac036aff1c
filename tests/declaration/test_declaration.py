"""From classes to resources: everything a column says, and every mistake at once."""

from __future__ import annotations

import enum
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Enum,
    ForeignKey,
    Identity,
    Integer,
    PickleType,
    String,
    Table,
    event,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    mapped_column,
    relationship,
)
from zoo import RESOURCES, sample
from zoo.stock import METADATA

from admin_app import Base, ExactDecimal, ResourceOptions
from admin_app.declaration import DeclarationError, Kind, Registry, Resource
from admin_app.declaration.base import snake_case
from admin_app.declaration.registry import pluralized
from admin_app.errors import NotFoundError


@pytest.fixture(scope="module")
def zoo() -> Registry:
    return Registry.from_base(Base, ["zoo"])


def mistakes(base: type[DeclarativeBase]) -> list[str]:
    """What is wrong with the classes declared on a base in this module."""
    with pytest.raises(DeclarationError) as caught:
        Registry.from_base(base, [__name__])
    return list(caught.value.problems)


def the(base: type[DeclarativeBase], name: str) -> Resource:
    return Registry.from_base(base, [__name__])[name]


def test_the_zoo_is_whole(zoo: Registry) -> None:
    """Every class of the zoo is a resource and every resource has samples."""
    declared = {name: each for name, each in zoo.items() if not each.own}
    assert set(declared) == set(RESOURCES)
    assert all(sample(name) for name in RESOURCES)
    assert {each.table for each in declared.values()} <= set(METADATA.tables.values())


def test_every_kind_is_in_the_zoo(zoo: Registry) -> None:
    """The zoo has a column of every kind there is."""
    assert {each.kind for each in zoo["specimen"].fields.values()} >= set(Kind) - {Kind.DECIMAL}
    assert zoo["specimen"].fields["money"].kind is Kind.DECIMAL


def test_what_a_column_says(zoo: Registry) -> None:
    """Key, version, defaults, stamps and computed columns decide what may be written."""
    fields = zoo["computing"].fields
    creatable = {name for name, each in fields.items() if each.creatable}
    assert creatable == {"name", "price", "amount", "note", "secret"}
    assert not any(each.required for each in fields.values())
    assert {name for name, each in zoo["specimen"].fields.items() if each.required} == {"short"}
    key = zoo["text"].fields["code"]
    assert (key.creatable, key.updatable, key.required, key.unique) == (True, False, True, True)
    assert zoo["unique"].fields["id"].required is False
    assert zoo["renamed"].fields["first"].column is not None
    assert zoo["renamed"].fields["first"].column.name == "second"
    assert zoo["ruled"].fields["code"].unique
    assert not zoo["ruled"].fields["town"].unique


def test_relations(zoo: Registry) -> None:
    """A to-one relation stands for its foreign key, a many-to-many for a set, others are read."""
    relations = zoo["keeper"].relations
    assert {name for name, each in relations.items() if each.writable} == {
        *("boss", "labels", "composites", "friends", "friend_of"),
    }
    assert relations["boss"].fields == ("boss_id",)
    assert relations["passport"].many is False
    assert relations["visited"].keyed
    assert zoo["part"].relations["composite"].fields == ("room", "number")
    assert zoo["passport"].relations["keeper"].nullable is False


def test_every_mistake_at_once(base: type[DeclarativeBase]) -> None:
    """All that is wrong with all classes is reported together, each by class and field."""

    class One(base):  # type: ignore[misc, valid-type]
        __tablename__ = "one"
        __resource__ = ResourceOptions(
            list=["nmae"],
            search=["id", "nope.name", "nope"],
            sort=["-document", "other"],
            title="titel",
            detail="x",
            sensitive=["y"],
            labels={"z": "Z"},
            page_size=0,
            plural="a/b",
            rules={"bad": lambda one: one.nope, "none": lambda one: True},
        )
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        document: Mapped[Any] = mapped_column(JSON)
        vector: Mapped[Any] = mapped_column(TSVECTOR)

    class Two(base):  # type: ignore[misc, valid-type]
        __tablename__ = "admin_two"
        __resource__ = ResourceOptions(name="one")
        id: Mapped[int] = mapped_column(primary_key=True)
        pickle: Mapped[Any] = mapped_column(PickleType)

    found = mistakes(base)
    for part in (
        "One.vector: ",
        "One: list names 'nmae', which is no field of it; did you mean 'name'?",
        "One: search names 'id', which is not text",
        "One: search names 'nope.name'",
        "One: search names 'nope'",
        "One: sort names 'document', whose values have no order",
        "One: sort names 'other'",
        "One: title names 'titel'",
        "One: detail names 'x'",
        "One: sensitive names 'y'",
        "One: labels names 'z'",
        "One: page_size must be",
        "One: the plural 'a/b'",
        "One: rule 'bad' fails",
        "One: rule 'none' is not a condition",
        "Two: the name 'one' is taken by One",
        "Two: table names that begin with 'admin_' are reserved",
        "Two.pickle: ",
    ):
        assert any(part in each for each in found), (part, found)


def test_a_key_that_cannot_be_served(base: type[DeclarativeBase]) -> None:
    """A key of an unsupported type is a mistake like any other, for what points to it as well."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        id: Mapped[Any] = mapped_column(TSVECTOR, primary_key=True)

    class Pointing(base):  # type: ignore[misc, valid-type]
        __tablename__ = "pointing"
        id: Mapped[int] = mapped_column(primary_key=True)
        odd_id: Mapped[Any] = mapped_column(ForeignKey("odd.id"))
        odd: Mapped[Any] = relationship(lambda: Odd)

    found = mistakes(base)
    assert [each.partition(":")[0] for each in found] == ["Odd.id", "Pointing.odd_id"]


@pytest.mark.parametrize("kind", [JSON, PickleType], ids=["json", "pickle"])
def test_a_key_without_an_order(base: type[DeclarativeBase], kind: Any) -> None:
    """A key must be of a kind that can be compared, or no list of it has an order."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        id: Mapped[Any] = mapped_column(kind, primary_key=True)

    assert [each.partition(":")[0] for each in mistakes(base)] == ["Odd.id"]


def test_events_that_nobody_calls(base: type[DeclarativeBase]) -> None:
    """A listener that would never be called is a mistake rather than passed over."""

    class Heard(base):  # type: ignore[misc, valid-type]
        __tablename__ = "heard"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]

    event.listen(Heard, "before_update", print)
    (found,) = mistakes(base)
    assert found.startswith("Heard: SQLAlchemy's before_update is not called here")


def test_filters_that_read_alike(base: type[DeclarativeBase]) -> None:
    """A field named like another's filter is a mistake: nobody could tell which is meant."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        id: Mapped[int] = mapped_column(primary_key=True)
        year: Mapped[int]
        year__gt: Mapped[int]

    (found,) = mistakes(base)
    assert found.startswith("Odd.year__gt: ")


def test_inheritance(base: type[DeclarativeBase]) -> None:
    """A class whose rows lie in several tables is a mistake, not half a record."""

    class Parent(base):  # type: ignore[misc, valid-type]
        __tablename__ = "parent"
        __mapper_args__: ClassVar[Any] = {"polymorphic_on": "kind", "polymorphic_identity": "p"}
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]

    class Child(Parent):
        __tablename__ = "child"
        __mapper_args__: ClassVar[Any] = {"polymorphic_identity": "c"}
        id: Mapped[int] = mapped_column(ForeignKey("parent.id"), primary_key=True)
        more: Mapped[str]

    assert any(each.startswith("Child: ") for each in mistakes(base))


def test_schemas_that_share_a_name(base: type[DeclarativeBase]) -> None:
    """Two classes whose generated schemas would be called the same are a mistake."""

    class Book(base):  # type: ignore[misc, valid-type]
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)

    class BookPage(base):  # type: ignore[misc, valid-type]
        __tablename__ = "book_page"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Problem(base):  # type: ignore[misc, valid-type]
        __tablename__ = "problem"
        id: Mapped[int] = mapped_column(primary_key=True)

    found = mistakes(base)
    assert any("BookPage" in each for each in found)
    assert any("Problem" in each for each in found)


def test_unknown_modules() -> None:
    """A module that cannot be imported or declares nothing is named."""
    with pytest.raises(DeclarationError, match="no_such_module"):
        Registry.from_base(Base, ["no_such_module"])
    with pytest.raises(DeclarationError, match="no declaration found in json"):
        Registry.from_base(Base, ["json"])


def test_a_module_with_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What SQLAlchemy does not take is named with its line, not by a traceback."""
    # On a base of its own, where nobody meets the class that is left half made.
    ground = (
        "from sqlalchemy import MetaData",
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column",
        "from admin_app import Base",
        "class Own(DeclarativeBase):",
        "    metadata = MetaData(naming_convention=Base.metadata.naming_convention)",
    )
    declared = (
        "from sqlalchemy import CheckConstraint",
        "from ground import Mapped, Own, mapped_column",
        "class Mistaken(Own):",
        "    __tablename__ = 'mistaken'",
        "    id: Mapped[int] = mapped_column(primary_key=True)",
        "    __table_args__ = (CheckConstraint('id > 0'),)",
    )
    (tmp_path / "ground.py").write_text("\n".join(ground), "utf-8")
    (tmp_path / "mistaken.py").write_text("\n".join(declared), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(DeclarationError, match=r"mistaken\.py, line 3: .*explicitly named"):
        Registry.from_base(Base, ["mistaken"])


def test_what_is_computed_of_other_tables(base: type[DeclarativeBase]) -> None:
    """A column property is a field that nobody sets, whatever expression it is."""

    class Part(base):  # type: ignore[misc, valid-type]
        __tablename__ = "part"
        id: Mapped[int] = mapped_column(primary_key=True)
        whole_id: Mapped[int] = mapped_column(ForeignKey("whole.id"))

    class Whole(base):  # type: ignore[misc, valid-type]
        __tablename__ = "whole"
        id: Mapped[int] = mapped_column(primary_key=True)
        parts: Mapped[int] = column_property(
            select(func.count(Part.id))
            .where(Part.whole_id == literal_column("whole.id"))
            .scalar_subquery()
        )
        two: Mapped[int] = column_property(literal(2), info={"label": "Twice"})

    fields = Registry.from_base(base, [__name__])["whole"].fields
    assert {fields["parts"].kind, fields["two"].kind} == {Kind.INTEGER}
    assert fields["two"].label == "Twice"
    assert not any(each.creatable or each.updatable for each in (fields["parts"], fields["two"]))


def test_what_is_inexact_is_a_mistake(base: type[DeclarativeBase]) -> None:
    """What SQLite would compute otherwise is named, however deep it is in an expression."""

    class Line(base):  # type: ignore[misc, valid-type]
        __tablename__ = "line"
        id: Mapped[int] = mapped_column(primary_key=True)
        price: Mapped[Decimal] = mapped_column(ExactDecimal(9, 2))
        count: Mapped[int] = mapped_column()
        left: Mapped[Decimal] = column_property(func.coalesce(count - price, 0))
        share: Mapped[Decimal] = column_property(count / price)
        dearer: Mapped[bool] = column_property((count < price) & (count > 1))
        fine: Mapped[Decimal] = column_property(count * price - count + 100 - price)

    assert [each.partition(".")[2].partition(",")[0] for each in mistakes(base)] == [
        "left: A whole number before an exact decimal is none: turn them round",
        "share: Nothing can be divided by exact decimals in SQL: divide in Python.",
        "dearer: A whole number before an exact decimal is none: turn them round",
    ]


def test_a_relationship_to_nothing(base: type[DeclarativeBase]) -> None:
    """What SQLAlchemy finds wrong with the mapping is reported as a mistake."""

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        id: Mapped[int] = mapped_column(primary_key=True)
        other: Mapped[Any] = relationship("Nowhere")

    assert "Nowhere" in mistakes(base)[0]


def test_any_base_will_do(base: type[DeclarativeBase]) -> None:
    """A model on a foreign base, without anything of ours, becomes a resource."""

    class Level(enum.Enum):
        LOW = 1

    link = Table(
        "link",
        base.metadata,
        Column("a", ForeignKey("odd.pk"), primary_key=True),
        Column("b", ForeignKey("odd.pk"), primary_key=True),
        Column("since", Integer, nullable=False),
    )

    class Odd(base):  # type: ignore[misc, valid-type]
        __tablename__ = "odd"
        key: Mapped[int] = mapped_column("pk", Identity(always=True), primary_key=True)
        name: Mapped[str] = mapped_column(String(5))
        level: Mapped[Any] = mapped_column(Enum(Level))
        others: Mapped[list[Any]] = relationship(
            lambda: Odd,
            secondary=link,
            primaryjoin=lambda: Odd.key == link.c.a,
            secondaryjoin=lambda: Odd.key == link.c.b,
        )

    found = the(base, "odd")
    assert [each.name for each in found.key] == ["key"]
    assert found.version is None
    assert not found.fields["key"].creatable
    assert not found.relations["others"].writable, "its links hold a value that nobody gives"


def test_keys_as_text(zoo: Registry) -> None:
    """A key's text reads back as the key; text that is nobody's key is nobody's record."""
    found = zoo["composite"]
    assert found.parse_key("a~2b,5") == ("a,b", 5)
    assert found.key_text(("a,b", 5)) == "a~2b,5"
    for text in ("a", "a,b", "a,5,6", "a,05", "a,+5", "", ","):
        with pytest.raises(NotFoundError):
            found.parse_key(text)


@pytest.mark.parametrize(
    ("name", "plural"),
    [
        ("book", "books"),
        ("story", "stories"),
        ("day", "days"),
        ("box", "boxes"),
        ("branch", "branches"),
        ("book_copy", "book_copies"),
    ],
)
def test_plurals(name: str, plural: str) -> None:
    """The plural of a usual word is the usual one."""
    assert pluralized(name) == plural


@pytest.mark.parametrize(
    ("name", "snake"),
    [("Book", "book"), ("BookCopy", "book_copy"), ("HTTPLog", "http_log"), ("Page2", "page2")],
)
def test_names(name: str, snake: str) -> None:
    """A class name becomes words joined by underscores."""
    assert snake_case(name) == snake
