"""References from one record to others: that they lead somewhere, and that is in sight."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pydantic_core
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Text,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import policy
from admin_app.database import fetch
from admin_app.declaration import Actor, Grant, Key, Kind, Reference, Resource
from admin_app.errors import FieldError, InvalidInputError, NotFoundError
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.writes.set_edits import set_edit


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


class References:
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
            if not await self.sees(target, [key], reference.referred):
                place = (reference.fields[0],)
                errors.append(FieldError(place, "reference_not_found", target.absent))
        refuse(errors)

    def referring(self, resource: Resource, names: Iterable[str]) -> Referring:
        """The references of a new row whose fields ``names`` are given, for its statement."""
        found = tuple((each, self._registry[each.target]) for each in resource.references)
        return Referring(found, self._actor.grants, frozenset(names))

    async def all_in_sight(self, resource: Resource, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Whether everything that new rows refer to is in sight; ``columns`` hold their fields.

        ``check`` says which reference is refused.
        """
        for reference in resource.references:
            if any(name not in columns for name in reference.fields):
                continue  # A part of a key that is null refers to nothing.
            keys = {*zip(*(columns[name] for name in reference.fields), strict=True)}
            asked = [key for key in keys if None not in key]
            target = self._registry[reference.target]
            if asked and await self._count(target, asked, reference.referred) < len(asked):
                return False
        return True

    async def _count(self, target: Resource, keys: Sequence[Key], names: tuple[str, ...]) -> int:
        """How many of the keys ``sees`` would find."""
        if not _is_number(target, names):
            return len(await self.sees(target, keys, names))
        ((count,),) = await self._asked_among(target, keys, names[0], counted=True) or ((0,),)
        return int(count)

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

    async def sees(
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
        if not _is_number(target, names):
            fields = [target.fields[name] for name in names]
            return await self._reader.visible(self._connection, self._actor, target, asked, fields)
        found = await self._asked_among(target, asked, names[0], counted=False)
        return {tuple(row) for row in found}

    async def _asked_among(
        self, target: Resource, keys: Sequence[Key], name: str, *, counted: bool
    ) -> Sequence[Sequence[Any]]:
        sqlite = self._connection.dialect.name == "sqlite"
        statement = _among(target, self._actor.grants, name, sqlite=sqlite, counted=counted)
        if statement is None:
            return ()
        numbers: Any = [number for (number,) in keys]
        binds = {_AMONG: pydantic_core.to_json(numbers).decode() if sqlite else numbers}
        return await fetch(self._connection, statement, binds)


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
    refuse(errors)
    return rest


def held_keys(target: Resource, references: Sequence[Any]) -> list[Key]:
    """The keys behind the references of a record that was read."""
    return [target.dereference(each) for each in references]


def refuse(errors: list[FieldError]) -> None:
    """Raise ``InvalidInputError`` where there are errors."""
    if errors:
        msg = "Some values refer to nothing."
        raise InvalidInputError(msg, errors=errors)


_BINDS = tuple(f"_of.{number}" for number in range(100))
"""Names that no bind of a rule has."""
_AMONG = "_among"


@lru_cache(maxsize=1_024)
def _in_sight(
    target: Resource, grants: frozenset[Grant], names: tuple[str, ...]
) -> Select[Any] | None:
    """A statement that finds records in sight by field values; ``None`` where none ever is."""
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
    target: Resource, grants: frozenset[Grant], name: str, *, sqlite: bool, counted: bool
) -> Select[Any] | None:
    """``_in_sight`` by many values of an integer field; ``counted``: how many of them."""
    config = policy(Actor(user_id=None, name="", grants=grants), target)
    if not config.grants("read"):
        return None
    column = target.fields[name].expression
    if sqlite:
        given = func.json_each(bindparam(_AMONG, type_=Text)).table_valued("value")
        meant = column.in_(select(given.c.value))
    else:
        meant = column == any_(bindparam(_AMONG, type_=ARRAY(BigInteger, dimensions=1)))
    found = func.count(column.distinct()) if counted else column
    return select(found).where(meant, *config.row_conditions("read"))


def _is_number(target: Resource, names: tuple[str, ...]) -> bool:
    return len(names) == 1 and target.fields[names[0]].kind is Kind.INTEGER


@lru_cache(maxsize=1_024)
def _key_names(resource: Resource) -> tuple[str, ...]:
    return tuple(each.name for each in resource.key)
