"""References between records: that they lead somewhere in sight, and the sets of many-to-many."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pydantic_core
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.database import fetch
from admin_app.declaration import Actor, Grant, Key, Kind, Reference, Relation, Resource
from admin_app.errors import FieldError, InvalidInputError, NotFoundError
from admin_app.records.reads.portions import batches
from admin_app.records.reads.reader import Reader, Values, key_in
from admin_app.records.writes.places import Place


@dataclass(slots=True)
class SetChange:
    """The keys that a many-to-many relation of one record gains and loses."""

    relation: Relation
    gained: list[Key] = field(default_factory=list)
    lost: list[Key] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SetEdit:
    """What is asked of a set: to be these, or to gain some and lose others."""

    add: Sequence[Any]
    remove: Sequence[Any] = ()
    whole: bool = False
    """Whether what is not in ``add`` leaves."""
    place: Place = ()
    """Where ``add`` stands in what was given."""


def set_edit(given: Any) -> SetEdit:
    """Read a set as a body gives it: a list, or an object of ``set`` or ``add`` and ``remove``."""
    if not isinstance(given, Mapping):
        return SetEdit(given, whole=True)
    if "set" in given:
        return SetEdit(given["set"], whole=True, place=("set",))
    return SetEdit(given.get("add", ()), given.get("remove", ()), place=("add",))


@dataclass(frozen=True, slots=True)
class Referring:
    """The references of a resource's new rows, for whoever has these grants."""

    references: tuple[tuple[Reference, Resource], ...]
    grants: frozenset[Grant]
    names: frozenset[str]
    """The fields that are given."""

    def conditions(self, columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[bool]]:
        """That a row, of which ``columns`` are the fields, refers only to what is in sight."""
        found = []
        for reference, target in self.references:
            if not self.names.issuperset(reference.fields):
                continue  # A part of a key that is null refers to nothing.
            given = [columns[name] for name in reference.fields]
            nothing = [each.is_(None) for each in given]
            config = policy(Actor(user_id=None, name="", grants=self.grants), target)
            if not config.grants("read"):
                found.append(or_(*nothing))
                continue
            keys = (target.fields[name].expression for name in reference.referred)
            meant = (key == value for key, value in zip(keys, given, strict=True))
            there: Select[Any] = select(literal_column("1")).where(
                *meant, *config.row_conditions("read")
            )
            found.append(or_(*nothing, there.exists()))
        return found


