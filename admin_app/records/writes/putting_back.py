"""How what was done is undone: what was created goes, what was deleted and changed comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import groupby
from typing import TYPE_CHECKING, Any

from admin_app.declaration import SYSTEM, Actor, Key, Relation, Resource
from admin_app.errors import (
    AppError,
    ConflictError,
    ForbiddenError,
    InUseError,
    RevertConflictError,
)
from admin_app.records.net import Net, same
from admin_app.records.reads.reader import Reader, Values
from admin_app.records.veil import member_key
from admin_app.records.writes.effects import Effects
from admin_app.records.writes.obstacles import Obstacles
from admin_app.records.writes.order import Identity, Turn, in_turns
from admin_app.records.writes.reversal import ConflictCode
from admin_app.records.writes.reviving import Remains
from admin_app.records.writes.updates import Edit

if TYPE_CHECKING:
    from admin_app.records.writes.writer import Writer


@dataclass(slots=True)
class Step:
    """What one act did to one record, to be undone."""

    root: int
    """The change that all of the act goes back to."""
    net: Net
    own: bool
    """Whether it is the act itself, and not what that brought about."""
    links: dict[str, list[Any]] = field(default_factory=dict)
    """Of a record that has come back, the keys of its sets that were not there yet."""
    later: frozenset[str] = frozenset()
    """Its foreign keys that had to wait."""


class PuttingBack:
    """Undoes steps in one transaction. What refuses one is a conflict."""

    def __init__(
        self,
        writer: Writer,
        reader: Reader,
        obstacles: Obstacles,
        touched: Collection[tuple[str, Key | None]],
    ) -> None:
        self._writer = writer
        self._unbounded = writer.unbounded()
        self._reader = reader
        self._registry = reader.registry
        self._obstacles = obstacles
        self._touched = touched

    async def reverse(self, steps: Iterable[Step]) -> None:
        """Undo acts that created or changed a record, in turn."""
        own = [each for each in steps if each.own and not self._obstacles.stops(each.net)]
        for (resource, created), run in groupby(
            own, key=lambda each: (each.net.resource, not each.net.was_there)
        ):
            some = list(run)
            if created:
                for each in some:
                    await self._remove(each.net)
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
        return not edits or await self._tried(
            lambda: self._writer.update_all(resource, edits), done=lambda made: made is not None
        )

    async def _tried(
        self, work: Callable[[], Awaitable[Any]], done: Callable[[Any], bool] = lambda _: True
    ) -> bool:
        """Do many things at once; where that is refused, none of it stays."""
        try:
            async with self._writer.savepoint():
                return done(await work())
        except AppError as error:
            _pass_on(error)
            return False

    async def _attempt(self, net: Net, work: Callable[[], Awaitable[object]]) -> bool:
        """Do something for a record; whether it is done, where conflicts are skipped.

        Raises ``RevertConflictError`` where they are not.
        """
        try:
            async with self._writer.savepoint() if self._obstacles.skip else nullcontext():
                await work()
        except AppError as error:
            _pass_on(error)
            code: ConflictCode = "in_use" if isinstance(error, InUseError) else "refused"
            words = dict.fromkeys([error.detail, *(each.detail for each in error.errors)])
            names = {each.path[0] for each in error.errors if each.path}
            name = str(names.pop()) if len(names) == 1 else None
            known = name if name in {**net.resource.fields, **net.resource.sets} else None
            self._obstacles.add(net, code, known, detail=" ".join(words))
            self._obstacles.refuse()
            return False
        return True

    async def _remove(self, net: Net) -> None:
        """Delete what was created, with nothing that was not made or changed with it."""

        def of_this_act(effects: Effects) -> None:
            others = [
                resource.label_plural.lower()
                for resource, key in effects.touched()
                if (resource.name, key) not in self._touched
            ]
            if others:
                msg = "By now others depend on it."
                raise ConflictError(msg)

        there = await self._reader.visible(
            self._writer.connection, self._writer.actor, net.resource, [net.key]
        )
        if there:
            await self._attempt(
                net, lambda: self._writer.delete(net.resource, net.key, allowed=of_this_act)
            )

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
            await self._attempt(net, lambda: writer.update(resource, net.key, data))

    async def _move(self, writer: Writer, net: Net, now: Values, trash: str) -> None:
        """Into the trash, or out of it."""
        if self._obstacles.stops(net, trash) or (now[trash] is None) == (net.was[trash] is None):
            return
        move = writer.restore if net.was[trash] is None else writer.delete
        await self._attempt(net, lambda: move(net.resource, net.key))

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
        """Bring back what was deleted, and at the end the links that had to wait."""
        gone = {
            each.net.identity: each
            for each in steps
            if each.net.was_there and not each.net.is_there and not self._obstacles.stops(each.net)
        }
        back: list[Step] = []
        for turns in in_turns(self._registry, {name: each.net.was for name, each in gone.items()}):
            in_order = sorted(turns, key=lambda turn: self._kind(gone, turn))
            for (name, own), some in groupby(in_order, key=lambda turn: self._kind(gone, turn)):
                portion = [gone[turn.identity] for turn in some]
                for turn in turns:
                    gone[turn.identity].later = turn.later
                back += await self._revive(self._registry[name], portion, own=own)
        for each in back:
            await self._complete(each)

    def _kind(self, gone: dict[Identity, Step], turn: Turn) -> tuple[str, bool]:
        return turn.identity[0], gone[turn.identity].own

    async def _revive(self, resource: Resource, steps: list[Step], *, own: bool) -> list[Step]:
        """Bring back records of one resource; those that are there then."""
        remains = [await self._remains(resource, each) for each in steps]
        writer = self._writer if own else self._unbounded
        if len(steps) > 1 and await self._tried(lambda: writer.revive(resource, remains)):
            return steps
        return [
            step
            for step, each in zip(steps, remains, strict=True)
            if await self._attempt(step.net, lambda one=each: writer.revive(resource, [one]))  # type: ignore[misc]
        ]

    async def _remains(self, resource: Resource, step: Step) -> Remains:
        net = step.net
        facts = {
            name: None if name in step.later else value
            for name, value in net.was.items()
            if not self._obstacles.stops(net, name)
        }
        found = Remains(net.key, facts)
        for name, lost in net.lost.items():
            target = self._registry.target(resource.sets[name])
            keys = {key: each for each in lost if (key := member_key(target, each)) is not None}
            there = await self._there(target, keys) if keys else set()
            found.members[name] = [key for key in keys if key in there]
            if resource.sets[name].writable and len(there) < len(lost):
                step.links[name] = [each for key, each in keys.items() if key not in there]
        return found

    async def _there(self, target: Resource, keys: Collection[Key]) -> set[Key]:
        return await self._reader.visible(
            self._writer.connection, SYSTEM, target, keys, trash="with"
        )

    async def _complete(self, step: Step) -> None:
        """Give a record that has come back what was not there when it came."""
        net, resource = step.net, self._registry[step.net.resource.name]
        data: dict[str, Any] = {name: net.was[name] for name in step.later}
        for name, members in step.links.items():
            target = self._registry.target(resource.sets[name])
            keys = {key: each for each in members if (key := member_key(target, each)) is not None}
            there = await self._there(target, keys)
            if len(there) < len(members):
                words = f"Some {target.label_plural.lower()} are no longer there."
                self._obstacles.add(net, "gone", name, detail=words)
                self._obstacles.refuse()
            if there:
                data[name] = {"add": [keys[key] for key in there]}
        if data:
            await self._attempt(net, lambda: self._unbounded.update(resource, net.key, data))

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


def _pass_on(error: AppError) -> None:
    """Raise again what is no conflict."""
    own = isinstance(error, (ForbiddenError, RevertConflictError))
    if own or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
