"""Creates: the statements that one record would take, for as many as are new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from admin_app.access.policies import require
from admin_app.declaration import Key, Resource, stamped
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.children import Children
from admin_app.records.writes.drafts import Draft, drafts_of, valid_drafts
from admin_app.records.writes.fast.insert import FastInsert, Obstacle
from admin_app.records.writes.other_ends import LinkedChange
from admin_app.records.writes.places import Place, at
from admin_app.records.writes.refusals import check_computed, computes
from admin_app.records.writes.transaction import Transaction


class Creations:
    """The creates of one actor in one transaction; see ``Writer``."""

    def __init__(self, transaction: Transaction, children: Children) -> None:
        self._actor = transaction.actor
        self._views = transaction.views
        self._rows = transaction.rows
        self._references = transaction.references
        self._links = transaction.links
        self._inserter = transaction.inserter
        self._journal = transaction.journal
        self._other_ends = transaction.other_ends
        self._children = children
        self._fast_insert = FastInsert(transaction)

    async def obstacle(self, resource: Resource, values: Sequence[Values]) -> Obstacle | None:
        """``Writer.obstacle``."""
        return await self._fast_insert.obstacle(self._views.whole(resource), values)

    async def all(
        self, resource: Resource, data: Iterable[bytes | Mapping[str, Any]], places: Sequence[Place]
    ) -> list[Representation]:
        """``Writer.create_all``."""
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        require(self._actor, seen, "create")
        return await self._create(resource, seen, drafts_of(resource, seen, data, places))

    async def valid(
        self,
        resource: Resource,
        values: Sequence[Values],
        places: Sequence[Place],
    ) -> list[Representation]:
        """``Writer.create_valid``."""
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        require(self._actor, seen, "create")
        rows = await self._fast_insert.insert(resource, seen, values)
        if rows is not None:
            return await self._made(resource, rows)
        return await self._create(resource, seen, valid_drafts(resource, values, places))

    async def valid_for_keys(
        self, resource: Resource, values: Sequence[Values], places: Sequence[Place]
    ) -> list[Key]:
        """``Writer.create_valid_for_keys``."""
        resource, seen = self._views.whole(resource), self._views.seen(resource)
        require(self._actor, seen, "create")
        keys = await self._fast_insert.insert_for_keys(resource, seen, values)
        if keys is not None:
            return keys
        made = await self._create(resource, seen, valid_drafts(resource, values, places))
        return [each.key for each in made]

    async def _create(
        self, resource: Resource, seen: Resource, drafts: Sequence[Draft]
    ) -> list[Representation]:
        if len(drafts) == 1 and not drafts[0].sets and not drafts[0].children:
            with at(drafts[0].place):
                row = await self._fast_insert.insert_one(resource, seen, drafts[0].values)
            if row is not None:
                return await self._made(resource, [row])
        await self._check_new(resource, drafts)
        reach = await self._rows.reach.returnable(resource, "create")
        rows, reached = await self._inserter.insert(resource, seen, drafts, reach)
        keys = [resource.key_of(row) for row in rows]
        await self._rows.reach.check_new(resource, keys, drafts, reached)
        if rows and await self._rows.returns_all(resource):
            wholes = rows
            await self._views.add_new_sets(resource, rows, [each.gained for each in drafts])
        else:
            wholes = await self._views.wholes(resource, keys)
        if computes(resource):
            for whole, each in zip(wholes, drafts, strict=True):
                with at(each.place):
                    check_computed(resource, whole)
        answers = await self._views.answers(resource, keys, wholes)
        entries = self._journal.creations(resource, wholes, [each.gained for each in drafts])
        linked: list[LinkedChange] = []
        for key, each, entry in zip(keys, drafts, entries, strict=True):
            if each.gained:
                linked += self._other_ends.of_links(resource, key, each.gained, entry)
        await self._other_ends.note(linked)
        if not any(each.children for each in drafts):
            return answers
        for whole, each in zip(wholes, drafts, strict=True):
            with at(each.place):
                await self._children.write(resource, whole, each.children)
        return await self._views.answers(resource, keys, await self._views.wholes(resource, keys))

    async def _made(self, resource: Resource, rows: Sequence[Values]) -> list[Representation]:
        """The answers of rows that were inserted with no links."""
        await self._views.add_new_sets(resource, rows, ())
        keys = [resource.key_of(each) for each in rows]
        return await self._views.answers(resource, keys, rows)

    async def _check_new(self, resource: Resource, drafts: Sequence[Draft]) -> None:
        """Refuse drafts that refer to nothing, or that their declaration refuses; stamp them."""
        stamps = {
            each.name: stamped(each.stamp)
            for each in resource.fields.values()
            if each.stamp is not None
        }
        asks = resource.options.before_write is not None
        asked = [{**each.values, **each.sets} if each.sets else each.values for each in drafts]
        async with self._references.asked_ahead(resource, asked):
            for each in drafts:
                with at(each.place):
                    await self._references.check(resource, each.values, {})
                    each.gained = await self._links.changes(resource, {}, each.sets)
                    each.values.update(stamps)
                    if asks:
                        sets = self._links.outcome(resource, {}, each.sets, each.gained)
                        await self._rows.ask(resource, "create", {}, {**each.values, **sets})
