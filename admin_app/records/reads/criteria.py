"""Conditions in SQL, under the policy: a related record out of sight does not exist.

A step through a relation reaches the target under an alias, so that a condition can come back to
the table it began with. ``Standing`` is a resource and the alias by which a statement refers to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    any_,
    false,
    func,
    inspect,
    not_,
    or_,
    select,
    true,
    tuple_,
    union,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.util import ClauseAdapter

from admin_app.access.policies import policy
from admin_app.access.sight import Sight
from admin_app.declaration import Actor, Field, Key, Relation, Resource
from admin_app.records.queries.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    KeyIn,
    Not,
    Quantifier,
    Related,
)
from admin_app.records.queries.operators import OPERATORS
from admin_app.records.queries.words import rarest_first
from admin_app.records.reads import full_text


@dataclass(frozen=True, slots=True)
class Standing:
    """A resource, as the actor sees it, and the alias under which a statement reads it."""

    resource: Resource
    entity: Any
    """The model, or an alias of its table."""

    def column(self, field: Field) -> Any:
        """The column of a field under this alias."""
        return self.here(field.expression)

    def here(self, expression: Any) -> Any:
        """Move an expression from the table's own name to this alias."""
        if self.entity is self.resource.model:
            return expression
        plain = getattr(expression, "expression", expression)
        return ClauseAdapter(inspect(self.entity).selectable).traverse(plain)


