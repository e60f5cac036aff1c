"""JSON and CSV written by SQLite: each record by one function, byte for byte as we would.

Handing values over to Python takes longer than writing them. A value that is not stored as
SQLAlchemy stores it cannot be printed, nor one that Python would write differently: the whole
record then becomes ``UNLIKE``, and the caller reads it another way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    SmallInteger,
    String,
    Text,
    Time,
    and_,
    case,
    collate,
    func,
    literal_column,
    or_,
)

from admin_app.database import ExactDecimal
from admin_app.declaration import Field
from admin_app.records.reads.representation import as_json
from admin_app.records.reads.sqlite_values import as_stored, json_of_stored

Column = ColumnElement[Any]

UNLIKE = b"\x01"
"""In JSON this byte would be escaped; in CSV it only costs the other way of reading."""
_MOST = 100
"""The most arguments of a function of SQLite."""


class UnlikeError(Exception):
    """Raised when a record could not be printed."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A format of ``printf`` with its arguments, and the condition under which it is right."""

    form: str
    arguments: tuple[Column, ...]
    condition: Column | None = None
    column: Column | None = None
    """What SQLite's own ``json_object`` writes just so, null as well, if there is such a thing."""


@dataclass(frozen=True, slots=True)
class _Forms:
    """The formats of a value that is not null."""

    json: Printed
    csv: Printed | None


def json_of(field: Field, column: Column) -> Printed | None:
    """How a field's value is printed as JSON; ``None`` where it cannot be."""
    found = _forms(field, column)
    return None if found is None else _perhaps_null(field, column, found.json, "null")


def cell_of(field: Field, column: Column) -> Printed | None:
    """How a field's value is printed as a CSV cell; ``None`` where it cannot be."""
    found = _forms(field, column)
    if found is None or found.csv is None:
        return None
    return _perhaps_null(field, column, found.csv, "")


def json_text(text: Column, *, optional: bool = False) -> Printed:
    """Text that is JSON already; ``optional``: or null."""
    return Printed("%s", (func.coalesce(text, _sql("null")) if optional else text,))


def json_object(members: Mapping[str, Printed]) -> Column | None:
    """A JSON object of these members; ``None`` where there are too many."""
    return _unless_unlike(json_if_alike(members))


def json_if_alike(members: Mapping[str, Printed]) -> Printed | None:
    """The text of ``json_object``, to be read only where its condition holds."""
    parts = [*members.values()]
    native = [(_sql(n), each.column) for n, each in members.items() if each.column is not None]
    if len(native) == len(parts) and 2 * len(native) < _MOST:
        # Half the time of a ``printf``, as long as there is nothing to format.
        return _guarded(func.json_object(*chain.from_iterable(native)), parts)
    forms = (f"{_plain(as_json(name).decode())}:{each.form}" for name, each in members.items())
    return _printed(f"{{{','.join(forms)}}}", parts)


def csv_cells(cells: Sequence[Printed]) -> Column | None:
    """A CSV line of these cells without its end; ``None`` where there are too many."""
    return _unless_unlike(_printed(",".join(each.form for each in cells), cells))


def _printed(form: str, parts: Sequence[Printed]) -> Printed | None:
    arguments = [argument for each in parts for argument in each.arguments]
    if len(arguments) >= _MOST:
        return None
    return _guarded(func.printf(_sql(form), *arguments), parts)


def _guarded(text: Column, parts: Sequence[Printed]) -> Printed:
    conditions = [each.condition for each in parts if each.condition is not None]
    return Printed("%s", (text,), and_(*conditions) if conditions else None)


def _unless_unlike(printed: Printed | None) -> Column | None:
    if printed is None:
        return None
    (text,) = printed.arguments
    if printed.condition is None:
        return text
    return case((printed.condition, text), else_=_character(UNLIKE.decode()))


def _perhaps_null(field: Field, column: Column, printed: Printed, null: str) -> Printed:
    if not field.optional:
        return printed
    form, arguments = printed.form, printed.arguments
    text = arguments[0] if form in {"%s", "%d"} else func.printf(_sql(form), *arguments)
    absent = as_stored(column).is_(None)
    condition = None if printed.condition is None else or_(absent, printed.condition)
    return Printed("%s", (case((absent, _sql(null)), else_=text),), condition, printed.column)


def _forms(field: Field, column: Column) -> _Forms | None:
    if field.column is None:
        return None
    type_: Any = getattr(field.expression, "type", None)
    if type(type_) is not ExactDecimal and not type(type_).__module__.startswith("sqlalchemy."):
        return None
    write = _WRITERS.get(type(type_))
    return None if write is None else write(field, type_, as_stored(column))


def _whole(_: Field, __: Any, column: Column) -> _Forms:
    whole = _is(column, "integer")
    return _Forms(Printed("%d", (column,), whole, column), Printed("%d", (column,), whole))


def _truth(_: Field, __: Any, column: Column) -> _Forms:
    word = case((column == literal_column("0"), _sql("false")), else_=_sql("true"))
    return _same("%s", (word,), _is(column, "integer"))


