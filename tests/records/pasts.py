"""What happens in a zoo, and how it is undone."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest
from api import Api, zoo_on
from conftest import KINDS, FreshSettings

from admin_app.declaration import Actor, Grant, Origin
from admin_app.errors import RevertConflictError
from admin_app.records import Reverted, Reverting, Writer

T = TypeVar("T")


REST = Origin("rest")


EVERYTHING = Actor(
    user_id=7,
    name="ann",
    grants=frozenset(Grant("*", each) for each in ("read", "create", "update", "delete")),
)


class Past:
    """What happens in a zoo, and how it is undone."""

    def __init__(self, api: Api, actor: Actor = EVERYTHING) -> None:
        self.api = api
        self.actor = actor

    async def do(self, work: Callable[[Writer], Awaitable[T]], actor: Actor | None = None) -> T:
        return await self.api.records.write(actor or self.actor, REST, work)

    async def done(self, method: str, target: str, body: object = None) -> Any:
        answer = await self.api.call(method, target, body)
        assert answer.status in {200, 201, 204}, answer
        return answer.json if answer.body else None

    async def last(self) -> uuid.UUID:
        """The change set of what was done last."""
        found: uuid.UUID = (await self.api.changes())[-1]["change_set"]
        return found

    async def undo(
        self, change_set: uuid.UUID | None = None, *, skip: bool = False, actor: Actor | None = None
    ) -> Reverted:
        wanted = change_set or await self.last()

        async def work(writer: Writer) -> Reverted:
            return await Reverting(writer, skip_conflicts=skip).undo_set(wanted)

        return await self.do(work, actor)

    async def conflicts(self, change_set: uuid.UUID) -> list[tuple[Any, ...]]:
        """What is in the way; nothing must have been done."""
        before = await self.state()
        with pytest.raises(RevertConflictError) as refused:
            await self.undo(change_set)
        assert await self.state() == before
        return [
            (each.code, each.resource, each.key, each.field, each.left, each.now)
            for each in refused.value.conflicts
        ]

    async def state(self, *without: str) -> dict[str, list[Any]]:
        """Every record of the tables that are written to here, without versions."""
        found = {}
        for name in ("keepers", "labels", "passports", "cages", "visits", "loans", "folders"):
            rows = await self.api.walk(name)
            found[name] = [
                {key: value for key, value in row.items() if key not in {"version", *without}}
                for row in rows
            ]
        return found


@pytest.fixture(name="past", params=KINDS)
async def past_of_a_zoo(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[Past]:
    """A zoo on each database."""
    async with zoo_on(fresh_settings, request.param) as api:
        yield Past(api)


async def keepers(past: Past) -> tuple[int, int]:
    """A boss with all that hangs on one, and somebody who works for them."""
    await past.done("POST", "labels", {"code": "l"})
    boss = (await past.done("POST", "keepers", {"name": "boss", "labels": ["l"]}))["id"]
    staff = (await past.done("POST", "keepers", {"name": "staff", "boss_id": boss}))["id"]
    await past.done("PATCH", f"keepers/{staff}", {"friends": [boss]})
    await past.done("POST", "passports", {"number": "P", "keeper_id": boss})
    await past.done("POST", "cages", {"name": "c", "keeper_id": boss})
    await past.done("POST", "visits", {"keeper_id": boss, "label_code": "l", "note": "n"})
    return boss, staff
