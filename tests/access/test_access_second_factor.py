"""What is true of the second factor: its codes, its recovery codes, and what asks for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pyotp
import pytest
from factors import (
    HERE,
    PASSWORD,
    change,
    code_at,
    enrol,
    enrolled,
    enter,
    events,
    forget_steps,
    half,
    in_full,
    passing,
    rows,
    settled,
)
from pydantic import SecretStr
from sqlalchemy import select, update

from admin_app.access import (
    actor_of_session,
    actor_of_token,
    begin_enrolment,
    create_token,
    create_user,
    finish_enrolment,
    new_recovery_codes,
    remove_second_factor,
    reset_second_factor,
    second_factor_of,
    sign_in,
    sign_out,
)
from admin_app.access.second_factor import RECOVERY_CODES
from admin_app.access.tables import RecoveryCode, Role, SecurityEvent, User
from admin_app.access.totp import DRIFT
from admin_app.database import Database
from admin_app.declaration import Base
from admin_app.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
)
from admin_app.settings import SecuritySection, Settings


async def test_enrolment(database: Database, settings: Settings) -> None:
    """A secret counts once a code of it was given; till then a password is enough."""
    await create_user(database, "ana", PASSWORD, [])
    _, ana = await enter(database, settings)

    made = await begin_enrolment(database, settings, ana)
    read = pyotp.parse_uri(made.uri)
    assert (read.secret, read.name, read.issuer) == (made.secret, "ana", settings.app.title)
    assert isinstance(read, pyotp.TOTP)
    assert (read.digits, read.interval) == (6, 30)
    assert (await second_factor_of(database, settings, ana)).enrolment == made
    await enter(database, settings)
    with pytest.raises(InvalidInputError):
        await finish_enrolment(database, settings, ana, code_at(made.secret, 5), origin=HERE)
    await enter(database, settings)

    codes = await finish_enrolment(database, settings, ana, code_at(made.secret), origin=HERE)

    assert len({*codes}) == len(codes) == RECOVERY_CODES
    found = await second_factor_of(database, settings, ana)
    assert found.enabled_at is not None
    assert (found.codes_left, found.demanded, found.enrolment) == (RECOVERY_CODES, False, None)
    await half(database, settings)


async def test_beginning_again(database: Database, settings: Settings) -> None:
    """The newest secret that was begun is the one that counts, and one that counts stays."""
    await create_user(database, "ana", PASSWORD, [])
    _, ana = await enter(database, settings)
    old = await begin_enrolment(database, settings, ana)
    new = await begin_enrolment(database, settings, ana)

    with pytest.raises(InvalidInputError):
        await finish_enrolment(database, settings, ana, code_at(old.secret), origin=HERE)
    await finish_enrolment(database, settings, ana, code_at(new.secret), origin=HERE)

    with pytest.raises(ConflictError):
        await begin_enrolment(database, settings, ana)
    with pytest.raises(ConflictError):
        await finish_enrolment(database, settings, ana, code_at(new.secret, 1), origin=HERE)


async def test_nothing_to_finish(database: Database, settings: Settings) -> None:
    """Without a second factor there is none to finish, renew or remove."""
    await create_user(database, "ana", PASSWORD, [])
    _, ana = await enter(database, settings)

    with pytest.raises(ConflictError):
        await finish_enrolment(database, settings, ana, "123456", origin=HERE)
    with pytest.raises(ConflictError):
        await new_recovery_codes(database, ana, origin=HERE)
    with pytest.raises(ConflictError):
        await remove_second_factor(database, ana, origin=HERE)
    with pytest.raises(ConflictError):
        await reset_second_factor(database, "ana")
    with pytest.raises(NotFoundError):
        await reset_second_factor(database, "nobody")


async def test_code_is_good_once(database: Database, settings: Settings) -> None:
    """A code that was used is refused, and with it every earlier one; the next is taken."""
    secret, _ = await enrolled(database, settings)
    await settled()

    assert await passing(database, settings, await half(database, settings), code_at(secret))
    for steps in (0, -1):
        pending = await half(database, settings)
        assert not await passing(database, settings, pending, code_at(secret, steps))
    assert await passing(database, settings, await half(database, settings), code_at(secret, 1))


async def test_enrolment_uses_its_code(database: Database, settings: Settings) -> None:
    """The code that set up the second factor is used, too."""
    await create_user(database, "ana", PASSWORD, [])
    _, ana = await enter(database, settings)
    made = await begin_enrolment(database, settings, ana)
    code = code_at(made.secret)
    await finish_enrolment(database, settings, ana, code, origin=HERE)

    assert not await passing(database, settings, await half(database, settings), code)


async def test_drift(database: Database, settings: Settings) -> None:
    """A clock may be half a minute off either way, and no more."""
    secret, _ = await enrolled(database, settings)
    await settled()

    taken = []
    for steps in range(-DRIFT - 1, DRIFT + 2):
        await forget_steps(database)
        pending = await half(database, settings)
        taken.append(await passing(database, settings, pending, code_at(secret, steps)))
    assert taken == [False, True, True, True, False]


@pytest.mark.parametrize("code", ["", "000", "\0", "\ud800", "\uff11" * 6, "x" * 9999, "-" * 24])
async def test_wrong_codes(database: Database, settings: Settings, code: str) -> None:
    """Whatever is typed that is no code is refused as a wrong one."""
    _, codes = await enrolled(database, settings)
    pending = await half(database, settings)

    assert not await passing(database, settings, pending, code)
    assert not await passing(database, settings, pending, codes[0][:-1])
    assert await passing(database, settings, pending, codes[0])


async def test_recovery_code(database: Database, settings: Settings) -> None:
    """A recovery code stands in once, however it is typed, for its own user."""
    _, codes = await enrolled(database, settings)
    await create_user(database, "bea", PASSWORD, [])
    _, bea = await enter(database, settings, "bea")
    _, others = await enrol(database, settings, bea)

    pending = await half(database, settings)
    assert not await passing(database, settings, pending, others[0])
    misread = codes[0].replace("0", "o").replace("1", "l").replace("-", " ").upper()
    assert await passing(database, settings, pending, misread)
    assert not await passing(database, settings, await half(database, settings), codes[0])
    assert await passing(database, settings, await half(database, settings), codes[1])
    assert ("recovery_code_used", "ana", "ana") in await events(database)


async def test_new_recovery_codes(database: Database, settings: Settings) -> None:
    """New recovery codes end the old."""
    secret, old = await enrolled(database, settings)
    _, ana = await in_full(database, settings, secret)

    new = await new_recovery_codes(database, ana, origin=HERE)

    assert not await passing(database, settings, await half(database, settings), old[0])
    assert await passing(database, settings, await half(database, settings), new[0])
    assert (await second_factor_of(database, settings, ana)).codes_left == RECOVERY_CODES - 1


@pytest.mark.parametrize("recovery", [False, True])
async def test_one_code_at_once(database: Database, settings: Settings, recovery: bool) -> None:
    """Of several uses of one code at the same time one wins."""
    secret, codes = await enrolled(database, settings)
    await settled()
    pendings = [await half(database, settings) for _ in range(4)]
    code = codes[0] if recovery else code_at(secret)

    taken = await asyncio.gather(*(passing(database, settings, each, code) for each in pendings))

    assert Counter(taken) == {True: 1, False: 3}


async def demand(database: Database, *, demanded: bool = True) -> None:
    await change(database, update(Role).where(Role.name == "viewer").values(second_factor=demanded))


async def test_role_demands_it(database: Database, settings: Settings) -> None:
    """Nothing is granted until what a role demands is set up; then everything, at once."""
    await create_user(database, "ana", PASSWORD, ["viewer"])
    cookie, ana = await enter(database, settings)
    assert ana.grants
    token = await create_token(database, "ana", "test", None)
    await create_user(database, "till", None, ["viewer"], service=True)
    machine = await create_token(database, "till", "test", None)
    await demand(database)
    locked = await actor_of_session(database, settings, cookie)
    by_token = await actor_of_token(database, token)
    assert locked is not None
    assert by_token is not None
    for each in (locked, by_token):
        assert (each.must_enrol, each.grants) == (True, frozenset())

    await enrol(database, settings, locked)

    after = await actor_of_session(database, settings, cookie)
    assert after is not None
    assert (after.must_enrol, after.grants) == (False, ana.grants)
    for credential in (token, machine):
        found = await actor_of_token(database, credential)
        assert found is not None
        assert found.grants == ana.grants
    assert (await second_factor_of(database, settings, after)).demanded


async def test_removal(database: Database, settings: Settings) -> None:
    """It stays while a role demands it; removed, a password is enough again."""
    secret, _ = await enrolled(database, settings)
    await demand(database)
    _, ana = await in_full(database, settings, secret)
    with pytest.raises(ConflictError):
        await remove_second_factor(database, ana, origin=HERE)
    await demand(database, demanded=False)

    await remove_second_factor(database, ana, origin=HERE)

    await enter(database, settings)
    assert await rows(database, select(RecoveryCode.id)) == []
    assert await rows(database, select(User.totp_secret, User.totp_enabled_at)) == [(None, None)]


async def test_reset(database: Database, settings: Settings) -> None:
    """A lost second factor is removed from outside, also where a role has another set up then."""
    await enrolled(database, settings)
    await demand(database)

    await reset_second_factor(database, "ANA")

    _, ana = await enter(database, settings)
    assert ana.must_enrol
    assert ("second_factor_removed", "command line", "ana") in await events(database)


async def test_security_log(database: Database, settings: Settings) -> None:
    """What happens about it is written down, each with who, and where from."""
    secret, _ = await enrolled(database, settings)
    assert not await passing(database, settings, await half(database, settings), "000000")
    for name in ("ANA", "a password typed here"):
        with pytest.raises(UnauthenticatedError):
            await sign_in(database, settings, name, "wrong", origin=HERE)
    cookie, ana = await in_full(database, settings, secret)
    await remove_second_factor(database, ana, origin=HERE)
    await sign_out(database, cookie, origin=HERE)
    await sign_out(database, cookie, origin=HERE)

    mine = [each for each in await events(database) if each[0] != "user_created"]
    assert mine == [
        ("signed_in", "ana", "ana"),
        ("second_factor_enabled", "ana", "ana"),
        ("recovery_codes_made", "ana", "ana"),
        ("sign_in_failed", "anonymous", "ana"),
        ("sign_in_failed", "anonymous", "ana"),
        ("sign_in_failed", "anonymous", ""),
        ("signed_in", "ana", "ana"),
        ("second_factor_removed", "ana", "ana"),
        ("signed_out", "ana", "ana"),
    ]
    where = select(SecurityEvent.source, SecurityEvent.address, SecurityEvent.user_agent)
    where = where.where(SecurityEvent.event != "user_created")
    assert {tuple(row) for row in await rows(database, where)} == {("panel", "192.0.2.1", "test")}


async def test_secrets_are_not_stored(database: Database, settings: Settings) -> None:
    """No table holds the secret or a recovery code in clear."""
    secret, codes = await enrolled(database, settings)

    ours = [each for each in Base.metadata.sorted_tables if each.name.startswith("admin_")]
    stored = repr([await rows(database, select(each)) for each in ours])

    clear = [secret, secret.lower(), *codes, *(each.replace("-", "") for each in codes)]
    assert "ana" in stored
    assert [each for each in clear if each in stored] == []


async def test_seal(database: Database, settings: Settings) -> None:
    """Under another installation's secret, or in another user's row, a sealed secret is none."""
    secret, codes = await enrolled(database, settings)
    await create_user(database, "bea", PASSWORD, [])
    (row,) = await rows(database, select(User.totp_secret, User.id).where(User.name == "ana"))
    stolen = update(User).where(User.name == "bea")
    await change(
        database, stolen.values(totp_secret=row.totp_secret, totp_enabled_at=datetime.now(UTC))
    )
    pending, _ = await sign_in(database, settings, "bea", PASSWORD, origin=HERE)
    assert not await passing(database, settings, pending, code_at(secret))

    security = SecuritySection(secret=SecretStr("another installation's " * 2))
    moved = settings.model_copy(update={"security": security})
    pending = await half(database, settings)
    assert not await passing(database, moved, pending, code_at(secret))
    assert await passing(database, moved, pending, codes[0])


async def test_long_names(database: Database, settings: Settings) -> None:
    """The longest name fits into what a device is set up with."""
    name = "\U0001f980" * 150
    await create_user(database, name, PASSWORD, [])
    _, actor = await enter(database, settings, name)

    made = await begin_enrolment(database, settings, actor)

    assert len(made.uri) < 2300
    assert pyotp.parse_uri(made.uri).secret == made.secret
