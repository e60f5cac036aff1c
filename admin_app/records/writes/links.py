"""The links of many-to-many relations: which are asked for, locked and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.declaration import Actor, Key, Relation, Resource
from admin_app.errors import FieldError, NotFoundError
from admin_app.records.reads.key_batches import batches
from admin_app.records.reads.reader import Reader, Values, key_in
from admin_app.records.writes.places import Place
from admin_app.records.writes.references import References, held_keys, refuse
from admin_app.records.writes.set_edits import SetChange, set_edit


class Links:
    """The links that one actor writes on one connection."""

    def __init__(
        self, reader: Reader, connection: AsyncConnection, actor: Actor, references: References
    ) -> None:
        self._reader = reader
        self._registry = reader.registry
        self._connection = connection
        self._actor = actor
        self._references = references

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

    async def changes(
        self, resource: Resource, before: Values, sets: Mapping[str, Any]
    ) -> list[SetChange]:
        """The changes of each set; keys out of sight stay where they are.

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
            refuse(errors)
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

    async def _keys(
        self, relation: Relation, references: Sequence[Any], place: Place
    ) -> Mapping[Key, int]:
        """The keys that references name, in sight every one, none twice, and where."""
        target = self._registry.target(relation)
        keys = self._named(relation, references, place)
        seen = await self._references.sees(target, list(keys))
        errors = [
            FieldError((relation.name, *place, index), "reference_not_found", target.absent)
            for key, index in keys.items()
            if key not in seen
        ]
        refuse(errors)
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
        refuse(errors)
        return keys

    def _pair(self, relation: Relation, row: Values, key: Key) -> Values:
        target = self._registry.target(relation)
        far = {each.name: value for each, value in zip(target.key, key, strict=True)}
        return {column: row[name] for name, column in relation.own_columns} | {
            column: far[name] for name, column in relation.target_columns
        }
