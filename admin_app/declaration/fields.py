"""``Field`` and ``Relation``: everything known about one attribute of a model, resolved once."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    REAL,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    PickleType,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    Uuid,
)
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from admin_app.database.types import ExactDecimal

INT16, INT32, INT64 = 2**15, 2**31, 2**63
SINGLE_PRECISION = 24
"""Bits of mantissa up to which PostgreSQL stores a FLOAT(n) in four bytes."""


class Kind(enum.StrEnum):
    """The kind of a value, whatever its column type is called."""

    INTEGER = "integer"
    FLOAT = "float"
    DECIMAL = "decimal"
    STRING = "string"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    """A date and time of no zone."""
    INSTANT = "instant"
    """A point in time; UTC in the database and in answers."""
    INTERVAL = "interval"
    ENUM = "enum"
    JSON = "json"
    UUID = "uuid"
    BINARY = "binary"
    ARRAY = "array"


ORDERED = frozenset(Kind) - {Kind.JSON, Kind.BINARY, Kind.ARRAY}
"""Kinds whose values can be sorted and compared."""
TEXTUAL = frozenset({Kind.STRING, Kind.TEXT})


class UnsupportedTypeError(ValueError):
    """A column type that cannot be served; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The values a column takes: kind and limits."""

    kind: Kind
    max_length: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    precision: int | None = None
    scale: int | None = None
    single: bool = False
    """A float of four bytes."""
    choices: tuple[Any, ...] = ()
    enum_class: type[enum.Enum] | None = None
    item: Shape | None = None
    """What an array is an array of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A readable value of a record; ``expression`` is the model's attribute."""

    name: str
    shape: Shape
    label: str = field(compare=False)
    help: str = field(default="", compare=False)
    unit: str = field(default="", compare=False)
    """The unit of its numbers, such as ``pages``."""
    tones: Mapping[Any, str] = field(default_factory=dict, repr=False, compare=False)
    """By JSON value, the tone (colour) that tells what a choice means."""
    expression: Any = field(repr=False, compare=False)
    column: Column[Any] | None = field(default=None, repr=False, compare=False)
    nullable: bool = False
    primary_key: bool = False
    required: bool = False
    """Whether a create must give it."""
    creatable: bool = False
    updatable: bool = False
    sensitive: bool = False
    unique: bool = False
    stamp: Any = field(default=None, repr=False, compare=False)
    """Given by ``records`` on create: a value, a callable, or one of ``actor``'s symbols."""
    server_default: bool = False
    masked: bool = False
    """Whether it reads as null where the record it refers to is out of the actor's sight."""

    withheld: bool = False
    """Whether the actor may not set it although others may."""

    @property
    def optional(self) -> bool:
        """Whether it may read as null."""
        return self.nullable or self.masked

    @property
    def kind(self) -> Kind:
        return self.shape.kind

    @property
    def sortable(self) -> bool:
        return self.kind in ORDERED and not self.sensitive


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key to a resource: its fields, and the fields of the target that they refer to."""

    fields: tuple[str, ...]
    target: str
    referred: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A link to records of another resource, or of the same.

    A to-one relation with ``fields`` stands for those foreign key fields, in the order of the
    target's key. A to-many relation with ``secondary`` is a set of the target's keys and can be
    written as such; one without is the other side of a to-one and is read-only.
    """

    name: str
    target: str
    label: str = field(compare=False)
    help: str = field(default="", compare=False)
    many: bool
    expression: Any = field(repr=False, compare=False)
    fields: tuple[str, ...] = ()
    pointing: tuple[tuple[str, str], ...] = ()
    """The other side of a to-one: (field of the target that points here, field of this record)."""
    secondary: Table | None = field(default=None, repr=False, compare=False)
    own_columns: tuple[tuple[str, str], ...] = ()
    """Many-to-many: (attribute of this key, column of the association table)."""
    target_columns: tuple[tuple[str, str], ...] = ()
    """Many-to-many: (attribute of the target's key, column of the association table)."""
    nullable: bool = True
    writable: bool = False

    @property
    def keyed(self) -> bool:
        """Whether its value is the set of the target's keys (a many-to-many relation)."""
        return self.secondary is not None


def words(name: str) -> str:
    """``card_number`` as ``Card number``: the label where none is declared."""
    text = name.strip("_").replace("_", " ")
    return text[:1].upper() + text[1:]


