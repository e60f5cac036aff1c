"""What is true of request limits: counted by credential, in the database, across workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from api import zoo_on
from conftest import KINDS, FreshSettings, Kind
from panel import house, prepare_library
from sqlalchemy import event, select

from admin_app.access import create_token, create_user, limits
from admin_app.access.limits import SHARE, WINDOW, RequestLimits, Standing, credential
from admin_app.access.tables import RequestCount
from admin_app.database import Database
from admin_app.declaration import ANONYMOUS, SYSTEM, Actor
from admin_app.errors import BusyError, TooManyRequestsError
from admin_app.settings import DatabaseSection, SecuritySection, Settings

ONE = Actor(user_id=1, name="bot", token_id=7)
OTHER = replace(ONE, token_id=8)
SEATED = Actor(user_id=1, name="ana", session_id=7)


class Clock:
    """Seconds that go by when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000_000 * WINDOW + 10.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def second(settings: Settings, database: Database) -> AsyncIterator[Database]:
    """Another worker's database: the same rows, connections of its own."""
    opened = Database(settings)
    yield opened
    await opened.close()


def admitted(worker: RequestLimits, actor: Actor = ONE) -> int:
    """How many requests more are answered."""
    for number in range(1_000):
        try:
            worker.admit(actor)
        except TooManyRequestsError:
            return number
    raise AssertionError


async def counts(database: Database) -> dict[tuple[str, int], int]:
    statement = select(RequestCount.key, RequestCount.window, RequestCount.requests)

    async def work(connection: Any) -> dict[tuple[str, int], int]:
        return {(row[0], row[1]): row[2] for row in await connection.execute(statement)}

    return await database.read(work)


async def test_one_worker(database: Database, clock: Clock) -> None:
    """Requests are admitted up to the limit, and each is told what is left and for how long."""
    worker = RequestLimits(database, 3, clock)
    assert worker.admit(ONE) == Standing(limit=3, remaining=2, seconds=50)
    clock.now += 9.5
    assert worker.admit(ONE) == Standing(limit=3, remaining=1, seconds=41)
    assert worker.admit(ONE) == Standing(limit=3, remaining=0, seconds=41)
    for _ in range(2):
        with pytest.raises(TooManyRequestsError) as refused:
            worker.admit(ONE)
        assert refused.value.headers == {
            "Retry-After": "41",
            "RateLimit-Policy": '"default";q=3;w=60',
            "RateLimit": '"default";r=0;t=41',
        }
    clock.now += 41
    assert worker.admit(ONE) == Standing(limit=3, remaining=2, seconds=60)


async def test_credentials_do_not_share(database: Database, clock: Clock) -> None:
    """Each token and each session has a limit of its own; who has neither has none."""
    worker = RequestLimits(database, 2, clock)
    assert [admitted(worker, each) for each in (ONE, OTHER, SEATED, ONE)] == [2, 2, 2, 0]
    assert [credential(each) for each in (ONE, SEATED)] == ["token 7", "session 7"]
    assert [worker.admit(each) for each in (SYSTEM, ANONYMOUS)] == [None, None]
    assert RequestLimits(database, 0, clock).admit(ONE) is None


async def test_workers_share(database: Database, second: Database, clock: Clock) -> None:
    """What one worker has settled counts at the other from its own next settlement on."""
    first, other = RequestLimits(database, 10, clock), RequestLimits(second, 10, clock)
    for _ in range(6):
        first.admit(ONE)
    await first.settle()
    assert other.admit(ONE) == Standing(limit=10, remaining=9, seconds=50)
    await other.settle()
    assert other.admit(ONE) == Standing(limit=10, remaining=2, seconds=50)
    await other.settle()
    assert admitted(other) == 2
    first.admit(ONE)
    await other.settle()
    await first.settle()
    assert sum((await counts(database)).values()) == 11
    assert admitted(first) == admitted(other) == 0


async def test_many_settle_at_once(database: Database, second: Database, clock: Clock) -> None:
    """Workers that settle the same credentials at the same time lose no request."""
    workers = [RequestLimits(each, 1_000, clock) for each in (database, second) * 3]
    for number, worker in enumerate(workers):
        for token in range(20):
            # Seen in another order by each, as requests come.
            worker.admit(replace(ONE, token_id=(token * 7 + number) % 20))
    await asyncio.gather(*(each.settle() for each in workers))
    assert set((await counts(database)).values()) == {len(workers)}


