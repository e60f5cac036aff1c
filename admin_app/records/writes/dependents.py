"""Foreign keys and many-to-many relations that lead to the records of a resource."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import (
    ForeignKeyConstraint,
    Table,
    tuple_,
)

from admin_app.declaration import Registry, Relation, Resource

Rule = Literal["delete", "set null", "block"]


@dataclass(frozen=True, slots=True)
class Dependent:
    """A foreign key of a resource that points to another, and what a delete does through it."""

    resource: Resource
    constraint: ForeignKeyConstraint
    rule: Rule
    fields: tuple[str, ...]
    """The attributes of the foreign key."""
    referred: tuple[str, ...]
    """The attributes of the target it points to."""


def dependents(registry: Registry, target: Resource) -> list[Dependent]:
    """Every foreign key of a resource that points to ``target``."""
    found: list[Dependent] = []
    for resource in registry.values():
        found += [
            _dependent(resource, target, each)
            for each in resource.table.foreign_key_constraints
            if each.referred_table is target.table
        ]
    return sorted(found, key=lambda each: (each.resource.name, each.fields))


def inverse_sets(registry: Registry, target: Resource) -> list[tuple[Resource, Relation]]:
    """The many-to-many relations of every resource whose keys are ``target``'s."""
    return [
        (resource, relation)
        for resource in registry.values()
        for relation in resource.sets.values()
        if relation.target == target.name
    ]


def association_tables(registry: Registry, resource: Resource) -> list[tuple[Table, Any]]:
    """The many-to-many tables that hold a record's links, with the pairs that find them."""
    found = [(each.secondary, each.own_columns) for each in resource.sets.values()]
    found += [
        (relation.secondary, relation.target_columns)
        for _, relation in inverse_sets(registry, resource)
    ]
    # A relation and the one that leads back have the same rows.
    return [*dict.fromkeys((table, pairs) for table, pairs in found if table is not None)]


def rows_with(table: Any, columns: Iterable[str], keys: list[Any]) -> Any:
    """The condition that rows of an association table have one of ``keys`` in ``columns``."""
    named = [table.c[column] for column in columns]
    if len(named) == 1:
        return named[0].in_([key[0] for key in keys])
    return tuple_(*named).in_(keys)


def _dependent(resource: Resource, target: Resource, constraint: ForeignKeyConstraint) -> Dependent:
    rules: dict[str, Rule] = {"CASCADE": "delete", "SET NULL": "set null"}
    rule = rules.get((constraint.ondelete or "").upper(), "block")
    if rule == "block" and _orm_cascades(resource, target, constraint):
        rule = "delete"
    attributes = {
        each.column: name for name, each in resource.fields.items() if each.column is not None
    }
    referred = {
        each.column: name for name, each in target.fields.items() if each.column is not None
    }
    return Dependent(
        resource,
        constraint,
        rule,
        tuple(attributes[each.parent] for each in constraint.elements),
        tuple(referred[each.column] for each in constraint.elements),
    )


def _orm_cascades(resource: Resource, target: Resource, constraint: ForeignKeyConstraint) -> bool:
    """Whether the model says that deleting ``target`` deletes these, where the table does not."""
    remote = {element.parent for element in constraint.elements}
    return any(
        relationship.cascade.delete
        and relationship.mapper.class_ is resource.model
        and {far for _, far in relationship.local_remote_pairs or ()} == remote
        for relationship in target.model.__mapper__.relationships
        if relationship.secondary is None
    )