class Links:
    """The references that one actor writes on one connection."""

    def __init__(self, reader: Reader, connection: AsyncConnection, actor: Actor) -> None:
        self._reader = reader
        self._registry = reader.registry
        self._connection = connection
        self._actor = actor
        self._seen: dict[tuple[str, tuple[str, ...]], set[Key]] = {}
        """Of records in sight, by the names of their resource and of its fields."""

    async def check(self, resource: Resource, values: Values, before: Values) -> None:
        """Refuse foreign keys to records that are absent or out of sight.

        ``before`` completes the keys of which ``values`` hold a part. Raises ``InvalidInputError``.
        """
        errors: list[FieldError] = []
        for reference in resource.references:
            if not any(name in values for name in reference.fields):
                continue
            key = tuple(
                values[name] if name in values else before.get(name) for name in reference.fields
            )
            if None in key or key in self._seen.get((reference.target, reference.referred), ()):
                continue
            target = self._registry[reference.target]
            if not await self._sees(target, [key], reference.referred):
                place = (reference.fields[0],)
                errors.append(FieldError(place, "reference_not_found", target.absent))
        _raise(errors)

    async def lock(self, resource: Resource, key: Key, sets: Mapping[str, Any]) -> None:
        """Lock the other ends of sets, as far as their turn comes before this record's.

        The turns are those of the resources' names, then of the keys. Without them two writers of
        one link, each from its end, would wait for each other in a circle, or both count it lost.
        SQLite has one writer at a time and needs none of it.
        """
        if self._connection.dialect.name == "sqlite":
            return
        for name in sorted(sets, key=lambda each: resource.sets[each].target):
            relation = resource.sets[name]
            target = self._registry.target(relation)
            if target.name <= resource.name:
                keys = await self._ends(resource, key, relation, sets[name])
                await self.lock_records(
                    target, [*keys, key] if target.name == resource.name else keys
                )

    async def lock_records(
        self, target: Resource, keys: Sequence[Key], *, update: bool = True
    ) -> None:
        """Lock records in the order of their keys, to change or (``update`` false) delete them."""
        columns = [each.expression for each in target.key]
        for batch in batches(list(keys)):
            await self._connection.execute(
                select(*columns)
                .where(key_in(target, batch))
                .order_by(*columns)
                .with_for_update(key_share=update, of=target.model)
            )

    async def _ends(
        self, resource: Resource, key: Key, relation: Relation, given: Any
    ) -> list[Key]:
        """The keys that a set may gain or lose."""
        target, edit = self._registry.target(relation), set_edit(given)
        row = {each.name: value for each, value in zip(resource.key, key, strict=True)}
        found: dict[Key, None] = {}
        if edit.whole and all(name in row for name, _ in relation.own_columns):
            links = await self._reader.links(
                self._connection, self._actor, resource, relation, [row]
            )
            found.update(dict.fromkeys(links.get(key, ())))
        for reference in (*edit.add, *edit.remove):
            # One that is no key at all is refused later, with its place.
            with suppress(NotFoundError):
                found[target.dereference(reference)] = None
        return list(found)

    async def changes(
        self, resource: Resource, before: Values, sets: Mapping[str, Any]
    ) -> list[SetChange]:
        """What each set of references changes; keys out of sight stay where they are.

        Raises ``InvalidInputError`` for references to records that are absent or out of sight.
        """
        found = []
        for name, given in sets.items():
            relation, edit = resource.sets[name], set_edit(given)
            target = self._registry.target(relation)
            # As dictionaries: in order, and looked into once for each key of a large set.
            held = dict.fromkeys(held_keys(target, before.get(name, ())))
            wanted = await self._keys(relation, edit.add, edit.place)
            unwanted = self._named(relation, edit.remove)
            errors = [
                FieldError((name, "remove", index), "repeated", "It is to be added as well.")
                for key, index in unwanted.items()
                if key in wanted
            ]
            _raise(errors)
            if edit.whole:
                unwanted = {key: 0 for key in held if key not in wanted}
            change = SetChange(
                relation,
                [key for key in wanted if key not in held],
                [key for key in unwanted if key in held],
            )
            if change.gained or change.lost:
                found.append(change)
        return found

    def outcome(
        self,
        resource: Resource,
        before: Values,
        sets: Mapping[str, Any],
        changes: Iterable[SetChange],
    ) -> dict[str, list[Any]]:
        """The references that each set is left with, as far as they are in sight."""
        by_name = {each.relation.name: each for each in changes}
        found = {}
        for name, given in sets.items():
            target = self._registry.target(resource.sets[name])
            held, change = list(before.get(name, ())), by_name.get(name)
            if isinstance(given, list):
                found[name] = given
            elif change is not None:
                lost = [target.reference(key) for key in change.lost]
                gained = [target.reference(key) for key in change.gained]
                found[name] = [*(each for each in held if each not in lost), *gained]
            else:
                found[name] = held
        return found

    async def apply(self, changes: Iterable[tuple[Iterable[SetChange], Values]]) -> None:
        """Write the association rows of changes; each goes with the key of its record."""
        gained: dict[Table, dict[frozenset[Any], Values]] = {}
        for each, row in changes:
            for change in each:
                table = change.relation.secondary
                if table is None:
                    continue
                for key in change.lost:
                    pair = self._pair(change.relation, row, key)
                    matches = [table.c[name] == value for name, value in pair.items()]
                    await self._connection.execute(delete(table).where(*matches))
                for key in change.gained:
                    pair = self._pair(change.relation, row, key)
                    # Both ends of one link may be given at once.
                    gained.setdefault(table, {})[frozenset(pair.items())] = pair
        for table, pairs in gained.items():
            await self._connection.execute(insert(table), list(pairs.values()))

    def referring(self, resource: Resource, names: Iterable[str]) -> Referring:
        """The references of a new row whose fields ``names`` are given, for its statement."""
        found = tuple((each, self._registry[each.target]) for each in resource.references)
        return Referring(found, self._actor.grants, frozenset(names))

    async def all_in_sight(self, resource: Resource, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Whether new rows, whose fields are given by ``columns``, refer to nothing but what is.

        What ``check`` refuses is told by it alone.
        """
        for reference in resource.references:
            if any(name not in columns for name in reference.fields):
                continue  # A part of a key that is null refers to nothing.
            keys = {*zip(*(columns[name] for name in reference.fields), strict=True)}
            asked = [key for key in keys if None not in key]
            target = self._registry[reference.target]
            if len(await self._sees(target, asked, reference.referred)) < len(asked):
                return False
        return True

    @asynccontextmanager
    async def asked_ahead(self, resource: Resource, rows: Iterable[Values]) -> AsyncIterator[None]:
        """Ask once for all rows what ``check`` and ``changes`` would ask for each, inside."""
        given = rows if isinstance(rows, list) else [*rows]
        for target, keys in self._asked(resource, given) if len(given) > 1 else ():
            asked = [key for key in keys if None not in key]
            if len(asked) > 1:
                names = _key_names(target)
                self._seen[target.name, names] = await self._visible(target, asked, names)
        try:
            yield
        finally:
            self._seen.clear()

    def _asked(
        self, resource: Resource, rows: Sequence[Values]
    ) -> Iterable[tuple[Resource, set[Key]]]:
        """The keys to which rows refer, by the resource that has them."""
        wanted: dict[Resource, set[Key]] = {}
        for name, relation in resource.sets.items():
            target = self._registry.target(relation)
            keys = wanted.setdefault(target, set())
            for row in rows:
                if name in row:
                    with suppress(NotFoundError):
                        keys.update(held_keys(target, set_edit(row[name]).add))
        for reference in resource.references:
            target = self._registry[reference.target]
            if reference.referred == _key_names(target):
                keys = wanted.setdefault(target, set())
                keys.update(tuple(map(row.get, reference.fields)) for row in rows)
        return wanted.items()

    async def _keys(
        self, relation: Relation, references: Sequence[Any], place: Place
    ) -> Mapping[Key, int]:
        """The keys that references name, in sight every one, none twice, and where."""
        target = self._registry.target(relation)
        keys = self._named(relation, references, place)
        seen = await self._sees(target, list(keys))
        errors = [
            FieldError((relation.name, *place, index), "reference_not_found", target.absent)
            for key, index in keys.items()
            if key not in seen
        ]
        _raise(errors)
        return keys

    def _named(
        self, relation: Relation, references: Sequence[Any], place: Place = ("remove",)
    ) -> dict[Key, int]:
        """The keys that references name, none twice, and where."""
        target = self._registry.target(relation)
        errors: list[FieldError] = []
        keys: dict[Key, int] = {}
        for index, reference in enumerate(references):
            try:
                keys.setdefault(target.dereference(reference), index)
            except NotFoundError as error:
                where: Place = (relation.name, *place, index)
                errors.append(FieldError(where, "reference_not_found", error.detail))
        _raise(errors)
        return keys

    async def _sees(
        self, target: Resource, keys: Sequence[Key], referred: Sequence[str] = ()
    ) -> set[Key]:
        """Which of the keys, or of the values of other fields, are those of records in sight."""
        names = tuple(referred) or _key_names(target)
        seen = self._seen.get((target.name, names), set()).intersection(keys)
        asked = [key for key in keys if key not in seen]
        if not asked:
            return seen
        if len(asked) == 1:
            statement = _in_sight(target, self._actor.grants, names)
            if statement is None:
                return seen
            binds = dict(zip(_BINDS, asked[0], strict=False))
            found = await fetch(self._connection, statement, binds)
            return seen | {tuple(row) for row in found}
        return seen | await self._visible(target, asked, names)

    async def _visible(
        self, target: Resource, asked: Sequence[Key], names: tuple[str, ...]
    ) -> set[Key]:
        """``_sees``, of many."""
        fields = [target.fields[name] for name in names]
        if len(names) > 1 or fields[0].kind is not Kind.INTEGER:
            return await self._reader.visible(self._connection, self._actor, target, asked, fields)
        sqlite = self._connection.dialect.name == "sqlite"
        statement = _among(target, self._actor.grants, names[0], sqlite=sqlite)
        if statement is None:
            return set()
        numbers: Any = [number for (number,) in asked]
        binds = {_AMONG: pydantic_core.to_json(numbers).decode() if sqlite else numbers}
        return {tuple(row) for row in await fetch(self._connection, statement, binds)}

    def _pair(self, relation: Relation, row: Values, key: Key) -> Values:
        target = self._registry.target(relation)
        far = {each.name: value for each, value in zip(target.key, key, strict=True)}
        return {column: row[name] for name, column in relation.own_columns} | {
            column: far[name] for name, column in relation.target_columns
        }


_BINDS = tuple(f"_of.{number}" for number in range(100))
"""Names that no bind of a rule has."""


@lru_cache(maxsize=1_024)
def _in_sight(
    target: Resource, grants: frozenset[Grant], names: tuple[str, ...]
) -> Select[Any] | None:
    """What finds records in sight by the values of fields; nothing where none ever is."""
    config = policy(Actor(user_id=None, name="", grants=grants), target)
    if not config.grants("read"):
        return None
    columns = [target.fields[name].expression for name in names]
    meant = (
        column == bindparam(bind, type_=column.type)
        for column, bind in zip(columns, _BINDS, strict=False)
    )
    return select(*columns).where(*meant, *config.row_conditions("read"))


@lru_cache(maxsize=1_024)
def _among(
    target: Resource, grants: frozenset[Grant], name: str, *, sqlite: bool
) -> Select[Any] | None:
    """The same by many values of a field that is a whole number."""
    config = policy(Actor(user_id=None, name="", grants=grants), target)
    if not config.grants("read"):
        return None
    column = target.fields[name].expression
    if sqlite:
        given = func.json_each(bindparam(_AMONG, type_=Text)).table_valued("value")
        meant = column.in_(select(given.c.value))
    else:
        meant = column == any_(bindparam(_AMONG, type_=ARRAY(BigInteger, dimensions=1)))
    return select(column).where(meant, *config.row_conditions("read"))


_AMONG = "_among"


@lru_cache(maxsize=1_024)
def _key_names(resource: Resource) -> tuple[str, ...]:
    return tuple(each.name for each in resource.key)


def unseen_rest(resource: Resource, changed: Values, before: Values, known: Values) -> Values:
    """The parts of foreign keys that read as null and are to be so, where others are ``changed``.

    Left as they are they would be joined to what was given, and whether that leads anywhere would
    tell what they are. Raises ``InvalidInputError`` where such a part cannot be null.
    """
    rest: Values = {}
    errors: list[FieldError] = []
    for reference in resource.references:
        given = [name for name in reference.fields if name in changed]
        for name in reference.fields if given else ():
            if name in changed or known.get(name) is not None or before.get(name) is None:
                continue
            if resource.fields[name].nullable:
                rest[name] = None
            else:
                errors.append(FieldError((name,), "required", "A value is needed."))
    _raise(errors)
    return rest


def held_keys(target: Resource, references: Sequence[Any]) -> list[Key]:
    """The keys behind the references of a record that was read."""
    return [target.dereference(each) for each in references]


def _raise(errors: list[FieldError]) -> None:
    if errors:
        msg = "Some values refer to nothing."
        raise InvalidInputError(msg, errors=errors)
