"""JSON and CSV written by PostgreSQL: expressions that give exactly what ``Lines`` writes.

JSON is put together as text: the database's own functions for it take three times as long, most of
it for what is known beforehand, such as names and which values need no escapes.

A type that is not listed here, or is only derived from one, has no expression: a type of the
model's own may say anything of its values. Values that Python cannot represent, such as a date
before the common era, are written in PostgreSQL's words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
    Text,
    Time,
    Uuid,
    and_,
    case,
    cast,
    collate,
    func,
    literal_column,
    not_,
    or_,
)
from sqlalchemy.dialects.postgresql import TIME, TIMESTAMP, asyncpg
from sqlalchemy.types import CHAR, NCHAR, TypeEngine

from admin_app.database import ExactDecimal
from admin_app.declaration import Field
from admin_app.records.reads.representation import as_json
from admin_app.records.reads.sqlite_text import UNLIKE

Column = ColumnElement[Any]

_DIALECT: Dialect = asyncpg.dialect()  # type: ignore[no-untyped-call]


_MOST = 100
"""The most arguments of a function of PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Json:
    """A value as JSON."""

    text: Column
    """The JSON text; if ``quoted``, the content of a JSON string, which needs no escapes."""
    quoted: bool = False
    optional: bool = False
    """Whether it may be null."""
    column: Column | None = None
    """What is never null, as far as the declaration knows."""


@dataclass(frozen=True, slots=True)
class Written:
    """The CSV and JSON of a value; null only where the value is."""

    csv: Column
    json: Json


def written(field: Field, column: Column) -> Written | None:
    """How PostgreSQL writes a field's value; ``None`` where ``Lines`` would write otherwise."""
    if field.column is None:
        return None  # What is computed may be of another type than it says.
    declared: Any = field.column.type
    type_ = declared._variant_mapping.get("postgresql", declared)  # noqa: SLF001 - no public way
    if type(type_) is not ExactDecimal and not type(type_).__module__.startswith("sqlalchemy."):
        return None
    for kind, write in _WRITERS:
        if isinstance(type_, kind):
            made = write(type_, column)
            return made and replace(made, json=_never_null(field, column, made.json))
    return None


def _never_null(field: Field, column: Column, json: Json) -> Json:
    if field.optional:
        return replace(json, optional=True)
    return json if field.primary_key else replace(json, column=column)


def json_of(field: Field, column: Column) -> Json | None:
    """How PostgreSQL writes a field's value as JSON; ``None`` where ours would differ."""
    found = written(field, column)
    return None if found is None else found.json


def json_text(text: Column, *, optional: bool = False) -> Json:
    """Text that is JSON already; ``optional``: or null."""
    return Json(text, optional=optional)


def json_object(members: Mapping[str, Json]) -> Column:
    """A JSON object of these members, in their order."""
    text = cast(_joined(list(_pieces(members))), Text)
    sure = [each.column for each in members.values() if each.column is not None]
    if not sure:
        return text
    nulls = [
        func.num_nulls(*sure[start : start + _MOST]) == literal_column("0")
        for start in range(0, len(sure), _MOST)
    ]
    return case((and_(*nulls), text), else_=_sql(_UNLIKE))


def _joined(pieces: list[Column]) -> Column:
    while len(pieces) > _MOST:
        starts = range(0, len(pieces), _MOST)
        pieces = [func.concat(*pieces[start : start + _MOST]) for start in starts]
    return func.concat(*pieces)


_UNLIKE = f"chr({ord(UNLIKE)})"


def _pieces(members: Mapping[str, Json]) -> Iterator[Column]:
    """The values, and the constant text before, between and after them."""
    begun = "{"
    for name, value in members.items():
        begun += f"{as_json(name).decode()}:"
        if value.optional:
            text = cast(value.text, Text)
            if value.quoted:
                text = _sql("'\"'").op("||")(text).op("||")(_sql("'\"'"))
            yield from (_constant(begun), func.coalesce(text, _sql("'null'")))
            begun = ","
        elif value.quoted:
            yield from (_constant(f'{begun}"'), value.text)
            begun = '",'
        else:
            yield from (_constant(begun), value.text)
            begun = ","
    yield _constant(f"{begun.removesuffix(',')}}}")


def _constant(text: str) -> Any:
    return _sql("'{}'".format(text.replace("'", "''")))


def guarded(column: Column) -> Column:
    """Text as ``files.guard`` writes it."""
    # As bytes: what begins with a letter or a digit, as almost everything does, is soon told.
    text = collate(cast(column, Text), "C")
    bare = func.ltrim(text, _sql("''''"))
    plain = or_(
        and_(text >= _sql("'A'"), text < _sql("'~'")), and_(text >= _sql("'.'"), text < _sql("'='"))
    )
    formula = and_(bare.op("~")(_sql(_FORMULA)), bare.op("!~")(_sql(_NUMBER)))
    return case(
        (plain, text),
        (or_(bare == _sql("''"), formula), _sql("''''").op("||")(text)),
        else_=text,
    )


