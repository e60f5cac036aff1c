"""What one user sees of each field of a resource, and why not more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.grants import Holder, RoleGrantInfo
from admin_app.access.policies import matching, reach, withheld, without
from admin_app.declaration import SYSTEM, Actor, Field, Key, Relation, Resource, acting
from admin_app.records.reads.reader import Reader, Values

State = Literal["visible", "hidden", "read_only", "sensitive", "out_of_sight"]


@dataclass(frozen=True, slots=True)
class ExplainedField:
    """How a field or a relation stands to an action of one user."""

    name: str
    label: str
    state: State
    words: str
    """The reason; empty where there is nothing to explain."""
    withheld_by: tuple[RoleGrantInfo, ...] = ()


class FieldExplainer:
    """The fields and relations of one resource, for one user and one action."""

    def __init__(self, reader: Reader, holder: Holder, resource: Resource, action: str) -> None:
        self._reader = reader
        self._holder = holder
        self._actor = holder.actor
        self._whole = resource
        self._seen = reader.sight.registry(holder.actor)[resource.name]
        self._action = action
        self._reads = reach(holder.actor.grants, resource, "read") is not False
        # Who may create and not read sees what they give.
        self._blind = not self._reads and action != "create"
        self._lost: set[str] = set()
        """What points to records out of sight, of the record that was looked at."""

    async def look(self, connection: AsyncConnection, key: Key) -> None:
        """Compare a record with as much of it as the user would see."""
        (whole,) = await self._row(connection, SYSTEM, key)
        (seen,) = await self._row(connection, self._actor, key)
        self._lost = {name for name in seen if _size(seen[name]) < _size(whole.get(name))}

    async def _row(self, connection: AsyncConnection, actor: Actor, key: Key) -> list[Values]:
        with acting(actor):
            return await self._reader.find(
                connection, actor, self._whole, self._whole.key, [key], sets=True, any_row=True
            )

    def fields(self, names: Collection[str] | None) -> tuple[ExplainedField, ...]:
        """All of them, or those of ``names``."""
        every: dict[str, Field | Relation] = {**self._whole.fields, **self._whole.relations}
        return tuple(
            self._field(each) if isinstance(each, Field) else self._relation(each)
            for name, each in every.items()
            if names is None or name in names
        )

    def _field(self, field: Field) -> ExplainedField:
        seen = self._seen.fields.get(field.name)
        if seen is None or self._blind:
            return self._hidden(field)
        if self._setting and not _settable(seen, self._action):
            return self._fixed(field, whole=_settable(field, self._action))
        if field.name in self._lost:
            return _told(field, "out_of_sight", "What it points to is out of their sight.")
        if field.sensitive:
            return _told(field, "sensitive", "It can be set, and is never read back by anybody.")
        masked = "Empty where what it points to is out of their sight." if seen.masked else ""
        return _told(field, "visible", masked)

    def _relation(self, relation: Relation) -> ExplainedField:
        seen = self._seen.relations.get(relation.name)
        if seen is None or self._blind:
            return self._hidden(relation)
        if self._setting and not self._sets(self._seen, relation):
            return self._fixed(relation, whole=self._sets(self._whole, relation))
        if relation.name in self._lost or self._lost.intersection(relation.fields):
            return _told(relation, "out_of_sight", "Some of it is out of their sight.")
        target = self._reader.registry.target(relation)
        limited = not isinstance(reach(self._actor.grants, target, "read"), bool)
        words = f"Only {target.label_plural.lower()} that are in their sight." if limited else ""
        return _told(relation, "visible", words)

    @property
    def _setting(self) -> bool:
        return self._action in {"create", "update"}

    def _sets(self, resource: Resource, relation: Relation) -> bool:
        """Whether the action may set a relation, by itself or through its fields."""
        if not relation.keyed:
            fields = [resource.fields.get(name) for name in relation.fields]
            return bool(fields) and all(each and _settable(each, self._action) for each in fields)
        return resource.settable(relation, self._action)

    def _fixed(self, source: Field | Relation, *, whole: bool) -> ExplainedField:
        if not whole:
            return _told(source, "read_only", "Nobody sets it: the declaration says so.")
        names = {source.name, *(source.fields if isinstance(source, Relation) else ())}
        by = self._withholding(self._action, names)
        return _told(source, "read_only", _by(by), by)

    def _hidden(self, source: Field | Relation) -> ExplainedField:
        unread = f"They may not read {self._whole.label_plural.lower()}."
        if self._blind:
            return _told(source, "hidden", unread)
        action = "read" if self._reads else "create"
        if source.name in withheld(self._actor.grants, self._whole, action):
            by = self._withholding(action, {source.name})
            return _told(source, "hidden", _by(by), by)
        target = self._unreadable_target(source)
        if target is not None:
            words = f"They may not read {target.label_plural.lower()}, to which it leads."
        elif not self._reads:
            words = unread
        elif isinstance(source, Relation):
            words = "It leads through a field that is hidden."
        else:
            words = "It is made of a field that is hidden."
        return _told(source, "hidden", words)

    def _unreadable_target(self, source: Field | Relation) -> Resource | None:
        names = (
            [source.target]
            if isinstance(source, Relation)
            else [each.target for each in self._whole.references if source.name in each.fields]
        )
        targets = [self._reader.registry[each] for each in names]
        grants = self._actor.grants
        return next((each for each in targets if reach(grants, each, "read") is False), None)

    def _withholding(self, action: str, names: Collection[str]) -> tuple[RoleGrantInfo, ...]:
        return tuple(
            each
            for each in self._holder.grants
            if matching([each.grant], self._whole, action)
            and without(each.grant, self._whole).intersection(names)
        )


def _settable(field: Field, action: str) -> bool:
    return field.creatable if action == "create" else field.updatable


def _told(
    source: Field | Relation, state: State, words: str, by: tuple[RoleGrantInfo, ...] = ()
) -> ExplainedField:
    return ExplainedField(source.name, source.label, state, words, by)


def _by(grants: tuple[RoleGrantInfo, ...]) -> str:
    return f"Withheld by what {roles_of(grants)} grants."


def roles_of(grants: Iterable[RoleGrantInfo]) -> str:
    """The roles that give the grants, in words."""
    names = sorted({each.role for each in grants})
    return f"the role {names[0]}" if len(names) == 1 else f"each of the roles {', '.join(names)}"


def _size(value: Any) -> int:
    """The amount of information in a value: the length of a set, or whether it is null."""
    if isinstance(value, list):
        return len(value)
    return 0 if value is None else 1
