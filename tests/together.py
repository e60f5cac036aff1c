"""The library and the zoo as one application, and people with some rights, for writes of many."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from api import Answer, Api, make_role, prepare_zoo, serving
from conftest import FreshSettings, Kind
from sqlalchemy import event

from admin_app.declaration import Grant

MODELS = ("admin_app.models", "zoo")


@asynccontextmanager
async def house(fresh: FreshSettings, kind: Kind) -> AsyncIterator[Api]:
    """The application on a fresh database."""
    async with serving(fresh(kind, "zoo", prepare_zoo), models=MODELS) as api:
        yield api


class Somebody:
    """Who has these grants and no others."""

    def __init__(self, api: Api, name: str, token: str) -> None:
        self.name = name
        self._api = api
        self._token = token

    async def call(self, method: str, target: str, body: Any = None, **options: Any) -> Answer:
        headers = [*options.pop("headers", ()), ("authorization", f"Bearer {self._token}")]
        return await self._api.call(method, target, body, headers=headers, **options)


async def somebody(api: Api, *grants: Grant) -> Somebody:
    name = uuid.uuid4().hex[:12]
    await make_role(api.database, name, *grants)
    return Somebody(api, name, await api.token_of(name, name))


def grants(
    resource: str, *actions: str, rule: str | None = None, **without: set[str]
) -> list[Grant]:
    """Grants of actions on a resource; ``without`` by action."""
    return [Grant(resource, each, rule, frozenset(without.get(each, ()))) for each in actions]


def told(answer: Answer) -> dict[str, Any]:
    """What a problem says, without what is every request's own."""
    return {name: each for name, each in answer.json.items() if name not in OWN}


OWN = {"request_id", "instance"}


@contextmanager
def statements(api: Api, wanted: Callable[[str], bool] = bool) -> Iterator[list[str]]:
    """What is asked of the database meanwhile, as far as it is wanted."""
    found: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if wanted(statement):
            found.append(statement)

    # Whoever has called is remembered from here on, however long a slow machine takes.
    api.callers.clock = lambda: 0.0
    engine = api.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
