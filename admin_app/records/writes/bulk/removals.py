"""Lists of records that go, or come back from the trash.

They go with the statements that one would take, where none has to do with another one; else one
after the other, and then one may have gone with another one before its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from admin_app.access.policies import Trash
from admin_app.declaration import Key, Resource
from admin_app.errors import NotFoundError
from admin_app.records.writes.bulk.items import Item, Outcome, kept, key_of
from admin_app.records.writes.deletes.effects import Effects
from admin_app.records.writes.deletes.removal import Meant
from admin_app.records.writes.places import at
from admin_app.records.writes.tags import tags_of
from admin_app.records.writes.trying import by_halves
from admin_app.records.writes.writer import Writer


class Removals:
    """Deletes of records of one resource, or deletes for good of what is in its trash."""

    def __init__(
        self,
        writer: Writer,
        resource: Resource,
        meant: Callable[[int], Meant],
        *,
        purge: bool = False,
    ) -> None:
        """``meant`` says of each turn which record is meant, or raises."""
        self._resource = resource
        self._meant = meant
        self._writer = writer
        self._purge = purge
        self._gone: set[Key] = set()
        self.known: set[Key] | None = None
        """Those in sight before any was deleted.

        Of what goes with one of them only these count as gone: that others have would tell, of a
        record out of sight, whose it was.
        """

    async def together(self, portion: range) -> list[Key] | None:
        """Delete some of them at once; none where they can only go one by one."""
        keys: list[Key] = []
        left: dict[Key, Meant] = {}
        for each in map(self._meant, portion):
            keys.append(each.key)
            if each.key not in self._gone:
                left.setdefault(each.key, each)  # One that is meant again is gone by then.
        remove = self._writer.purge_all if self._purge else self._writer.delete_all
        effects = await remove(self._resource, left) if left else []
        if effects is None:
            return None
        self._note(effects, left)
        return keys

    async def one(self, meant: Meant) -> None:
        """Delete a record unless it is gone."""
        if meant.key not in self._gone:
            remove = self._writer.purge if self._purge else self._writer.delete
            effects = await remove(self._resource, meant.key, if_match=meant.if_match)
            self._note([effects], [meant.key])

    def _note(self, effects: Iterable[Effects], keys: Iterable[Key]) -> None:
        for each in effects:
            with_it = {key for owner, key in each.deleted if owner.name == self._resource.name}
            self._gone.update(with_it & (self.known or set()))
        self._gone.update(keys)  # To the trash, if not for good.


async def delete_items(
    writer: Writer,
    resource: Resource,
    items: Sequence[Item],
    *,
    atomic: bool = True,
    purge: bool = False,
) -> list[Outcome]:
    """Delete the record of each item: ``key`` and perhaps ``if_match``.

    With ``purge`` for good, from the trash. One in sight that has gone with another of them is
    deleted as well.
    """
    seen = writer.seen(resource, "read", "delete")
    removals = Removals(writer, resource, lambda at_: _meant(resource, items, at_), purge=purge)

    async def together(portion: range) -> list[Outcome] | None:
        if portion != range(len(items)):
            await know()
        keys = await removals.together(portion)
        return None if keys is None else [Outcome("deleted", key) for key in keys]

    async def know() -> None:
        """Find out which are in sight, once and before any is deleted."""
        if removals.known is None:
            place: Trash = "only" if purge else "without"
            asked = resource.keys_among(each["key"] for each in items)
            found = await writer.find(seen, seen.key, asked, sets=False, trash=place)
            removals.known = {*found}

    async def one(index: int) -> Outcome:
        await know()
        meant = _meant(resource, items, index)
        with at(("items", index)):
            await removals.one(meant)
        return Outcome("deleted", meant.key)

    return await by_halves(writer, len(items), together, one if atomic else kept(writer, one))


async def restore_items(
    writer: Writer, resource: Resource, items: Sequence[Item], *, atomic: bool = True
) -> list[Outcome]:
    """Take the record of each item out of the trash: ``key`` and perhaps ``if_match``."""
    writer.seen(resource, "read", "delete")

    async def one(index: int) -> Outcome:
        meant = _meant(resource, items, index)
        with at(("items", index)):
            made = await writer.restore(resource, meant.key, if_match=meant.if_match)
        return Outcome("updated", meant.key, made)

    async def together(portion: range) -> list[Outcome] | None:
        meant = {each.key: each for each in (_meant(resource, items, index) for index in portion)}
        if len(meant) < len(portion):
            raise NotFoundError(resource.absent)  # One that is meant again is no longer there.
        made = await writer.restore_all(resource, meant)
        return None if made is None else [Outcome("updated", each.key, each) for each in made]

    return await by_halves(writer, len(items), together, one if atomic else kept(writer, one))


def _meant(resource: Resource, items: Sequence[Item], index: int) -> Meant:
    place = ("items", index)
    key = key_of(resource, items[index], place)
    with at(place):
        return Meant(key, tags_of(resource, items[index]))
