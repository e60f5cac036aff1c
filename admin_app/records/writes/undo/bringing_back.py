"""How what was deleted comes back: in turn, and at the end the links that had to wait."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from admin_app.declaration import SYSTEM, Key, Resource
from admin_app.records.trail.veil import member_key
from admin_app.records.writes.undo.attempts import Attempts
from admin_app.records.writes.undo.obstacles import Obstacles
from admin_app.records.writes.undo.order import Identity, Turn, in_turns
from admin_app.records.writes.undo.reviving import Remains, revive
from admin_app.records.writes.undo.steps import Step
from admin_app.records.writes.writer import Writer


class BringingBack:
    """Brings records back in one transaction."""

    def __init__(self, writer: Writer, unbounded: Writer, obstacles: Obstacles) -> None:
        self._writer = writer
        self._unbounded = unbounded
        self._reader = writer.transaction.reader
        self._registry = writer.transaction.registry
        self._obstacles = obstacles
        self._attempts = Attempts(writer, obstacles)

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
        transaction = writer.transaction
        if len(steps) > 1 and await self._attempts.together(
            lambda: revive(transaction, resource, remains)
        ):
            return steps
        return [
            step
            for step, each in zip(steps, remains, strict=True)
            if await self._attempts.one(step.net, partial(revive, transaction, resource, [each]))
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
            await self._attempts.one(net, lambda: self._unbounded.update(resource, net.key, data))
