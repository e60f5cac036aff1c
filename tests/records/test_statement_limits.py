"""How long a statement may run: as long as is usual, or as the roles of whoever acts say."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from api import Api, zoo_on
from commands import Commands, write_settings
from conftest import KINDS, FreshSettings, Kind
from slowly import HARD, NUMBERS
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.access import create_token
from admin_app.access.tables import Role, SecurityEvent
from admin_app.database import Database
from admin_app.database.limits import StatementLimits
from admin_app.declaration import COMMAND_LINE, SYSTEM
from admin_app.errors import InvalidInputError, TooSlowError
from admin_app.settings import DatabaseSection

LIMITS = StatementLimits(usual=10, most=60)


SLOW = {
    "sqlite": "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g)"
    " SELECT max(i) FROM g",
    "postgresql": "SELECT pg_sleep(30)",
}


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        ((), None),
        ((None,), None),
        ((2,), 2),
        ((2, None), None),
        ((30, None), 30),
        ((2, 30), 30),
        ((10, 2), None),
        ((600,), 60),
    ],
)
def test_of_several_roles_the_longest_counts(limits: Any, allowed: float | None) -> None:
    """Roles add up, one that says nothing allows the usual, and nobody passes the ceiling."""
    assert LIMITS.for_roles(frozenset(limits)) == allowed


def test_what_is_usual_is_under_the_ceiling() -> None:
    """A ceiling below what everybody has anyway takes nothing from anybody."""
    section = DatabaseSection(statement_timeout=30, statement_ceiling=5)
    assert StatementLimits.of(section).for_roles({20.0, 90.0}) is None


@asynccontextmanager
async def noting(database: Database) -> AsyncIterator[list[str]]:
    """Every statement that is sent inside."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


@pytest.mark.parametrize("kind", KINDS)
async def test_statements_are_stopped(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A read or a write with a limit of its own is stopped there; the next one has the usual."""
    settings = fresh_settings(kind)
    alone = settings.database.model_copy(update={"pool_size": 1})
    database = Database(settings.model_copy(update={"database": alone}))

    async def slow(connection: AsyncConnection | AsyncSession) -> None:
        await connection.execute(text(SLOW[kind]))

    async def usual(connection: AsyncConnection) -> Any:
        if kind == "postgresql":
            return await connection.scalar(text("SHOW statement_timeout"))
        fairy: Any = await connection.get_raw_connection()
        return f"{fairy.dbapi_connection.seconds:g}s"

    for snapshot in (False, True):
        with pytest.raises(TooSlowError, match=r"0\.1 s"):
            await database.read(slow, snapshot=snapshot, seconds=0.1)
        assert await database.read(usual) == "10s"
        assert await database.read(usual, snapshot=snapshot, seconds=2) == "2s"
        assert await database.read(usual, snapshot=True) == "10s"
    with pytest.raises(TooSlowError):
        await database.write(slow, seconds=0.1)

    async def add(session: AsyncSession) -> None:
        session.add(Role(name="kept"))
        await session.flush()

    await database.write(add, seconds=2)
    found = await database.read(lambda each: each.scalar(select(Role.id).filter_by(name="kept")))
    assert found is not None
    async with noting(database) as seen:
        await database.read(lambda each: each.execute(select(Role.id)))
        assert len(seen) == 1
        await database.read(lambda each: each.execute(select(Role.id)), seconds=2)
        assert len(seen) == (2 if kind == "sqlite" else 3)
    await database.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_role_limits_its_holders(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A list that takes longer than the caller's roles allow is 503 and says what to change."""
    async with zoo_on(fresh_settings, kind) as api:
        async with api.database.engine.begin() as connection:
            await connection.execute(text(NUMBERS[kind]))
        roles = {each.name: each.id for each in await api.records.roles(SYSTEM)}
        api.token = await api.token_of("thrifty", "viewer")
        assert len((await api.get("folders?limit=2"))["data"]) == 2
        await limit(api, roles["viewer"], 0.25)
        for target in (HARD, f"{HARD}&count=exact", f"{HARD}&include=parent"):
            answer = await api.call("GET", target)
            problem = answer.problem(503, "too_slow")
            assert "0.25 s" in problem["detail"]
            assert "filter" in problem["detail"]
            assert answer.header("retry-after") is None
        assert len((await api.get("folders?limit=2"))["data"]) == 2


async def limit(api: Api, role: int, seconds: float | None) -> None:
    data = {"statement_seconds": seconds}
    resource = api.registry["admin_role"]
    await api.records.update(SYSTEM, resource, (role,), data, origin=COMMAND_LINE)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_role_can_be_given(fresh_settings: FreshSettings, kind: Kind) -> None:
    """From a twentieth of a second to an hour, and the security log tells of it."""
    async with zoo_on(fresh_settings, kind) as api:
        role = next(each.id for each in await api.records.roles(SYSTEM) if each.name == "viewer")
        for wrong in (0, -1, 0.049, 3600.1, 1e308):
            with pytest.raises(InvalidInputError) as refused:
                await limit(api, role, wrong)
            assert [each.path for each in refused.value.errors] == [("statement_seconds",)]
        for right in (0.05, 3600, None):
            await limit(api, role, right)
        told = select(SecurityEvent.details).where(SecurityEvent.event == "role_changed")
        found = await api.database.read(lambda each: each.scalars(told.order_by(SecurityEvent.id)))
        assert [each["statement_seconds"] for each in found] == [0.05, 3600, None]


def test_the_command(
    fresh_settings: FreshSettings,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``role create`` and ``role limit`` say how long, ``role list`` tells it."""
    command = Commands(write_settings(fresh_settings("sqlite")), capfd, monkeypatch)
    command.fine("role", "create", "till", "--statement-seconds", "0.5")
    command.fine("role", "limit", "editor", "30")
    command.fine("role", "limit", "viewer", "5")
    command.fine("role", "limit", "viewer")
    lines = [re.split(r"\s{2,}", each) for each in command.fine("role", "list").splitlines()]
    found = {name: seconds for name, seconds, *_ in lines}
    assert (found["editor"], found["till"], found["viewer"]) == ("30 s", "0.5 s", "as usual")
    assert command("role", "limit", "viewer", "9999").code == 1
    assert command("role", "limit", "nobody", "9").code == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_number_of_seconds(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Whatever else is sent for it is refused at the field, and nothing is written."""
    async with zoo_on(fresh_settings, kind) as api:
        await api.token_of("root", "administrator")
        api.token = await create_token(api.database, "root", "roles", None, scopes=["admin_role:*"])
        raw = ["1e400", "-1e400", '"5"', "true", "[]", "{}", "1e308", "5e-324", "-0.0", "9" * 400]
        for each in raw:
            body = f'{{"name": "x", "statement_seconds": {each}}}'.encode()
            answer = await api.call("POST", "admin_roles", raw=body)
            assert answer.status in {400, 422}, (each, answer)
        assert not [each for each in await api.records.roles(SYSTEM) if each.name == "x"]
