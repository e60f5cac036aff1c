"""Many-to-many relations as one column of a statement: the keys of the records in sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic_core
from sqlalchemy import ColumnElement, Dialect, Select, Text, cast, func, select, type_coerce
from sqlalchemy.types import TypeDecorator

from admin_app.declaration import Actor, Kind, Relation, Resource
from admin_app.records.reads.criteria import Criteria

_SAME_AS_JSON = frozenset({Kind.INTEGER, Kind.STRING, Kind.TEXT})
"""Kinds of keys that the databases' JSON gives back unchanged."""


def same_as_json(target: Resource) -> bool:
    """Whether the databases' JSON gives back a resource's keys unchanged."""
    return len(target.key) == 1 and target.key[0].kind in _SAME_AS_JSON


class KeyList(TypeDecorator[list[Any]]):
    """A list of keys that the database aggregates."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> list[Any]:  # noqa: ARG002
        found: list[Any] = pydantic_core.from_json(value)
        return found


def keys_of(
    criteria: Criteria,
    actor: Actor,
    relation: Relation,
    own: Callable[[str], ColumnElement[Any]],
) -> Select[Any]:
    """Select, in their order, the keys that a relation of the row with columns ``own`` leads to.

    They have one part. Whoever has that row in their statement correlates it.
    """
    secondary: Any = relation.secondary
    table = secondary.alias()
    there = criteria.step(actor, relation)
    near = [table.c[column] == own(name) for name, column in relation.own_columns]
    far = [
        table.c[column] == there.column(there.resource.fields[name])
        for name, column in relation.target_columns
    ]
    (key,) = map(there.column, there.resource.key)
    seen = criteria.in_sight(actor, there)
    found = select(key.label("key")).select_from(table)
    return found.where(*near, *far, seen).order_by(key)


def keys_as_json(keys: Select[Any], dialect: str) -> ColumnElement[Any]:
    """The keys as the database's JSON."""
    if dialect == "postgresql":
        return cast(func.array_to_json(func.array(keys.scalar_subquery())), Text)
    # That they are in order is heeded: SQLite leaves an ORDER BY inside an aggregate alone.
    ordered = keys.subquery()
    return select(func.json_group_array(ordered.c.key)).scalar_subquery()


def as_list(keys: Select[Any], dialect: str) -> ColumnElement[list[Any]]:
    """The keys as one value."""
    return type_coerce(keys_as_json(keys, dialect), KeyList)
