"""Undo steps of a change set: delete what was created, restore what was deleted and changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any

from admin_app.declaration import SYSTEM, Actor, Key, Relation, Resource
from admin_app.errors import ConflictError
from admin_app.records.reads.reader import Values
from admin_app.records.trail.net import Net, same
from admin_app.records.trail.veil import member_key
from admin_app.records.writes.deletes.effects import Effects
from admin_app.records.writes.deletes.removal import Meant
from admin_app.records.writes.undo.attempts import Attempts
from admin_app.records.writes.undo.bringing_back import BringingBack
from admin_app.records.writes.undo.obstacles import Obstacles
from admin_app.records.writes.undo.steps import Step
from admin_app.records.writes.updates import Edit
from admin_app.records.writes.writer import Writer


class PuttingBack:
    """Undoes steps in one transaction; a step that is refused becomes a conflict."""

    def __init__(
        self,
        writer: Writer,
        obstacles: Obstacles,
        touched: Collection[tuple[str, Key | None]],
    ) -> None:
        self._writer = writer
        self._unbounded = writer.unbounded()
        self._reader = writer.transaction.reader
        self._registry = writer.transaction.registry
        self._obstacles = obstacles
        self._touched = touched
        self._attempts = Attempts(writer, obstacles)

    async def reverse(self, steps: Iterable[Step]) -> None:
        """Undo acts that created or changed a record, in turn."""
        own = [each for each in steps if each.own and not self._obstacles.stops(each.net)]
        for (resource, created), run in groupby(
            own, key=lambda each: (each.net.resource, not each.net.was_there)
        ):
            some = list(run)
            if created:
                await self._remove_all(resource, [each.net for each in some])
                continue
            present = await self._read(self._writer.actor, resource, some)
            if not await self._together(resource, some, present):
                for each in some:
                    await self._undo_update(each)

    async def _undo_update(self, step: Step) -> None:
        present = await self._read(self._writer.actor, step.net.resource, [step], sets=True)
        now = present.get(step.net.key)
        if now is not None:
            await self.put_back(step, now)

    async def _together(
        self, resource: Resource, steps: Sequence[Step], present: dict[Key, Values]
    ) -> bool:
        """Undo many updates with the statements of one, where that can be done."""
        trash, keys = resource.options.trash, {each.net.key for each in steps}
        if len(steps) == 1 or len(keys) < len(steps) or not keys <= present.keys():
            return False
        if any(each.net.moved or trash in each.net.changed for each in steps):
            return False
        given = [(each.net.key, self._data(each.net, present[each.net.key])) for each in steps]
        edits = [Edit(key, data) for key, data in given if data]
        return not edits or await self._attempts.together(
            lambda: self._writer.update_all(resource, edits), done=lambda made: made is not None
        )

    async def _remove_all(self, resource: Resource, nets: Sequence[Net]) -> None:
        """Delete what was created, with nothing that was not made or changed with it."""
        seen = self._reader.visible
        connection, actor = self._writer.connection, self._writer.actor
        there = await seen(connection, actor, resource, [each.key for each in nets])
        meant = {each.key: Meant(each.key) for each in nets if each.key in there}
        if len(meant) > 1 and await self._attempts.together(
            lambda: self._writer.delete_all(resource, meant, allowed=self._check_own),
            done=lambda effects: effects is not None,
        ):
            return
        for each in nets:
            if await seen(connection, actor, resource, [each.key]):
                await self._attempts.one(
                    each,
                    lambda key=each.key: self._writer.delete(  # type: ignore[misc]
                        resource, key, allowed=self._check_own
                    ),
                )

    def _check_own(self, effects: Effects) -> None:
        """Refuse to touch what the acts that are undone have not."""
        if any((resource.name, key) not in self._touched for resource, key in effects.touched()):
            msg = "By now others depend on it."
            raise ConflictError(msg)

    async def put_back(self, step: Step, now: Values) -> None:
        """Give a record what it had, as far as it has something else ``now``."""
        net, writer = step.net, self._writer if step.own else self._unbounded
        resource, trash = net.resource, self._registry[net.resource.name].options.trash
        if trash is not None and trash in net.changed:
            await self._move(writer, net, now, trash)
            return
        data: dict[str, Any] = self._data(net, now)
        for name in net.moved:
            if resource.sets[name].writable and not self._obstacles.stops(net, name):
                data |= await self._members(writer.actor, net, resource.sets[name], now)
        if data:
            await self._attempts.one(net, lambda: writer.update(resource, net.key, data))

    async def _move(self, writer: Writer, net: Net, now: Values, trash: str) -> None:
        """Into the trash, or out of it."""
        if self._obstacles.stops(net, trash) or (now[trash] is None) == (net.was[trash] is None):
            return
        move = writer.restore if net.was[trash] is None else writer.delete
        await self._attempts.one(net, lambda: move(net.resource, net.key))

    def _data(self, net: Net, now: Values) -> dict[str, Any]:
        """The fields that are to become what they were."""
        return {
            name: net.was[name]
            for name in net.changed
            if name in now
            and self._obstacles.restorable(net.resource, name)
            and not self._obstacles.stops(net, name)
            and not same(net.was[name], net.resource.wire(name, now[name]))
        }

    async def _members(
        self, actor: Actor, net: Net, relation: Relation, now: Values
    ) -> dict[str, Any]:
        """The edit that gives a set the keys that it lost, and takes those that it gained."""
        target = self._registry.target(relation)
        held = {target.dereference(each) for each in now[relation.name]}
        lost, gained = net.lost[relation.name], net.gained[relation.name]
        keys = {each: member_key(target, each) for each in (*lost, *gained)}
        remove = [each for each in gained if keys[each] in held]
        add = [each for each in lost if keys[each] not in held]
        wanted = [key for each in add if (key := keys[each]) is not None]
        connection, visible = self._writer.connection, self._reader.visible
        there = await visible(connection, actor, target, wanted)
        # What is in the trash has its links, and brings them along when it is restored.
        known = there | await visible(connection, actor, target, wanted, trash="only")
        missing = [each for each in add if keys[each] not in known]
        if missing:
            words = f"Some {target.label_plural.lower()} are no longer there."
            self._obstacles.add(net, "gone", relation.name, was=missing, detail=words)
            self._obstacles.refuse()
        add = [each for each in add if keys[each] in there]
        return {relation.name: {"add": add, "remove": remove}} if add or remove else {}

    async def revive(self, steps: Sequence[Step]) -> None:
        """Bring back what was deleted."""
        back = BringingBack(self._writer, self._unbounded, self._obstacles)
        await back.revive(steps)

    async def settle(self, steps: Iterable[Step]) -> None:
        """Undo what acts brought about elsewhere, where undoing the acts has not done so."""
        by_resource: dict[Resource, list[Step]] = {}
        for each in steps:
            net = each.net
            if not each.own and net.was_there and net.is_there and not self._obstacles.stops(net):
                by_resource.setdefault(net.resource, []).append(each)
        for resource, some in by_resource.items():
            present = await self._read(SYSTEM, resource, some, sets=True)
            for each in some:
                if each.net.key in present:
                    await self.put_back(each, present[each.net.key])

    async def _read(
        self, actor: Actor, resource: Resource, steps: Sequence[Step], *, sets: bool = False
    ) -> dict[Key, Values]:
        """Records by key, those in the trash as well."""
        connection, keys = self._writer.connection, [each.net.key for each in steps]
        rows = await self._reader.find(
            connection, actor, resource, resource.key, keys, sets=sets, trash="with"
        )
        return {resource.key_of(each): each for each in rows}