async def test_windows_that_are_over_are_deleted(database: Database, clock: Clock) -> None:
    """The database keeps the present window's counts, and a new window begins at nothing."""
    worker = RequestLimits(database, 5, clock)
    worker.admit(ONE)
    await worker.settle()
    old = int(clock.now // WINDOW)
    assert await counts(database) == {("token 7", old): 1}
    clock.now += WINDOW
    worker.admit(OTHER)
    worker.admit(OTHER)
    await worker.settle()
    assert await counts(database) == {("token 8", old + 1): 2}


async def test_settling_costs_one_write(database: Database, clock: Clock) -> None:
    """Hundreds of credentials are settled in one statement, and nothing is without a request."""
    worker = RequestLimits(database, 1_000, clock)
    for token in range(200):
        worker.admit(replace(ONE, token_id=token))
    await worker.settle()
    statements: list[str] = []
    event.listen(
        database.engine.sync_engine,
        "before_cursor_execute",
        lambda *each: statements.append(each[2]),
    )
    for token in range(200):
        worker.admit(replace(ONE, token_id=token))
    assert statements == []
    await worker.settle()
    await worker.settle()
    assert [each.split()[0] for each in statements if not each.startswith("BEGIN")] == ["INSERT"]


async def test_memory_is_bounded(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker remembers so many credentials; the rest of a count comes back with the next."""
    monkeypatch.setattr(limits, "MAX_CREDENTIALS", 2)
    worker = RequestLimits(database, 5, clock)
    assert admitted(worker, ONE) == 5
    await worker.settle()
    for actor in (OTHER, SEATED):
        worker.admit(actor)
    assert len(worker._counts) == 2
    worker.admit(ONE)
    assert len(worker._counts) == 2
    await worker.settle()
    assert admitted(worker, ONE) == 0


async def test_the_largest_settlement(database: Database, clock: Clock) -> None:
    """As many credentials as a worker remembers are settled at once."""
    worker = RequestLimits(database, 5, clock)
    for token in range(limits.MAX_CREDENTIALS + 3):
        worker.admit(replace(ONE, token_id=token))
    await worker.settle()
    assert len(await counts(database)) == limits.MAX_CREDENTIALS


async def test_without_a_database(settings: Settings, clock: Clock) -> None:
    """A worker that cannot settle goes on with what it knows, and loses nothing."""
    absent = DatabaseSection(url="postgresql+asyncpg://postgres@/library?host=/nowhere")
    database = Database(settings.model_copy(update={"database": absent}))
    worker = RequestLimits(database, 3, clock)
    worker.admit(ONE)
    with pytest.raises(BusyError):
        await worker.settle()
    async with worker.settling():
        assert admitted(worker) == 2
    assert admitted(worker) == 0
    await database.close()


async def test_settling_by_itself(database: Database, clock: Clock) -> None:
    """While it runs a worker settles without being asked, and what is much at once."""
    worker = RequestLimits(database, 2 * SHARE, clock)
    window = int(clock.now // WINDOW)
    async with worker.settling():
        worker.admit(ONE)
        worker.admit(ONE)
        async with asyncio.timeout(30):
            while await counts(database) != {("token 7", window): 2}:  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_a_new_window_while_settling(database: Database, clock: Clock) -> None:
    """Requests of a window that ended during its settlement do not count in the next."""
    worker = RequestLimits(database, 3, clock)
    worker.admit(ONE)
    settling = asyncio.create_task(worker.settle())
    await asyncio.sleep(0)
    clock.now += WINDOW
    worker.admit(ONE)
    await settling
    assert admitted(worker) == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_rest(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Every answer to a token says where it stands, refusals too; over the limit it is a 429."""
    security = SecuritySection(secret="a secret of this test's own" * 2, requests_per_minute=4)
    async with zoo_on(fresh_settings, kind, security=security) as api:
        api.limits.clock = Clock()
        for left, target, status in ((3, "folders", 200), (2, "folders/99", 404), (1, "no", 404)):
            answer = await api.call("GET", target)
            assert answer.status == status
            if target != "no":
                assert answer.header("ratelimit-policy") == '"default";q=4;w=60'
                assert answer.header("ratelimit") == f'"default";r={left};t=50'
        await api.call("POST", "folders", {"nope": 1})
        assert (await api.call("GET", "openapi.json")).header("ratelimit") == '"default";r=0;t=50'
        before = await api.counts()
        refused = await api.call("POST", "folders", {"name": "late"})
        refused.problem(429, "too_many_requests")
        assert refused.header("retry-after") == "50"
        assert refused.header("ratelimit") == '"default";r=0;t=50'
        assert await api.counts() == before
        anonymous = await api.call("GET", "folders", anonymous=True)
        assert (anonymous.status, anonymous.header("ratelimit")) == (401, None)
        await create_user(api.database, "bo", None, ["viewer"])
        api.token = await create_token(api.database, "bo", "test", None)
        assert (await api.call("GET", "folders")).status == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_panel(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A session over its limit gets a page that says so and when to come back; others do not."""
    async with house(fresh_settings(kind, "panel_library", prepare_library)) as home:
        home.limits.limit = 3
        home.limits.clock = Clock()
        async with home.client("ana") as client, home.client("vic") as other:
            for left in (2, 1, 0):
                answer = await client.get("/admin/book/list")
                assert answer.status_code == 200
                assert answer.headers["ratelimit-policy"] == '"default";q=3;w=60'
                assert answer.headers["ratelimit"] == f'"default";r={left};t=50'
            refused = await client.get("/admin/book/list")
            assert refused.status_code == 429
            assert refused.headers["retry-after"] == "50"
            assert refused.headers["ratelimit"] == '"default";r=0;t=50'
            assert "At most 3 requests a minute" in refused.text
            assert (await client.get("/admin/login")).status_code == 429
            assert (await other.get("/admin/")).status_code == 200
