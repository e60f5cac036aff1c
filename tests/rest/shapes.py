"""The library and the zoo on both databases, and answers of a shape that is asked for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from api import Answer, Api, prepare_zoo, serving
from conftest import KINDS, FreshSettings
from together import statements
from zoo import RESOURCES, sample

from admin_app.settings import Settings

MODELS = ("admin_app.models", "zoo")


async def fill_zoo(settings: Settings) -> None:
    await prepare_zoo(settings)
    async with serving(settings, models=MODELS) as api:
        for name in RESOURCES:
            for body in sample(name):
                await api.add(api.registry[name].plural, body)
        await api.add("folders", {"name": "child", "parent_id": 1})


@asynccontextmanager
async def served(fresh: FreshSettings) -> AsyncIterator[tuple[Api, Api]]:
    """The library and the zoo with all its samples, on both databases."""
    async with AsyncExitStack() as stack:
        both = []
        for kind in KINDS:
            settings = fresh(kind, "full zoo", fill_zoo)
            both.append(await stack.enter_async_context(serving(settings, models=MODELS)))
        yield both[0], both[1]


def reads(api: Api) -> AbstractContextManager[list[str]]:
    """What is read of the database meanwhile, but for who calls."""
    return statements(
        api, lambda each: each.startswith(("SELECT", "WITH")) and "admin_token" not in each
    )


async def ask(api: Api, target: str, **parameters: Any) -> Answer:
    """A GET; what is no text is sent as JSON."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in parameters.items()
    }
    return await api.call("GET", f"{target}?{urlencode(texts)}" if texts else target)


async def found(api: Api, target: str, **parameters: Any) -> Any:
    answer = await ask(api, target, **parameters)
    assert answer.status == 200, answer
    return answer.json.get("data", answer.json)
