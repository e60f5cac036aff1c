"""What a worker remembers of its callers: for less than a second, and nothing that was taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api import allow, forbid, make_role
from costs import asked
from sqlalchemy import delete, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import Callers, callers, create_token, create_user, revoke_token, rotate_token
from admin_app.access.callers import REMEMBERED_FOR
from admin_app.access.tables import Role, SecurityEvent, Token, User, UserRole
from admin_app.access.token_form import new_token
from admin_app.database import Database, Prepared
from admin_app.declaration import Grant
from admin_app.settings import Settings

READ = Grant("book", "read")
WRITE = Grant("book", "update")
Step = Callable[[AsyncSession], Awaitable[Any]]


class Clock:
    """Seconds that go by when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """One worker of an installation, with a clock of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.callers = Callers(database, self.clock)

    async def rights(self, token: str) -> set[Grant] | None:
        """What who has the token may do; none for nobody."""
        found = await self.callers.by_token(token)
        return None if found is None else set(found.grants)

    async def knows(self, token: str) -> bool:
        """Whether the caller is told without asking the database."""
        with asked(self.database) as statements:
            await self.callers.by_token(token)
        return not statements

    async def write(self, *statements: Any) -> None:
        async def work(session: AsyncSession) -> None:
            for each in statements:
                await session.execute(each)

        await self.database.write(work)


@pytest.fixture
async def worker(database: Database) -> Worker:
    """A worker, and Ann, who may read by one role."""
    await make_role(database, "reading", READ)
    await make_role(database, "writing", WRITE)
    await create_user(database, "ann", None, ["reading"])
    return Worker(database)


@pytest.fixture
async def token(worker: Worker) -> str:
    """Ann's token, whose use of this minute is written down."""
    made = await create_token(worker.database, "ann", "test", None)
    assert await worker.rights(made) == {READ}
    return made


@pytest.fixture
async def other(settings: Settings, worker: Worker) -> AsyncIterator[Worker]:
    """Another worker of the same installation."""
    opened = Database(settings)
    yield Worker(opened)
    await opened.close()
    assert worker.database is not opened


async def test_for_less_than_a_second(worker: Worker, token: str) -> None:
    """Who calls is looked up once, and again when that was so long ago, counted from before it."""
    assert 0 < REMEMBERED_FOR < 1
    await worker.rights(token)
    for seconds, known in ((0, True), (REMEMBERED_FOR - 0.001, True), (0.001, False), (0, True)):
        worker.clock.now += seconds
        assert await worker.knows(token) is known


async def test_each_token_for_itself(worker: Worker, token: str) -> None:
    """Two tokens of one user are two callers: each has its own scopes."""
    narrow = await create_token(worker.database, "ann", "none", None, scopes=["author:read"])
    for _ in range(3):
        assert [await worker.rights(each) for each in (token, narrow)] == [{READ}, set()]


