"""Many-to-many relations as one value of a statement: the keys of the records in sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic_core
from sqlalchemy import ColumnElement, Dialect, Select, Text, cast, func, select, type_coerce
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeDecorator

from admin_app.declaration import Actor, Kind, Relation, Resource
from admin_app.records.queries.form import FormlessError
from admin_app.records.reads.criteria import Criteria, Standing

_SAME_AS_JSON = frozenset({Kind.INTEGER, Kind.STRING, Kind.TEXT})
"""Kinds of keys that JSON from the database brings back as they were."""


class KeyList(TypeDecorator[list[Any]]):
    """A list of keys that the database has put together."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> list[Any]:  # noqa: ARG002
        found: list[Any] = pydantic_core.from_json(value)
        return found


def keys_of(
    criteria: Criteria,
    actor: Actor,
    relation: Relation,
    target: Resource,
    own: Callable[[str], ColumnElement[Any]],
) -> Select[Any]:
    """Select, in their order, the keys that a relation of the row with columns ``own`` leads to.

    Whoever has that row in their statement correlates it.

    Raises ``FormlessError`` for keys that JSON would change.
    """
    if len(target.key) != 1 or target.key[0].kind not in _SAME_AS_JSON:
        raise FormlessError
    secondary: Any = relation.secondary
    table = secondary.alias()
    there = Standing(target, aliased(target.model))
    near = [table.c[column] == own(name) for name, column in relation.own_columns]
    far = [
        table.c[column] == there.column(target.fields[name])
        for name, column in relation.target_columns
    ]
    key = there.column(target.key[0])
    seen = criteria.in_sight(actor, there)
    found = select(key.label("key")).select_from(table)
    return found.where(*near, *far, seen).order_by(key)


def keys_as_json(keys: Select[Any]) -> ColumnElement[Any]:
    """The keys as PostgreSQL's JSON."""
    return func.array_to_json(func.array(keys.scalar_subquery()))


def as_list(keys: Select[Any], dialect: str) -> ColumnElement[list[Any]]:
    """The keys as one value."""
    if dialect == "postgresql":
        return type_coerce(cast(keys_as_json(keys), Text), KeyList)
    # That they are in order is heeded: SQLite leaves an ORDER BY inside an aggregate alone.
    ordered = keys.subquery()
    return type_coerce(select(func.json_group_array(ordered.c.key)).scalar_subquery(), KeyList)
