"""``Idempotency-Key``: a request that is sent again is answered again, and not done again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api import Answer, Api, allow, forbid, make_role, prepare_zoo, serving, zoo_on, zoos
from conftest import KINDS, FreshSettings, Kind
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import actor_of_token
from admin_app.declaration import Grant
from admin_app.records import Claim
from admin_app.records.writes.idempotency import (
    MAX_KEPT,
    RETENTION,
    IdempotentRequest,
    claim,
    sweep,
)

PER_REQUEST = {"x-request-id", "ratelimit", "idempotent-replayed", "date"}


async def keyed(
    api: Api, key: str, method: str, target: str, body: object = None, **options: Any
) -> Answer:
    headers = [("idempotency-key", key), *options.pop("headers", ())]
    return await api.call(method, target, body, headers=headers, **options)


def same(one: Answer, other: Answer) -> bool:
    def lasting(answer: Answer) -> list[tuple[str, str]]:
        return sorted(each for each in answer.headers if each[0] not in PER_REQUEST)

    return (one.status, one.body, lasting(one)) == (other.status, other.body, lasting(other))


async def test_every_verb(fresh_settings: FreshSettings) -> None:
    """The second time each verb does nothing and answers the same, said to be a replay."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for number, (method, target, body) in enumerate(
                (
                    ("POST", "keepers", {"name": "k"}),
                    ("PATCH", "keepers/1", {"name": "x"}),
                    ("PUT", "keepers/1", {"name": "y"}),
                    ("POST", "keepers/bulk", {"items": [{"name": "a"}, {"name": "b"}]}),
                    ("DELETE", "keepers/1", None),
                )
            ):
                first = await keyed(api, f"key-{number}", method, target, body)
                assert first.status < 300, first
                assert first.header("idempotent-replayed") is None
                before = await api.counts()
                again = await keyed(api, f"key-{number}", method, target, body)
                assert again.header("idempotent-replayed") == "true"
                assert same(first, again)
                assert await api.counts() == before
            assert len(await api.changes()) == 6


async def test_another_request(fresh_settings: FreshSettings) -> None:
    """A key stands for one request: method, path, parameters, preconditions, preferences, body."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        await keyed(api, "k", "POST", "texts", {"code": "a"})
        minimal = [("prefer", "return=minimal")]
        for method, target, body, headers in (
            ("POST", "texts", {"code": "b"}, []),
            ("POST", "texts", {"code": "a"}, minimal),
            ("POST", "texts", {"code": "a"}, [("if-none-match", "*")]),
            ("POST", "texts?on_conflict=code", {"code": "a"}, []),
            ("PUT", "texts/a", {}, []),
            ("DELETE", "texts/a", None, []),
            ("POST", "folders", {"name": "a"}, []),
        ):
            answer = await keyed(api, "k", method, target, body, headers=headers)
            answer.problem(422, "idempotency_key_reused")
        assert len((await api.get("texts"))["data"]) == 1
        assert (await keyed(api, "K", "POST", "texts", {"code": "b"})).status == 201


async def test_refusals_are_not_remembered(fresh_settings: FreshSettings) -> None:
    """What was refused, or only tried, is done when it is sent again and can be done."""
    async with zoos(fresh_settings) as both:
        for api in both:
            tries = (await keyed(api, "k", "POST", "loans", {"name": "l", "keeper_id": 1}),)
            assert tries[0].status == 422
            await api.add("keepers", {"name": "k"})
            dry = [("prefer", "tx=rollback")]
            body = {"name": "l", "keeper_id": 1}
            assert (await keyed(api, "k", "POST", "loans", body, headers=dry)).status == 200
            done = await keyed(api, "k", "POST", "loans", body)
            assert (done.status, done.header("idempotent-replayed")) == (201, None)


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é", "\x7f", "a\tb"])
async def test_no_key(fresh_settings: FreshSettings, key: str) -> None:
    """What is no key is refused, and so are two of them."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        (await keyed(api, key, "POST", "texts", {"code": "a"})).problem(400, "bad_request")
        two = [("idempotency-key", "b")]
        (await keyed(api, "a", "POST", "texts", {"code": "a"}, headers=two)).problem(400)
        assert (await keyed(api, "x" * 255, "POST", "texts", {"code": "a"})).status == 201


