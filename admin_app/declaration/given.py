"""Checks of what declarations are given: their options' types, functions, defaults and ``info``.

Without them each would be met by whoever writes the first record.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Column, String
from sqlalchemy.orm import Mapper
from sqlalchemy.types import TypeDecorator

from admin_app.database.types import ExactDecimal
from admin_app.declaration.fields import TEXTUAL, Field, Kind
from admin_app.declaration.forms import Section, Tab, When
from admin_app.declaration.inlines import Inline
from admin_app.declaration.options import ResourceOptions
from admin_app.declaration.widgets import Widget
from admin_app.suggestions import did_you_mean

INFO = ("label", "help", "choices", "sensitive", "read_only", "stamp", "private")
"""What a column's ``info`` may say to us; it may say anything else to others."""
_LISTS = ("inlines", "list", "search", "filters", "sort", "form", "sensitive", "actions")
_VALUES: Mapping[Kind, tuple[type[Any], ...]] = {
    Kind.INTEGER: (int,),
    Kind.FLOAT: (int, float, Decimal),
    Kind.DECIMAL: (int, float, Decimal),
    Kind.STRING: (str,),
    Kind.TEXT: (str,),
    Kind.BOOLEAN: (int,),
    Kind.DATE: (date,),
    Kind.TIME: (time,),
    Kind.DATETIME: (datetime,),
    Kind.INSTANT: (datetime,),
    Kind.INTERVAL: (timedelta,),
    Kind.UUID: (UUID, str),
    Kind.BINARY: (bytes,),
}
"""What a default may be, by the kind of its column; any value is a default of the others."""


def options_of(mapper: Mapper[Any], problems: list[str]) -> ResourceOptions:
    """The options of a class, without those that are of another type than they have to be."""
    where, own = mapper.class_.__name__, getattr(mapper.class_, "__resource__", None)
    if own is None:
        return ResourceOptions()
    if not isinstance(own, ResourceOptions):
        problems.append(f"{where}: __resource__ is no ResourceOptions(…)")
        return ResourceOptions()
    texts = {name: getattr(own, name) for name in _LISTS if isinstance(getattr(own, name), str)}
    problems.extend(f"{where}: {name} is text; write [{text!r}]" for name, text in texts.items())
    nothing: dict[str, Any] = dict.fromkeys(texts, ())
    return dataclasses.replace(own, **nothing)


def unknown_argument(error: Exception) -> str:
    """``; did you mean 'list'?``, where a declaration was given an argument it does not take."""
    for known in (ResourceOptions, Inline, Section, Tab, When, Widget):
        start = f"{known.__name__}.__init__() got an unexpected keyword argument "
        if str(error).startswith(start):
            name = str(error).removeprefix(start).strip("'")
            return did_you_mean(name, [each.name for each in dataclasses.fields(known)])
    return ""


def not_callable(function: Callable[..., Any]) -> str | None:
    """Why ``function`` cannot be awaited with one argument; ``None`` where it can."""
    plain = getattr(function, "__func__", function)
    body = plain if inspect.isroutine(plain) else getattr(plain, "func", type(plain).__call__)
    if not inspect.iscoroutinefunction(body):
        return "is not an async function"
    try:
        inspect.signature(plain).bind(None)
    except TypeError:
        return "has to take one argument"
    return None


def check_given(
    mapper: Mapper[Any],
    options: ResourceOptions,
    fields: Mapping[str, Field],
    problems: list[str],
) -> None:
    """Report functions, defaults, stamps and ``info`` that no write could use."""
    where = mapper.class_.__name__
    for name in ("before_write", "after_commit"):
        hook = getattr(options, name)
        reason = None if hook is None else not_callable(hook)
        if reason:
            problems.append(f"{where}: {name} {reason}")
    for each in mapper.column_attrs:
        column = each.columns[0]
        if isinstance(column, Column):
            field = fields.get(each.key)
            found = [*_of_info(column), *_of_values(field, column)]
            if "create" in options.actions and _never_given(mapper, column, field):
                found.append("it must be filled, and nobody gives it a value: give it a default")
            problems.extend(f"{where}.{each.key}: {reason}" for reason in found)


def _of_info(column: Column[Any]) -> Iterator[str]:
    for name in column.info:
        near = difflib.get_close_matches(str(name), INFO, n=1, cutoff=0.75)
        if name not in INFO and near:
            yield f"info says {name!r}; did you mean {near[0]!r}?"


def _of_values(field: Field | None, column: Column[Any]) -> Iterator[str]:
    """What is wrong with the values that a column is filled with."""
    if field is None:
        return
    stamp = field.stamp
    if isinstance(stamp, BindParameter):
        text = isinstance(stamp.type, String)
        if (field.kind in TEXTUAL) is not text:
            yield f"its stamp is {'text' if text else 'not text'}, but the column is {field.kind}"
    if field.kind is Kind.INSTANT:
        yield from _of_clocks(column)
    default: Any = column.default
    decorated = isinstance(column.type, TypeDecorator) and not isinstance(column.type, ExactDecimal)
    if default is None or not default.is_scalar or decorated:
        return
    value, limit = default.arg, field.shape.max_length
    if not isinstance(value, _VALUES.get(field.kind, (object,))):
        yield f"its default {value!r} is no {field.kind}"
    elif isinstance(value, datetime) and (value.tzinfo is None) is (field.kind is Kind.INSTANT):
        yield f"its default {value!r} {'lacks a zone' if value.tzinfo is None else 'has a zone'}"
    elif isinstance(value, str) and limit is not None and len(value) > limit:
        yield f"its default {value!r} is longer than {limit} characters"


def _of_clocks(column: Column[Any]) -> Iterator[str]:
    for name in ("default", "onupdate"):
        given: Any = getattr(column, name)
        if given is not None and given.is_callable and _lacks_zone(given.arg):
            yield f"its {name} gives an instant without a zone; give datetime.now(UTC)"


def _lacks_zone(clock: Callable[[Any], Any]) -> bool:
    """Whether what is called for an instant answers one that each machine would read otherwise."""
    try:
        now = clock(None)
    except Exception:  # noqa: BLE001 - it wants the statement that it is called for
        return False
    return isinstance(now, datetime) and now.tzinfo is None


def _never_given(mapper: Mapper[Any], column: Column[Any], field: Field | None) -> bool:
    """Whether a column has to be filled at a create, and nothing could do that."""
    filled = column.default is not None or column.server_default is not None
    by_database = column.computed is not None or column.identity is not None
    if column.nullable or filled or by_database or column is mapper.version_id_col:
        return False
    if field is None:
        return bool(column.info.get("private")) and column.table.autoincrement_column is not column
    return not (field.creatable or field.primary_key or field.stamp is not None)
