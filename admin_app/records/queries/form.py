"""Split a query into its form, which determines the statement that reads it, and its values.

Queries of one form are read by one statement that is made once, whoever sends them. Everything that
is not a value is form: names, operators, how many values a list has and the Python type of each.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any

from admin_app.declaration import Field, Registry, Resource
from admin_app.records.queries.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    KeyIn,
    Not,
    Related,
)
from admin_app.records.queries.operators import LISTS, escaped
from admin_app.records.queries.query import Query, Shape

MOST_VALUES = 30
"""Values of a list up to which a query has a form: each length is a form of its own."""

Bind = Callable[[Field, Any], Any]
"""Makes the bind that stands for a value of a field in a statement."""


class FormlessError(Exception):
    """Raised for a query that no kept statement can read."""


def form_of(query: Query) -> tuple[Hashable, list[Any]]:
    """The form of a query without its cursor, and its values in order. Raises ``FormlessError``."""
    if query.words or query.ranked or query.count == "estimated":
        raise FormlessError
    values: list[Any] = []
    conditions = tuple(_form(each, values) for each in query.filters)
    if len(values) > MOST_VALUES:
        raise FormlessError
    terms = tuple((each.field.name, each.descending, each.nulls_first) for each in query.sort)
    return (conditions, terms, query.count, query.trash, shape_form(query.shape)), values


def shape_form(shape: Shape) -> Hashable:
    """The form of a shape. Raises ``FormlessError`` where it takes several statements."""
    if any(each.relation.many for each in shape.includes):
        raise FormlessError
    inner = ((each.relation.name, shape_form(each.query.shape)) for each in shape.includes)
    return shape.fields, tuple(inner)


def _form(condition: Condition, values: list[Any]) -> Hashable:
    match condition:
        case Comparison(field, "isnull" as operator, value):
            return field.name, operator, value
        case Comparison(field, operator, value):
            given = value if operator in LISTS else (escaped(operator, value),)
            values += given
            return field.name, operator, _types(given)
        case KeyIn(keys):
            values += (part for key in keys for part in key)
            return KeyIn, tuple(map(_types, keys))
        case AllOf(inner) | AnyOf(inner):
            return type(condition), tuple(_form(each, values) for each in inner)
        case Not(one):
            return Not, _form(one, values)
        case Related(relation, quantifier, one):
            return Related, relation.name, quantifier, _form(one, values)


def _types(values: Iterable[Any]) -> tuple[type, ...]:
    found = tuple(map(type, values))
    if type(None) in found:
        raise FormlessError  # SQL has other operators for what is null.
    return found


def placed(registry: Registry, resource: Resource, condition: Condition, bind: Bind) -> Condition:
    """The condition with ``bind`` called for each value, in the order of ``form_of``."""
    match condition:
        case Comparison(_, "isnull", _):
            return condition
        case Comparison(field, operator, value):
            several = operator in LISTS
            bound = tuple(bind(field, each) for each in (value if several else (value,)))
            return replace(condition, value=bound if several else bound[0])
        case KeyIn(keys):
            return KeyIn(tuple(tuple(map(bind, resource.key, key)) for key in keys))
        case AllOf(inner) | AnyOf(inner):
            conditions = tuple(placed(registry, resource, each, bind) for each in inner)
            return replace(condition, conditions=conditions)
        case Not(one):
            return Not(placed(registry, resource, one, bind))
        case Related(relation, quantifier, one):
            target = registry.target(relation)
            return Related(relation, quantifier, placed(registry, target, one, bind))
