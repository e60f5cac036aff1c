"""Conditions in SQL, under the policy: a related record out of sight is not there.

A step through a relation goes to the target under another name, so that a condition can come back
to the table it began with. ``Standing`` is the place it has come to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
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
from admin_app.records.reads import full_text


@dataclass(frozen=True, slots=True)
class Standing:
    """A resource, as the actor sees it, and the name under which a statement reads it."""

    resource: Resource
    entity: Any
    """The model, or another name for its table."""

    def column(self, field: Field) -> Any:
        """What a field is here."""
        return self.here(field.expression)

    def here(self, expression: Any) -> Any:
        """An expression that was written for the table's own name."""
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
        """What every row of a list has to be like; ``resource`` is as the actor sees it."""
        here = Standing(resource, resource.model)
        return [
            *(self.sql(actor, here, each) for each in filters),
            *(self.contains(actor, here, word) for word in words),
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
        """Where a relation leads, under a name of its own."""
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
        """The same where there is an index: each field gives keys, so that none is asked by row."""
        (key,) = here.resource.key
        own = full_text.indexed(here.resource)
        names = {each.name for each in own}
        others = [path for path in here.resource.search if path not in names]
        if own and not others:
            return full_text.holds(self._dialect, here.resource, own, word, here.column)
        ways = [self._holders(actor, here.resource, path, word) for path in others]
        if own:
            ways.insert(0, full_text.holders(self._dialect, here.resource, own, word))
        found: ColumnElement[bool] = here.column(key).in_(union(*ways)) if ways else false()
        return found

    def _holders(self, actor: Actor, resource: Resource, path: str, word: str) -> Select[Any]:
        """The keys of the records that have a word at a path that their own index knows not."""
        name, dot, far = path.partition(".")
        other = Standing(resource, aliased(resource.model))
        keys = select(*(other.column(each) for each in resource.key))
        if not dot:
            return keys.where(_like(other.column(resource.fields[name]), word))
        there = self.step(actor, resource.relations[name])
        field = there.resource.fields[far]
        if field in full_text.indexed(there.resource):
            found = full_text.holds(self._dialect, there.resource, [field], word, there.column)
        else:
            found = _like(there.column(field), word)
        link = getattr(other.entity, name).of_type(there.entity)
        return keys.join(link).where(self.in_sight(actor, there), found)


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