@pytest.mark.parametrize("kind", KINDS)
async def test_users_and_rights(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Keys of two users never meet; whose rights have changed gets no body again."""
    async with zoo_on(fresh_settings, kind) as api:
        grants = [Grant("text", "read"), Grant("text", "create"), Grant("text", "update")]
        await make_role(api.database, "some", *grants)
        first = await keyed(api, "k", "POST", "texts", {"code": "a"})
        ann, api.token = api.token, await api.token_of("bo", "some")
        other = await keyed(api, "k", "POST", "texts", {"code": "b", "name": "secret"})
        assert (other.status, other.json["code"]) == (201, "b")
        await keyed(api, "p", "PATCH", "texts/b", {"name": "hidden"})
        await forbid(api.database, "some", grants[0])
        await allow(api.database, "some", Grant("text", "read", None, frozenset({"name"})))
        made = await keyed(api, "k", "POST", "texts", {"code": "b", "name": "secret"})
        assert (made.status, made.body) == (201, b"")
        assert made.header("location") == other.header("location")
        assert made.header("content-type") is None
        assert made.header("preference-applied") == "return=minimal"
        changed = await keyed(api, "p", "PATCH", "texts/b", {"name": "hidden"})
        assert (changed.status, changed.body) == (204, b"")
        await forbid(api.database, "some", *grants[1:])
        still = await keyed(api, "k", "POST", "texts", {"code": "b", "name": "secret"})
        assert (still.status, still.body) == (201, b"")
        api.token = ann
        assert same(first, await keyed(api, "k", "POST", "texts", {"code": "a"}))


@asynccontextmanager
async def two_workers(fresh: FreshSettings, kind: Kind) -> AsyncIterator[tuple[Api, Api]]:
    """Two applications on one database."""
    settings = fresh(kind, "zoo", prepare_zoo)
    async with serving(settings) as one, serving(settings) as other:
        yield one, other


@pytest.mark.parametrize("kind", KINDS)
async def test_across_workers(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Of twenty equal requests at once, at two workers, one is done; the others replay it."""
    async with two_workers(fresh_settings, kind) as workers:
        calls = (keyed(workers[n % 2], "k", "POST", "folders", {"name": "f"}) for n in range(20))
        answers = await asyncio.gather(*calls)
        statuses = Counter((each.status, each.header("idempotent-replayed")) for each in answers)
        assert statuses.pop((201, None)) == 1
        assert set(statuses) <= {(201, "true"), (409, None)}
        assert len({each.body for each in answers if each.status == 201}) == 1
        for each in answers:
            if each.status == 409:
                each.problem(409, "idempotency_in_flight")
        assert len(await workers[0].changes()) == 1


async def test_in_flight(fresh_settings: FreshSettings) -> None:
    """While the first is at work the second is told so; when it comes to nothing, it is done."""
    async with zoo_on(fresh_settings, "postgresql") as api:
        claimed, over = asyncio.Event(), asyncio.Event()

        async def first(session: AsyncSession) -> None:
            who = await actor_of_token(api.database, api.token)
            assert who is not None
            assert await claim(session, who, Claim("k", "0" * 64)) is None
            claimed.set()
            await over.wait()

        task = asyncio.create_task(api.database.write(first, keep=False))
        await claimed.wait()
        waiting = await keyed(api, "k", "POST", "folders", {"name": "f"})
        waiting.problem(409, "idempotency_in_flight")
        assert waiting.header("retry-after") == "1"
        assert (await keyed(api, "other", "POST", "folders", {"name": "f"})).status == 201
        over.set()
        await task
        assert (await keyed(api, "k", "POST", "folders", {"name": "f"})).status == 201


async def age(api: Api, by: timedelta) -> None:
    async def work(session: AsyncSession) -> None:
        await session.execute(update(IdempotentRequest).values(created_at=datetime.now(UTC) - by))

    await api.database.write(work)


async def test_retention(fresh_settings: FreshSettings) -> None:
    """A key is free again when its time is over, and is swept away at last."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await keyed(api, "k", "POST", "folders", {"name": "f"})
            await age(api, RETENTION - timedelta(minutes=1))
            again = await keyed(api, "k", "POST", "folders", {"name": "f"})
            assert again.header("idempotent-replayed") == "true"
            await age(api, RETENTION)
            anew = await keyed(api, "k", "POST", "folders", {"name": "other"})
            assert (anew.status, anew.json["name"]) == (201, "other")
            assert len((await api.get("folders"))["data"]) == 2
            await keyed(api, "l", "POST", "folders", {"name": "f"})
            await api.database.write(sweep)
            assert (await api.counts())["admin_idempotent_request"] == 2
            await age(api, RETENTION)
            await api.database.write(sweep)
            assert (await api.counts())["admin_idempotent_request"] == 0


async def test_long_answers(fresh_settings: FreshSettings) -> None:
    """An answer that is too long to be kept is replayed without its body, and says so."""
    async with zoos(fresh_settings) as both:
        for api in both:
            body = {"short": "x", "text": "y" * MAX_KEPT}
            assert (await keyed(api, "k", "POST", "specimens", body)).body
            again = await keyed(api, "k", "POST", "specimens", body)
            assert (again.status, again.body) == (201, b"")
            assert again.header("preference-applied") == "return=minimal"
            size = select(func.max(func.length(IdempotentRequest.body)))

            async def read(connection: Any, size: Any = size) -> Any:
                return await connection.scalar(size)

            assert await api.database.read(read) is None
