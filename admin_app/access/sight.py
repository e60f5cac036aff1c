"""``Sight``: resources as one actor sees them, narrowed to what is in sight.

What is hidden does not exist: the narrowed resource has no such field and no such relation, so
every surface answers as for an unknown name. A foreign key that may refer to a record out of sight
reads as null where it does, in answers, filters and orders alike, because its expression says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, exists, null, or_
from sqlalchemy.orm import aliased
from sqlalchemy.sql.visitors import iterate

from admin_app.access.policies import reach, withheld
from admin_app.declaration import (
    Actor,
    Field,
    Grant,
    Reference,
    Registry,
    Relation,
    Resource,
)

_CACHED = 64
"""Sets of grants whose registries are kept: as many as combinations of roles are in use."""


class Sight:
    """The resources of one registry, as actors see them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._by_table = {each.table: each for each in registry.values()}
        self._cached = lru_cache(maxsize=_CACHED)(self._all)

    def registry(self, actor: Actor) -> Registry:
        """Every resource as ``actor`` sees it: itself, where everything of it is in sight."""
        return self._cached(actor.grants)

    def _all(self, grants: frozenset[Grant]) -> Registry:
        return Registry(self._narrowed(grants, each) for each in self._registry.values())

    def _narrowed(self, grants: frozenset[Grant], whole: Resource) -> Resource:
        hidden = self._hidden(grants, whole)
        masks = self._masks(grants, whole, hidden)
        fixed = {each: withheld(grants, whole, each) for each in ("create", "update")}
        relations = {
            each.name: each
            for each in whole.relations.values()
            if each.name not in hidden and self._shows(grants, each, hidden)
        }
        if (
            not hidden
            and not masks
            and not any(fixed.values())
            and len(relations) == len(whole.relations)
        ):
            return whole
        fields = {
            each.name: _limited(each, masks.get(each.name), fixed)
            for each in whole.fields.values()
            if each.name not in hidden
        }
        seen = self._path_seen(grants, fields, relations)
        return _resource(whole, fields, relations, fixed, seen)

    def _hidden(self, grants: frozenset[Grant], resource: Resource) -> frozenset[str]:
        """The names of the fields and relations that are hidden; never a part of the key."""
        keys = {each.name for each in resource.key}
        hidden = self._withheld(grants, resource)
        veiled = hidden | self._pointing_some(grants, resource)
        columns = {
            column
            for name in veiled & resource.fields.keys()
            if (column := resource.fields[name].column) is not None
        }
        derived = {
            each.name
            for each in resource.fields.values()
            if _derived(each, columns) or self._tells_of_others(grants, resource, each)
        }
        return frozenset(hidden | (derived - keys))

    def _withheld(self, grants: frozenset[Grant], resource: Resource) -> frozenset[str]:
        """The hidden names before those that are derived from them."""
        keys = {each.name for each in resource.key}
        names = set(withheld(grants, resource, "read"))
        for reference in resource.references:
            if not reach(grants, self._registry[reference.target], "read"):
                names |= set(reference.fields)
        if not reach(grants, resource, "read"):
            # Who may only create sees what they give.
            names |= {each.name for each in resource.fields.values() if not each.creatable}
            names |= set(withheld(grants, resource, "create"))
        return frozenset(names - keys)

    def _tells_of_others(self, grants: frozenset[Grant], resource: Resource, field: Field) -> bool:
        """Whether a hybrid reveals other records, or their columns, that are out of sight."""
        if field.column is not None:
            return False
        for part in _parts(field):
            source = part.table if part.__visit_name__ == "column" else part
            table = _table(source)
            # By its own name its table is the record itself, by another one others of its kind.
            if table is None or source is resource.table:
                continue
            if any(self._tells(grants, each, table, part) for each in self._whose(table, resource)):
                return True
        return False

    def _tells(self, grants: frozenset[Grant], other: Resource, table: Table, part: Any) -> bool:
        """Whether a part of an expression reveals what is out of sight of another resource."""
        if reach(grants, other, "read") is not True:
            return True
        hidden = self._withheld(grants, other) & other.fields.keys()
        columns = {
            each.column for name in hidden if (each := other.fields[name]).column is not None
        }
        return part.__visit_name__ == "column" and table.columns.get(part.key) in columns

    def _whose(self, table: Table, resource: Resource) -> list[Resource]:
        """The resource of a table, or those whose records an association table links to one."""
        if table in self._by_table:
            return [self._by_table[table]]
        linked = [self._by_table.get(each.column.table) for each in table.foreign_keys]
        others = {each for each in linked if each is not None and each is not resource}
        return list(others) or [each for each in linked if each is not None]

    def _pointing_some(self, grants: frozenset[Grant], resource: Resource) -> set[str]:
        """The foreign key fields that refer to resources of which not every row is in sight."""
        return {
            name
            for reference in resource.references
            if reach(grants, self._registry[reference.target], "read") is not True
            for name in reference.fields
        }

    def _masks(
        self, grants: frozenset[Grant], resource: Resource, hidden: frozenset[str]
    ) -> dict[str, ColumnElement[bool]]:
        """By foreign key field, the condition that the record it points to is in sight."""
        keys = {each.name for each in resource.key}
        found: dict[str, ColumnElement[bool]] = {}
        for reference in resource.references:
            rules = reach(grants, self._registry[reference.target], "read")
            if isinstance(rules, bool):
                continue
            condition = self._points_in_sight(resource, reference, rules)
            for name in set(reference.fields) - keys - hidden:
                found[name] = and_(found[name], condition) if name in found else condition
        return found

    def _points_in_sight(
        self, resource: Resource, reference: Reference, rules: Iterable[str]
    ) -> ColumnElement[bool]:
        target = self._registry[reference.target]
        # Another name for the table, because a record may point to one of its own kind.
        other: Any = aliased(target.model)
        joined = (
            getattr(other, far) == resource.fields[near].expression
            for near, far in zip(reference.fields, reference.referred, strict=True)
        )
        allowed = or_(*(target.options.rules[each](other) for each in rules))
        return exists().where(*joined, allowed).correlate(resource.table)

    def _shows(
        self,
        grants: frozenset[Grant],
        relation: Relation,
        hidden: frozenset[str],
    ) -> bool:
        """Whether a relation leads anywhere in sight, through fields that are in sight."""
        target = self._registry.target(relation)
        if not reach(grants, target, "read"):
            return False
        near = {*relation.fields, *(name for name, _ in relation.own_columns)}
        near |= {name for _, name in relation.pointing}
        far = {name for name, _ in relation.pointing}
        if near & hidden or far & self._hidden(grants, target):
            return False
        return self._links_seen(grants, relation) and self._join_seen(grants, relation)

    def _join_seen(self, grants: frozenset[Grant], relation: Relation) -> bool:
        """Whether the columns that decide who is linked, however it is declared, are in sight."""
        for table, columns in _joined(relation).items():
            resource = self._by_table.get(table)
            if resource is None:
                continue
            hidden = self._hidden(grants, resource) & resource.fields.keys()
            if columns & {
                each.name for name in hidden if (each := resource.fields[name].column) is not None
            }:
                return False
        return True

    def _links_seen(self, grants: frozenset[Grant], relation: Relation) -> bool:
        """Whether the links themselves, where they are records of a resource, are all in sight."""
        linking = None if relation.secondary is None else self._by_table.get(relation.secondary)
        if linking is None:
            return True
        columns = {column for _, column in (*relation.own_columns, *relation.target_columns)}
        hidden = self._hidden(grants, linking)
        return reach(grants, linking, "read") is True and not any(
            each.column is not None and each.column.name in columns
            for name, each in linking.fields.items()
            if name in hidden
        )

    def _path_seen(
        self, grants: frozenset[Grant], fields: dict[str, Field], relations: dict[str, Relation]
    ) -> Any:
        def seen(path: str) -> bool:
            name, dot, far = path.partition(".")
            if not dot:
                return name in fields or name in relations
            if name not in relations:
                return False
            return far not in self._hidden(grants, self._registry.target(relations[name]))

        return seen


