"""Turn the cells of a row into JSON data by field, as the write path takes it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pydantic_core
from pydantic import ValidationError

from admin_app.declaration import Field, Key, Kind, Registry, Relation, Resource
from admin_app.declaration.fields import Shape
from admin_app.declaration.schemas import refusal
from admin_app.declaration.values import adapter_of, from_text
from admin_app.errors import AppError, FieldError, InvalidInputError, NotFoundError
from admin_app.records.transfer.files import (
    TABULAR,
    Format,
    Row,
    json_text,
    list_of,
    unguard,
)
from admin_app.records.transfer.mapping import LONGEST_NAME, Plan, Rule
from admin_app.suggestions import meant

LARGEST_WHOLE = 40
"""Digits of a number that can still be meant: ``1e999999999`` is an attack."""
MOST_UNKNOWN = 10
"""Members of a row that are told to be no fields."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a row says, before the database is asked anything."""

    row: Row
    data: dict[str, Any]
    """JSON data by field."""
    related: dict[str, list[Any]]
    """Of relations given by another field than the key: that field's values."""
    errors: list[FieldError]
    """Of cells that cannot be read."""


def prepare(plan: Plan, registry: Registry, format_: Format, row: Row) -> Prepared:
    """Read a row by its mapping.

    Raises ``InvalidInputError`` for a row that cannot be told into cells.
    """
    if row.problem:
        raise InvalidInputError(row.problem)
    errors = [
        FieldError((name[:LONGEST_NAME],), "unknown_field", "There is no such field." + near)
        for name in itertools.islice(_unknown(plan, row), MOST_UNKNOWN)
        for near in [meant(name, plan.members or ())]
    ]
    prepared = Prepared(row, {}, {}, errors)
    for rule in plan.rules:
        try:
            _take(rule, registry, format_, prepared)
        except AppError as error:
            words = error.errors[0].detail if error.errors else error.detail
            errors.append(FieldError((rule.target.name,), "invalid", words))
    return prepared


def _unknown(plan: Plan, row: Row) -> Iterator[str]:
    members = plan.members
    return (name for name in row.cells if members is not None and name not in members)


def _take(rule: Rule, registry: Registry, format_: Format, into: Prepared) -> None:
    cell = _cell(rule, format_, into.row.cells)
    target = rule.target
    if cell is _ABSENT:
        return
    if cell is None:
        into.data.update(_nothing(target))
    elif isinstance(target, Field):
        into.data[target.name] = _field_data(rule, target, cell)
    elif rule.by is not None:
        by = rule.by
        values = [typed(by.shape, _data(by.shape, each)) for each in _items(rule, cell)]
        into.related[target.name] = list(dict.fromkeys(values))
    else:
        keys = [_key(registry.target(target), each) for each in _items(rule, cell)]
        into.data.update(referring(target, registry.target(target), dict.fromkeys(keys)))


_ABSENT = object()


def _cell(rule: Rule, format_: Format, cells: Mapping[str, Any]) -> Any:
    """The rule's cell; none for nothing, ``_ABSENT`` where the field is not spoken of."""
    if rule.constant is not None:
        return _Text(rule.constant)
    value = cells.get(rule.column, _ABSENT)
    if format_ in TABULAR and isinstance(value, str):
        text = value.strip() if rule.trim or not _is_text(rule) else value
        value = _Text(unguard(text)) if text else None
    if value is None and rule.default is not None:
        return _Text(rule.default)
    if value is None and rule.keep:
        return _ABSENT
    return value


class _Text(str):
    """What was written as text, whatever type it stands for; a JSON string is text for good."""

    __slots__ = ()


def _is_text(rule: Rule) -> bool:
    shape = rule.target.shape if isinstance(rule.target, Field) else None
    return shape is not None and shape.kind in {Kind.STRING, Kind.TEXT, Kind.ENUM}


def _nothing(target: Field | Relation) -> dict[str, Any]:
    """What an empty cell says: null, an empty set, or nothing of a field that has a default."""
    if isinstance(target, Relation) and target.many:
        return {target.name: []}
    if target.nullable:
        return dict.fromkeys(target.fields if isinstance(target, Relation) else [target.name])
    if isinstance(target, Relation) or target.required:
        msg = "A value is needed."
        raise InvalidInputError(msg)
    return {}


def _field_data(rule: Rule, target: Field, cell: Any) -> Any:
    if rule.split is None:
        (item,) = _items(rule, cell)
        return _data(target.shape, item)
    item_shape = target.shape.item
    return [_data(item_shape, each) if item_shape else each for each in _items(rule, cell)]


def _data(shape: Shape, item: Any) -> Any:
    if not isinstance(item, _Text):
        return item
    return _json(item) if shape.kind is Kind.JSON else from_text(shape, str(item))


def _json(text: str) -> Any:
    try:
        found = json.loads(text)
        json_text(found).encode()
    except (ValueError, RecursionError) as error:
        msg = "This is not JSON."
        raise InvalidInputError(msg) from error
    return found


def _items(rule: Rule, cell: Any) -> list[Any]:
    """The single values of a cell, after the steps that change them."""
    many = isinstance(rule.target, Relation) and rule.target.many
    if isinstance(cell, str) and rule.split is not None:
        parts = [_Text(each.strip()) for each in cell.split(rule.split)]
        items: list[Any] = [each for each in parts if each]
    elif many and rule.by is None and isinstance(cell, _Text):
        items = [_Text(each) for each in list_of(cell)]
    elif (many or rule.split is not None) and isinstance(cell, list):
        items = cell
    else:
        items = [cell]
    if rule.trim:
        items = [type(each)(each.strip()) if isinstance(each, str) else each for each in items]
    return [_whole(each) for each in items] if rule.integer else items


def _whole(value: Any) -> int:
    """``2008.0`` as ``2008``: the number is the same, and no digit is made up."""
    try:
        number = Decimal(str(value).strip())
        exact = number.is_finite() and number.adjusted() <= LARGEST_WHOLE
        exact = exact and number == number.to_integral_value()
    except InvalidOperation:
        exact = False
    if not exact:
        msg = f"{str(value)[:LARGEST_WHOLE]!r} is not a whole number."
        raise InvalidInputError(msg)
    return int(number)


def _key(target: Resource, item: Any) -> Key:
    if len(target.key) == 1 and not isinstance(item, _Text):
        return (typed(target.key[0].shape, item),)
    try:
        return target.parse_key(str(item))
    except NotFoundError as error:
        msg = f"{str(item)[:100]!r} is no key. {error.detail}"
        raise InvalidInputError(msg) from error


def referring(relation: Relation, target: Resource, keys: Iterable[Key]) -> dict[str, Any]:
    """The JSON data that makes ``relation`` mean ``keys``."""
    found = list(keys)
    if relation.many:
        return {relation.name: [target.reference_wire(key) for key in found]}
    return dict(zip(relation.fields, target.key_wire(found[0]), strict=True)) if found else {}


def typed(shape: Shape, data: Any) -> Any:
    """JSON data as the Python value of its type.

    Raises ``InvalidInputError`` in the type's words.
    """
    try:
        return adapter_of(shape).validate_json(pydantic_core.to_json(data))
    except ValidationError as error:
        words = refusal(error)
        detail = words.errors[0].detail if words.errors else words.detail
        raise InvalidInputError(detail) from error