_FORMULA = r"E'^ *[=+@\\t\\r\\n\\uFF1D\\uFF0B\\uFF0D\\uFF20-]'"
_NUMBER = r"E'^[+-]?[0-9]+(\\.[0-9]+)?$'"


def _sql(text: str) -> Any:
    return literal_column(text, Text)


def _number(_: TypeEngine[Any], column: Column) -> Written:
    return Written(column, Json(column))


def _boolean(_: TypeEngine[Any], column: Column) -> Written:
    # A cast makes its text anew for each.
    text = case((column, _sql("'true'")), (not_(column), _sql("'false'")))
    return Written(text, Json(text))


def _text(type_: TypeEngine[Any], column: Column) -> Written | None:
    # Blanks at the end of a CHAR are lost when it becomes text.
    return None if isinstance(type_, CHAR | NCHAR) else Written(guarded(column), _escaped(column))


def _decimal(type_: Any, column: Column) -> Written | None:
    if not type_.asdecimal:
        return None
    # Without a precision there is infinity, whose minus would be taken for that of a formula.
    return Written(column if type_.precision else guarded(column), Json(column, quoted=True))


def _date(_: TypeEngine[Any], column: Column) -> Written:
    return _same(_finite(column, "9999-12-31", "0001-01-01", column))


def _time(type_: Any, column: Column) -> Written | None:
    if type_.timezone:
        return None
    whole = column == cast(column, TIME(precision=0))
    return _same(case((whole, cast(column, Text)), else_=_formed(column, _CLOCK)))


def _moment(type_: Any, column: Column) -> Written:
    zone = "Z" if type_.timezone else ""
    # Without a fraction of a second, as almost all are, the database's own text is soon changed:
    # ``to_char`` takes twice as long, and a third longer what looks up the session's zone.
    whole = column == cast(column, TIMESTAMP(type_.timezone, 0))
    here = func.timezone(_sql("INTERVAL '0'"), column) if type_.timezone else column
    text = func.replace(cast(here, Text), _sql("' '"), _sql("'T'"))
    quick = text.op("||")(_sql("'Z'")) if zone else text
    precise = _formed(column, f'YYYY-MM-DD"T"{_CLOCK}"{zone}"')
    years = and_(column >= _sql("'0001-01-01'"), column < _sql("'10000-01-01'"))
    told = case((whole, quick), else_=precise)
    last, first = f"9999-12-31T23:59:59.999999{zone}", f"0001-01-01T00:00:00{zone}"
    return _same(case((years, told), else_=_finite(column, last, first, cast(column, Text))))


_CLOCK = "HH24:MI:SS.US"


def _formed(column: Column, form: str) -> Column:
    return func.to_char(column, _sql(f"'{form}'"))


def _finite(column: Column, last: str, first: str, finite: Column) -> Column:
    """``finite``, or the last and first that Python can represent, which infinity stands for."""
    return case(
        (column == _sql("'infinity'"), _sql(f"'{last}'")),
        (column == _sql("'-infinity'"), _sql(f"'{first}'")),
        else_=finite,
    )


def _enum(type_: Any, column: Column) -> Written | None:
    read: Any = type_.dialect_impl(_DIALECT).result_processor(_DIALECT, None)
    found = {each: read(each) if read else each for each in type_.enums}
    values = {each: getattr(value, "value", value) for each, value in found.items()}
    stored = cast(column, Text)
    if not all(isinstance(each, str) for each in values.values()):
        if not all(type(each) is int for each in values.values()):
            return None
        number = _mapped(stored, {each: str(value) for each, value in values.items()})
        return Written(number, Json(number))
    text = _mapped(stored, values)
    return Written(guarded(text), _escaped(text))


def _mapped(stored: Column, values: dict[str, str]) -> Column:
    changed = {each: value for each, value in values.items() if each != value}
    return case(changed, value=stored, else_=stored) if changed else stored


def _uuid(type_: Any, column: Column) -> Written | None:
    return _same(column) if type_.native_uuid and type_.as_uuid else None


def _binary(_: TypeEngine[Any], column: Column) -> Written:
    base64 = func.replace(func.encode(column, _sql("'base64'")), _sql(r"E'\n'"), _sql("''"))
    return Written(guarded(base64), Json(base64, quoted=True))


def _same(text: Column) -> Written:
    return Written(text, Json(text, quoted=True))


def _escaped(text: Column) -> Json:
    return Json(func.to_json(text))


_WRITERS: tuple[tuple[type[TypeEngine[Any]], Callable[[Any, Column], Written | None]], ...] = (
    (Enum, _enum),
    (ExactDecimal, lambda type_, column: _decimal(type_.impl_instance, column)),
    # PostgreSQL writes some floats beyond 2**53 with a digit more than is needed to tell them.
    (Float, lambda _type, _column: None),
    (Numeric, _decimal),
    (Boolean, _boolean),
    (Integer, _number),
    (String, _text),
    (Date, _date),
    (DateTime, _moment),
    (Time, _time),
    (Uuid, _uuid),
    (LargeBinary, _binary),
)