def shape_of(type_: TypeEngine[Any], info: Mapping[str, Any] | None = None) -> Shape:
    """What values a column type takes.

    Raises ``UnsupportedTypeError`` for a type without a portable meaning.
    """
    choices = tuple((info or {}).get("choices", ()))
    if isinstance(type_, ExactDecimal):
        return Shape(kind=Kind.DECIMAL, precision=type_.precision, scale=type_.scale)
    if isinstance(type_, NullType):
        msg = "its type is unknown: the foreign key points to a table that is not declared"
        raise UnsupportedTypeError(msg)
    if isinstance(type_, PickleType):
        msg = "a pickle may be anything and can run code; use JSON"
        raise UnsupportedTypeError(msg)
    if isinstance(type_, TypeDecorator) and not isinstance(type_, Interval):
        # Interval decorates the date that stands for it where a database has no durations.
        return shape_of(type_.impl_instance, info)
    for kind_of_type, make in _SHAPES:
        if isinstance(type_, kind_of_type):
            shape: Shape = make(type_)
            if choices and shape.kind in {Kind.STRING, Kind.TEXT, Kind.INTEGER}:
                return Shape(kind=Kind.ENUM, choices=choices, max_length=shape.max_length)
            return shape
    msg = f"type {type_!r} has no portable meaning; use another one or a TypeDecorator"
    raise UnsupportedTypeError(msg)


def _enum(type_: Enum) -> Shape:
    if type_.enum_class is None:
        return Shape(kind=Kind.ENUM, choices=tuple(type_.enums))
    members: Iterable[enum.Enum] = type_.enum_class
    values = tuple(member.value for member in members)
    if not all(isinstance(value, str | int) for value in values):
        msg = f"the values of {type_.enum_class.__name__} must be text or whole numbers"
        raise UnsupportedTypeError(msg)
    if len(set(type_.enums)) < max(1, len(values)):
        msg = f"{type_.enum_class.__name__} needs values that differ as text, as they are stored"
        raise UnsupportedTypeError(msg)
    return Shape(kind=Kind.ENUM, choices=values, enum_class=type_.enum_class)


def _array(type_: ARRAY[Any]) -> Shape:
    if "sqlite" not in type_._variant_mapping:  # noqa: SLF001 - no public way to ask
        msg = "ARRAY needs .with_variant(JSON(), 'sqlite'): SQLite has no arrays"
        raise UnsupportedTypeError(msg)
    if (type_.dimensions or 1) > 1:
        msg = "ARRAY of more than one dimension is not supported; use JSON"
        raise UnsupportedTypeError(msg)
    item = shape_of(type_.item_type)
    if item.kind not in {Kind.INTEGER, Kind.STRING, Kind.TEXT, Kind.BOOLEAN, Kind.FLOAT}:
        msg = f"an ARRAY of {item.kind} reads back differently on SQLite; use JSON"
        raise UnsupportedTypeError(msg)
    return Shape(kind=Kind.ARRAY, item=item)


def _json(type_: JSON) -> Shape:
    if type(type_) is not JSON and "sqlite" not in type_._variant_mapping:  # noqa: SLF001
        msg = f"{type_!r} needs .with_variant(JSON(), 'sqlite')"
        raise UnsupportedTypeError(msg)
    return Shape(kind=Kind.JSON)


def _integer(limit: int) -> Any:
    return lambda _: Shape(kind=Kind.INTEGER, minimum=-limit, maximum=limit - 1)


def _string(type_: String) -> Shape:
    long = isinstance(type_, Text) or type_.length is None
    return Shape(kind=Kind.TEXT if long else Kind.STRING, max_length=type_.length)


_SHAPES: tuple[tuple[type[TypeEngine[Any]], Any], ...] = (
    (Enum, _enum),
    (LargeBinary, lambda type_: Shape(kind=Kind.BINARY, max_length=type_.length)),
    (Uuid, lambda _: Shape(kind=Kind.UUID)),
    (Boolean, lambda _: Shape(kind=Kind.BOOLEAN)),
    (Interval, lambda _: Shape(kind=Kind.INTERVAL)),
    (
        DateTime,
        lambda type_: Shape(kind=Kind.INSTANT if type_.timezone else Kind.DATETIME),
    ),
    (Date, lambda _: Shape(kind=Kind.DATE)),
    (Time, lambda _: Shape(kind=Kind.TIME)),
    (JSON, _json),
    (ARRAY, _array),
    (
        Float,
        lambda type_: Shape(
            kind=Kind.FLOAT,
            single=isinstance(type_, REAL)
            or (type_.precision is not None and type_.precision <= SINGLE_PRECISION),
        ),
    ),
    (
        Numeric,
        lambda type_: Shape(kind=Kind.DECIMAL, precision=type_.precision, scale=type_.scale),
    ),
    (SmallInteger, _integer(INT16)),
    (BigInteger, _integer(INT64)),
    (Integer, _integer(INT32)),
    (String, _string),
)