def _limited(
    field: Field, mask: ColumnElement[bool] | None, fixed: dict[str, frozenset[str]]
) -> Field:
    if mask is not None:
        expression = case((mask, field.expression), else_=null())
        field = replace(field, expression=expression, masked=True)
    if field.creatable and field.name in fixed["create"]:
        field = replace(field, creatable=False, required=False, withheld=True)
    if field.updatable and field.name in fixed["update"]:
        field = replace(field, updatable=False, withheld=True)
    return field


def _resource(
    whole: Resource,
    fields: dict[str, Field],
    relations: dict[str, Relation],
    fixed: dict[str, frozenset[str]],
    seen: Any,
) -> Resource:
    options = whole.options
    title = whole.title if whole.title in fields else whole.key[0].name
    impossible = any(
        each.required and not (each.name in fields and fields[each.name].creatable)
        for each in whole.fields.values()
    )
    return replace(
        whole,
        fields=MappingProxyType(fields),
        relations=MappingProxyType(relations),
        title=title,
        list=tuple(filter(seen, whole.list)) or (title,),
        search=tuple(filter(seen, whole.search)),
        sort=tuple(each for each in whole.sort if seen(each.removeprefix("-"))),
        version=whole.version if whole.version in fields else None,
        options=replace(
            options,
            filters=tuple(filter(seen, options.filters)),
        ),
        actions=tuple(each for each in whole.actions if not (impossible and each == "create")),
        fixed=MappingProxyType(fixed),
    )


def _derived(field: Field, columns: set[Any]) -> bool:
    """Whether a hybrid, or a column that the database computes, is made of one of ``columns``."""
    if field.column is None:
        return any(part in columns for part in _parts(field) if part.__visit_name__ == "column")
    if field.column.computed is None:
        return False
    text = str(field.column.computed.sqltext)
    return any(re.search(rf"\b{re.escape(each.name)}\b", text) for each in columns)


def _joined(relation: Relation) -> dict[Table, set[str]]:
    """The columns that a relation's joins compare, by table."""
    link = relation.expression.property
    found: dict[Table, set[str]] = {}
    for join in (link.primaryjoin, link.secondaryjoin):
        parts: Iterable[Any] = () if join is None else iterate(join)
        for part in parts:
            table = _table(part.table) if part.__visit_name__ == "column" else None
            if table is not None:
                found.setdefault(table, set()).add(part.name)
    return found


def _parts(field: Field) -> Iterable[Any]:
    return iterate(getattr(field.expression, "expression", field.expression))


def _table(source: Any) -> Table | None:
    """The table behind a table's other name; none behind what is no table at all."""
    while not isinstance(source, Table):
        source = getattr(source, "element", None)
        if source is None:
            return None
    return source