class Criteria:
    """The conditions of one registry in SQL."""

    def __init__(self, sight: Sight, dialect: str) -> None:
        self._sight = sight
        self._dialect = dialect

    def all_of(
        self, actor: Actor, resource: Resource, filters: Sequence[Condition], words: Sequence[str]
    ) -> list[ColumnElement[bool]]:
        """The conditions of a list; ``resource`` is as the actor sees it."""
        here = Standing(resource, resource.model)
        return [
            *(self.sql(actor, here, each) for each in filters),
            *self._searched(actor, here, words),
        ]

    def sql(self, actor: Actor, here: Standing, condition: Condition) -> ColumnElement[bool]:
        """One condition on the record that stands ``here``."""
        match condition:
            case Comparison(field, operator, value):
                return OPERATORS[operator](here.column(field))(value)
            case KeyIn(keys):
                return one_of([here.column(each) for each in here.resource.key], keys)
            case AllOf(conditions):
                return and_(true(), *(self.sql(actor, here, each) for each in conditions))
            case AnyOf(conditions):
                return or_(false(), *(self.sql(actor, here, each) for each in conditions))
            case Not(inner):
                return not_(self.sql(actor, here, inner))
            case Related(relation, quantifier, inner):
                return self._related(actor, here, relation, quantifier, inner)

    def _related(
        self,
        actor: Actor,
        here: Standing,
        relation: Relation,
        quantifier: Quantifier,
        condition: Condition,
    ) -> ColumnElement[bool]:
        there = self.step(actor, relation)
        seen = self.in_sight(actor, there)
        holds = self.sql(actor, there, condition)
        if quantifier == "all":
            return not_(self._exists(here, relation, there, and_(seen, _is_not_true(holds))))
        found = self._exists(here, relation, there, and_(seen, holds))
        return not_(found) if quantifier == "none" else found

    def step(self, actor: Actor, relation: Relation) -> Standing:
        """The target of a relation, under a new alias."""
        target = self._sight.registry(actor).target(relation)
        return Standing(target, aliased(target.model))

    def link(self, here: Standing, relation: Relation, there: Standing) -> ColumnElement[bool]:
        """The condition that a relation leads from one record to the other."""
        joined = getattr(here.entity, relation.name).of_type(there.entity)
        return joined.__clause_element__()  # type: ignore[no-any-return]

    def _exists(
        self, here: Standing, relation: Relation, there: Standing, condition: ColumnElement[bool]
    ) -> ColumnElement[bool]:
        link = getattr(here.entity, relation.name).of_type(there.entity)
        found: ColumnElement[bool] = (link.any if relation.many else link.has)(condition)
        return found

    def in_sight(self, actor: Actor, here: Standing) -> ColumnElement[bool]:
        """The condition that the actor may read the record."""
        config = policy(actor, here.resource)
        if not config.grants("read"):
            return false()
        conditions: list[Any] = config.row_conditions("read")
        return and_(true(), *(here.here(each) for each in conditions))

    def _searched(
        self, actor: Actor, here: Standing, words: Sequence[str]
    ) -> Iterator[ColumnElement[bool]]:
        if not here.resource.options.full_text:
            yield from (self.contains(actor, here, word) for word in words)
            return
        # One word is looked for, and what it finds is tested for the others: the keys that each of
        # them finds may be half of the table.
        for place, word in enumerate(rarest_first(words)):
            yield self._tested(actor, here, word) if place else self.contains(actor, here, word)

    def _tested(self, actor: Actor, here: Standing, word: str) -> ColumnElement[bool]:
        """``contains`` for records that something else finds."""
        resource, dialect = here.resource, self._dialect
        own = full_text.indexed(resource)
        names = {each.name for each in own}
        ways: list[ColumnElement[bool]] = []
        if own:
            ways.append(full_text.tested(dialect, resource, own, word, here.column))
        for path in (each for each in resource.search if each not in names):
            name, dot, far = path.partition(".")
            if not dot:
                ways.append(_like(here.column(resource.fields[name]), word))
                continue
            relation = resource.relations[name]
            there = self.step(actor, relation)
            field = there.resource.fields[far]
            if field in full_text.indexed(there.resource):
                found = full_text.tested(dialect, there.resource, [field], word, there.column)
            else:
                found = _like(there.column(field), word)
            seen = self.in_sight(actor, there)
            ways.append(self._exists(here, relation, there, and_(found, seen)))
        return or_(false(), *ways)

    def contains(self, actor: Actor, here: Standing, word: str) -> ColumnElement[bool]:
        """The condition that a word is in one of the declared fields."""
        if here.resource.options.full_text:
            return self._indexed(actor, here, word)
        conditions = []
        for path in here.resource.search:
            name, dot, far = path.partition(".")
            if not dot:
                conditions.append(_like(here.column(here.resource.fields[name]), word))
                continue
            relation = here.resource.relations[name]
            there = self.step(actor, relation)
            found = _like(there.column(there.resource.fields[far]), word)
            condition = and_(found, self.in_sight(actor, there))
            conditions.append(self._exists(here, relation, there, condition))
        return or_(*conditions)

    def _indexed(self, actor: Actor, here: Standing, word: str) -> ColumnElement[bool]:
        """``contains`` by a full-text index: each field gives keys, no row is searched alone."""
        (key,) = here.resource.key
        own = full_text.indexed(here.resource)
        names = {each.name for each in own}
        others = [path for path in here.resource.search if path not in names]
        if own and not others:
            return full_text.holds(self._dialect, here.resource, own, word, here.column)
        ways = [self._holders(actor, here.resource, path, word) for path in others]
        if own:
            ways.insert(0, full_text.holders(self._dialect, here.resource, own, word))
        if self._dialect == "sqlite":
            # One way after the other, so that whoever counts up to a cap need not go all of them.
            return or_(false(), *(here.column(key).in_(way) for way in ways))
        found: ColumnElement[bool] = here.column(key).in_(union(*ways)) if ways else false()
        return found

    def _holders(self, actor: Actor, resource: Resource, path: str, word: str) -> Select[Any]:
        """The keys of the records that have a word at a path outside of their own index."""
        name, dot, far = path.partition(".")
        if not dot:
            keys, other = _keys(resource)
            return keys.where(_like(other.column(resource.fields[name]), word))
        relation = resource.relations[name]
        there = self.step(actor, relation)
        field = there.resource.fields[far]
        if field in full_text.indexed(there.resource):
            found = full_text.holds(self._dialect, there.resource, [field], word, there.column)
        else:
            found = _like(there.column(field), word)
        found = and_(self.in_sight(actor, there), found)
        if relation.secondary is not None and _has_keys(resource, relation):
            return self._linked(relation, relation.secondary.alias(), there, found)
        keys, other = _keys(resource)
        return keys.join(getattr(other.entity, name).of_type(there.entity)).where(found)

    def _linked(
        self, relation: Relation, table: FromClause, there: Standing, found: ColumnElement[bool]
    ) -> Select[Any]:
        """The keys that a table between has beside those of what is found ``there``."""
        near = select(*(table.c[column] for _, column in relation.own_columns))
        ends = [
            (table.c[column], there.column(there.resource.fields[name]))
            for name, column in relation.target_columns
        ]
        if self._dialect == "sqlite" or len(ends) > 1:
            joined = and_(*(column == key for column, key in ends))
            return near.join_from(table, there.entity, joined).where(found)
        # PostgreSQL guesses badly at how many have a word, and then reads the whole table between.
        ((column, key),) = ends
        keys = select(key).where(found).scalar_subquery()
        return near.where(column == any_(func.array(keys)))


def _keys(resource: Resource) -> tuple[Select[Any], Standing]:
    """Select the keys of a resource under a new alias."""
    other = Standing(resource, aliased(resource.model))
    return select(*(other.column(each) for each in resource.key)), other


def _has_keys(resource: Resource, relation: Relation) -> bool:
    """Whether a relation's table between has the whole keys of the records it leads from."""
    if relation.name not in resource.sets:
        return False
    return [name for name, _ in relation.own_columns] == [each.name for each in resource.key]


def one_of(columns: Sequence[Any], keys: Sequence[Key]) -> ColumnElement[bool]:
    """The condition that ``columns`` together have one of the values of ``keys``."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])  # type: ignore[no-any-return]
    return tuple_(*columns).in_([tuple(key) for key in keys])


def _is_not_true(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return func.coalesce(condition, false()) == false()


def _like(column: Any, word: str) -> ColumnElement[bool]:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return column.ilike(f"%{escaped}%", escape="\\")  # type: ignore[no-any-return]