CHANGES: dict[str, tuple[Any, set[Grant] | None]] = {
    "user": (update(User).values(active=False), None),
    "user role": (delete(UserRole), set()),
    "role": (delete(Role), set()),
    "role by its words": (text("DELETE FROM admin_role"), set()),
    "words after a blank": (text("\n  delete from admin_role"), set()),
    "words after a note": (text("/* all */ DELETE FROM admin_role"), set()),
    "words that begin with a query": (
        text("WITH all_of AS (SELECT id FROM admin_role) DELETE FROM admin_role"),
        set(),
    ),
    "token": (update(Token).values(revoked_at=datetime(2020, 1, 1, tzinfo=UTC)), None),
    "more roles": (
        insert(UserRole).from_select(
            ["user_id", "role_id"],
            select(User.id, Role.id).join(Role, Role.name == "writing").where(User.name == "ann"),
        ),
        {READ, WRITE},
    ),
    "a second factor": (update(Role).values(second_factor=True), set()),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_what_is_written_here_counts_at_once(worker: Worker, token: str, what: str) -> None:
    """A write of this worker to any table behind a caller is seen by the next request."""
    statement, then = CHANGES[what]
    await worker.rights(token)
    assert await worker.knows(token)
    await worker.write(statement)
    assert await worker.rights(token) == then


async def test_by_what_people_do(worker: Worker, token: str) -> None:
    """Granting, taking and revoking count at once, and so does what is done together."""
    await worker.rights(token)
    await allow(worker.database, "reading", WRITE)
    assert await worker.rights(token) == {READ, WRITE}
    await forbid(worker.database, "reading", READ)
    assert await worker.rights(token) == {WRITE}
    await worker.write(
        text("SELECT 1"), insert(SecurityEvent).values(_event()), delete(UserRole), _harmless()
    )
    assert await worker.rights(token) == set()
    newer = await rotate_token(worker.database, token[:12], timedelta(0))
    assert await worker.rights(token) is None
    assert await worker.rights(newer) is not None
    await revoke_token(worker.database, newer[:12])
    assert await worker.rights(newer) is None


async def test_what_is_undone_changes_nothing(worker: Worker, token: str) -> None:
    """A write that is taken back leaves callers as they were."""
    await worker.rights(token)

    async def fail(session: AsyncSession) -> None:
        await session.execute(delete(UserRole))
        raise LookupError

    with pytest.raises(LookupError):
        await worker.database.write(fail)
    await worker.database.write(lambda session: session.execute(delete(UserRole)), keep=False)
    assert await worker.rights(token) == {READ}


async def test_other_writes_leave_it(worker: Worker, token: str) -> None:
    """Writes to tables that no caller is made of cost no look-up."""
    await worker.rights(token)
    await worker.write(insert(SecurityEvent).values(_event()), _harmless())
    assert await worker.knows(token)


async def test_another_workers_revocation(worker: Worker, other: Worker, token: str) -> None:
    """What another worker takes is gone within a second, at both."""
    assert await other.rights(token) == await worker.rights(token) == {READ}
    await revoke_token(other.database, token[:12])
    assert await other.rights(token) is None
    worker.clock.now += REMEMBERED_FOR
    assert await worker.rights(token) is None


class _Held(Database):
    """A database whose reads are answered when they may be: what they saw may be old by then."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.seen, self.go_on = asyncio.Event(), asyncio.Event()
        self.go_on.set()

    async def fetch(self, prepared: Prepared, values: Any, **options: Any) -> Any:
        return await self._later(await super().fetch(prepared, values, **options))

    async def read(self, work: Any, **options: Any) -> Any:
        return await self._later(await super().read(work, **options))

    async def _later(self, found: Any) -> Any:
        self.seen.set()
        await self.go_on.wait()
        return found


async def test_a_look_up_that_raced(settings: Settings, worker: Worker, token: str) -> None:
    """What was looked up before a revocation and told after it is not remembered."""
    database = _Held(settings)
    try:
        slow = Worker(database)
        for known_before in (False, True):
            made = await create_token(worker.database, "ann", "test", None)
            await worker.rights(made)
            if known_before:
                await slow.rights(made)
                slow.clock.now += REMEMBERED_FOR
            database.go_on.clear()
            database.seen.clear()
            looking = asyncio.create_task(slow.rights(made))
            await database.seen.wait()
            revoking = asyncio.create_task(revoke_token(database, made[:12]))
            await revoking
            database.go_on.set()
            assert await looking == {READ}
            assert await slow.rights(made) is None
    finally:
        await database.close()


async def test_expiry_counts_exactly(worker: Worker, token: str) -> None:
    """A token that expires is over at that instant, though it is remembered."""
    for seconds in (1, 4, 16):
        life = timedelta(seconds=seconds)
        brief = await create_token(worker.database, "ann", "brief", life)
        end = datetime.now(UTC) + life
        used = [await worker.rights(brief) for _ in range(2)]
        known = await worker.knows(brief)
        if datetime.now(UTC) < end:
            break  # A slow machine may need a token that lives longer.
    assert (used, known) == ([{READ}, {READ}], True)
    await asyncio.sleep((end - datetime.now(UTC)).total_seconds())
    assert await worker.rights(brief) is None
    assert await worker.rights(token) == {READ}


async def test_at_most_so_many(worker: Worker, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many call, so many are remembered: those looked up last."""
    monkeypatch.setattr(callers, "MOST", 3)
    tokens = [await create_token(worker.database, "ann", str(n), None) for n in range(6)]
    for _ in range(2):  # The first use of each is written down, which is a write to tokens.
        for each in (token, *tokens):
            await worker.rights(each)
    assert len(worker.callers._by_token) == 3
    assert [await worker.knows(each) for each in tokens[3:]] == [True] * 3
    assert not await worker.knows(token)


async def test_nobody_is_not_remembered(worker: Worker, token: str) -> None:
    """Tokens that are unknown or mistyped take no room, and push nobody out."""
    await worker.rights(token)
    strangers = [new_token() for _ in range(5)]
    for each in (*strangers, *strangers, "adm_", "", "x" * 10_000, "\ud800", token[:-1] + "!"):
        assert await worker.rights(each) is None
    assert len(worker.callers._by_token) == 1
    assert await worker.knows(token)
    assert token not in str(vars(worker.callers))


def _event() -> dict[str, Any]:
    return {"at": datetime.now(UTC), "event": "test", "actor_name": "test"}


def _harmless() -> Any:
    return select(literal(1))