def _text(_: Field, __: Any, column: Column) -> _Forms:
    text = _is(column, "text")
    binary = collate(column, "BINARY")
    # What a spreadsheet takes for a formula begins with none of these.
    harmless = or_(
        and_(binary >= _sql("."), binary < _sql("=")),
        and_(binary >= _sql("A"), binary < _sql("\uff00")),
    )
    empty = column == _sql("")
    apart = or_(*(func.instr(column, _character(each)) > literal_column("0") for each in ',"\r\n'))
    quoted = func.printf(_sql('"%s"'), func.replace(column, _sql('"'), _sql('""')))
    written = case((empty, _sql("'")), (apart, quoted), else_=column)
    # It would end what is printed.
    unended = func.instr(column, _character("\0")) == literal_column("0")
    return _Forms(
        Printed("%s", (func.json_quote(column),), text, column),
        Printed("%s", (written,), and_(text, or_(harmless, empty), unended)),
    )


def _decimal(_: Field, type_: Any, column: Column) -> _Forms:
    whole = _is(column, "integer")
    if not type_.scale:
        return _quoted("%d", (column,), whole)
    one: Column = literal_column(str(10**type_.scale))
    small = column.between(literal_column(str(1 - 10**type_.scale)), literal_column("-1"))
    sign = case((small, _sql("-")), else_=_sql(""))
    parts = sign, column.op("/")(one), func.abs(column.op("%")(one))
    return _quoted(f"%s%d.%0{type_.scale}d", parts, whole)


def _moment(_: Field, type_: Any, column: Column) -> _Forms:
    zone = "Z" if type_.timezone else ""
    # Digit by digit only where this, which takes two thirds of the time, says no: it does also of
    # the last half of a millisecond there is.
    loose = _MOMENTS[0][:-1].replace("0", "?") + "[0-9]"
    usual = and_(func.glob(_sql(loose), column), func.julianday(column).is_not(None))
    condition = or_(usual, _like(column, *_MOMENTS))
    return _quoted(f"%.10sT%s{zone}", (column, _clock(column, 12)), condition)


def _day(_: Field, __: Any, column: Column) -> _Forms:
    return _quoted("%s", (column,), _like(column, _DAY))


def _time(_: Field, __: Any, column: Column) -> _Forms:
    return _quoted("%s", (_clock(column, 1),), _like(column, *_CLOCKS))


_DAY = "0000-00-00"
_CLOCKS = ("00:00:00.000000", "00:00:00")
"""As SQLAlchemy stores it, and as SQLite's own functions and other programs do."""
_MOMENTS = tuple(f"{_DAY} {each}" for each in _CLOCKS)


def _clock(column: Column, start: int) -> Column:
    """The time of day from a character on, without a fraction of zero."""
    whole = func.substr(column, literal_column(str(start)), literal_column("8"))
    precise = func.substr(column, literal_column(str(start)))
    return case((func.instr(column, _sql(".000000")), whole), else_=precise)


def _choice(field: Field, _: Any, column: Column) -> _Forms | None:
    make = json_of_stored(field)
    enums = getattr(field.expression, "type").enums  # noqa: B009 - mypy knows no such member
    values = dict(zip(enums, make(enums) if make else enums, strict=True))

    def mapped(write: Callable[[Any], str]) -> Printed:
        texts = {each: write(value) for each, value in values.items()}
        text = case({_sql(each): _sql(text) for each, text in texts.items()}, value=column)
        return Printed("%s", (text,), column.in_([_sql(each) for each in values]))

    simple = all(_SIMPLE.fullmatch(str(each)) for each in values.values())
    return _Forms(mapped(lambda value: as_json(value).decode()), mapped(str) if simple else None)


_SIMPLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. /+-]*")
"""Text that a CSV cell holds unquoted and unguarded."""


def _same(form: str, arguments: tuple[Column, ...], condition: Column) -> _Forms:
    printed = Printed(form, arguments, condition)
    return _Forms(printed, printed)


def _quoted(form: str, arguments: tuple[Column, ...], condition: Column) -> _Forms:
    """Text that needs no escapes in JSON and no quotes in CSV."""
    return _Forms(Printed(f'"{form}"', arguments, condition), Printed(form, arguments, condition))


def _is(column: Column, type_: str) -> Column:
    found: Column = func.typeof(column) == _sql(type_)
    return found


def _like(column: Column, *forms: str) -> Column:
    """Whether a value is text of one of the forms, in which noughts stand for digits."""
    # As a function: an operator could be one that takes as long as its pattern makes it.
    return or_(*(func.glob(_sql(each.replace("0", "[0-9]")), column) for each in forms))


def _character(character: str) -> Column:
    return literal_column(f"char({ord(character)})")


def _plain(text: str) -> str:
    """Text within a format of ``printf``."""
    return text.replace("%", "%%")


def _sql(text: str) -> Any:
    # Not with ``literal``: a bind would be handed over with each run.
    return literal_column("'{}'".format(text.replace("'", "''")), Text)


_WRITERS: Mapping[type[Any], Callable[[Field, Any, Column], _Forms | None]] = {
    Integer: _whole,
    SmallInteger: _whole,
    BigInteger: _whole,
    String: _text,
    Text: _text,
    Boolean: _truth,
    Enum: _choice,
    ExactDecimal: _decimal,
    DateTime: _moment,
    Date: _day,
    Time: _time,
}
