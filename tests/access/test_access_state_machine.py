"""What a session and a token may do, after anything that can happen to who holds them.

Two workers on one database are driven by whatever hypothesis thinks of, beside a model in plain
Python. After each step every cookie and every token ever made is used at both workers: what it
opens must be what the model says. At the worker that took the step, and for cookies, nothing is
waited for: what is taken away is gone at once. For the other worker a second passes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest
from access_model import (
    ACT,
    NOTHING,
    PASSWORDS,
    RIGHTS,
    ROLES,
    SCOPES,
    Cookie,
    Key,
    Model,
    Person,
    Right,
    Seen,
    Sees,
    covers,
)
from api import Answer, Api, serving
from conftest import KINDS, FreshSettings, Kind, migrated
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from people import disable_user, enable_user, set_roles
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.access import (
    actor_of_session,
    begin_impersonation,
    change_password,
    create_token,
    create_user,
    csrf_token,
    end_impersonation,
    revoke_token,
    set_password,
    sign_in,
)
from admin_app.access.secret import digest
from admin_app.access.tables import Role, RoleGrant, Session, Token, User
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Origin
from admin_app.errors import AppError, ConflictError, ForbiddenError
from admin_app.models import Book
from admin_app.settings import Settings

T = TypeVar("T")


PANEL = Origin("panel", address="192.0.2.1")


async def by_cookie(worker: Api, secret: str) -> Seen:
    """What a page of the panel shows."""
    answer = await worker.call(
        "GET", "/admin/book/list", headers=[("cookie", f"session={secret}")], anonymous=True
    )
    if answer.status == 303:
        assert str(answer.header("location")).startswith("/admin/login")
        return None
    if answer.status == 403:
        return NOTHING
    assert answer.status == 200, answer
    html = answer.body.decode()
    books = frozenset(int(each) for each in re.findall(r'/admin/book/details/(\d+)["?]', html))
    return Sees(books, 'href="/admin/book/create"' in html)


async def by_key(worker: Api, token: str) -> Seen:
    """What the API answers."""
    bearer = [("authorization", f"Bearer {token}")]
    read: Answer = await worker.call("GET", "books?limit=200", headers=bearer)
    made: Answer = await worker.call("POST", "books", {}, headers=bearer)
    if 401 in {read.status, made.status}:
        assert read.status == made.status
        return None
    # What may be made is looked at, and lacks its title.
    assert made.status in {403, 422}
    if read.status == 403:
        return Sees(frozenset(), made.status == 422)
    assert read.status == 200, read
    return Sees(frozenset(each["id"] for each in read.json["data"]), made.status == 422)


WORKER = WHO = st.integers(0, 1)


WHICH = st.integers(0, 2)


MOST = 3
"""Credentials of a kind that are used after each step."""


def room(made: list[Any]) -> bool:
    """Whether one more can be made, for which one that is over is forgotten."""
    if len(made) < MOST:
        return True
    gone = next((each for each in made if each.over), None)
    if gone is not None:
        made.remove(gone)
    return gone is not None


class Access(RuleBasedStateMachine):
    """Two people, three roles, what they open, and what is taken from them."""

    def __init__(self, runner: asyncio.Runner, workers: tuple[Api, Api]) -> None:
        super().__init__()
        self.runner = runner
        self.workers = workers
        self.model = Model()
        self.role_ids: dict[str, int] = {}
        self.acted: set[int] = set()
        """The workers that took this step."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def database(self, worker: int) -> Database:
        self.acted.add(worker)
        return self.workers[worker].database

    def execute(self, statement: Any) -> None:
        self.run(self.database(0).write(lambda transaction: transaction.execute(statement)))

    @initialize()
    def begin(self) -> None:
        """Both have a role, a session and a token, and one acts as the other."""
        nobodys, *books = self.run(self.database(0).write(_emptied))
        self.model.nobodys_book = nobodys
        for name, rights in ROLES.items():
            role = self.run(self._add("admin_role", {"name": name}))
            self.role_ids[name] = role.key[0]
            self.model.roles[name] = set()
            for each in sorted(rights, key=str):
                self.give_or_take(name, each, 0)
        for name, role_, book in (("ana", "chief", books[0]), ("vic", "owner", books[1])):
            user = self.run(create_user(self.database(0), name, PASSWORDS[0], [role_]))
            self.execute(update(Book).where(Book.id == book).values(added_by_id=user))
            self.model.people.append(Person(user, name, {role_}, book))
        for who in (0, 1):
            self.enter(who, who)
            self.make_token(who, None, who)
        self.enter(0, 0)
        self.act(MOST - 1, writes=False, worker=1)

    async def _add(self, resource: str, body: dict[str, Any]) -> Any:
        api = self.workers[0]
        return await api.records.create(SYSTEM, api.registry[resource], body, origin=PANEL)

    @rule(who=WHO, worker=WORKER)
    def enter(self, who: int, worker: int) -> None:
        """Somebody signs in."""
        person = self.model.people[who]
        if not person.active or not room(self.model.cookies):
            return
        api, password = self.workers[worker], PASSWORDS[person.password]
        secret, actor = self.run(
            sign_in(api.database, api.settings, person.name, password, origin=PANEL)
        )
        assert actor is not None
        self.model.cookies.append(Cookie(secret, person))

    @precondition(lambda self: self.model.cookies)
    @rule(which=WHICH, worker=WORKER)
    def leave(self, which: int, worker: int) -> None:
        """Somebody signs out, perhaps while acting as somebody else."""
        cookie = pick(self.model.cookies, which)
        answer = self.run(
            self.workers[worker].call(
                "POST",
                "/admin/logout",
                raw=f"_csrf={csrf_token(cookie.secret)}".encode(),
                headers=[
                    ("cookie", f"session={cookie.secret}"),
                    ("sec-fetch-site", "same-origin"),
                    ("content-type", "application/x-www-form-urlencoded"),
                ],
                anonymous=True,
            )
        )
        assert answer.status == 303
        cookie.over = True

    @precondition(lambda self: self.model.cookies)
    @rule(which=WHICH, worker=WORKER)
    def change_own_password(self, which: int, worker: int) -> None:
        """Somebody changes their own password, in one of their sessions."""
        cookie = pick(self.model.cookies, which)
        if self.model.by_cookie(cookie) is None or cookie.acting_as:
            return
        person, database = cookie.owner, self.database(worker)
        old, new = PASSWORDS[person.password], PASSWORDS[1 - person.password]
        actor = self.run(self._actor(cookie, worker))
        self.run(change_password(database, actor, old, new, PANEL))
        self.model.new_password(person, cookie)

    @rule(who=WHO, worker=WORKER)
    def give_password(self, who: int, worker: int) -> None:
        """Somebody is given a password."""
        person = self.model.people[who]
        new = PASSWORDS[1 - person.password]
        self.run(set_password(self.database(worker), person.name, new))
        self.model.new_password(person)

    @rule(who=WHO, worker=WORKER, as_record=st.booleans())
    def disable_or_enable(self, who: int, worker: int, as_record: bool) -> None:
        """Somebody is disabled, or enabled again, by command or as a record."""
        person, api = self.model.people[who], self.workers[worker]
        person.active = not person.active
        if as_record:
            users, body = api.registry["admin_user"], {"active": person.active}
            self.run(api.records.update(SYSTEM, users, (person.id,), body, origin=PANEL))
        else:
            change = enable_user if person.active else disable_user
            self.run(change(api.database, person.name))
        self.model.close(person)

    @rule(who=WHO, roles=st.sets(st.sampled_from(sorted(ROLES))), worker=WORKER)
    def change_roles(self, who: int, roles: set[str], worker: int) -> None:
        """Somebody has other roles from now on."""
        person = self.model.people[who]
        self.run(set_roles(self.database(worker), person.name, roles))
        person.roles = roles

    @rule(name=st.sampled_from(sorted(ROLES)), right=st.sampled_from(RIGHTS), worker=WORKER)
    def give_or_take(self, name: str, right: Right, worker: int) -> None:
        """A role is given a grant that it lacks, or loses one that it has."""
        api, held = self.workers[worker], self.model.roles[name]
        grants, body = api.registry["admin_grant"], {"role_id": self.role_ids[name]}
        if right in held:
            grant = self.run(api.database.read(lambda each: each.scalar(_grant(body, right))))
            self.run(api.records.delete(SYSTEM, grants, (grant,), origin=PANEL))
        else:
            added = body | right._asdict()
            self.run(api.records.create(SYSTEM, grants, added, origin=PANEL))
        held ^= {right}

    @rule(who=WHO, scopes=st.sampled_from(SCOPES), worker=WORKER)
    def make_token(self, who: int, scopes: tuple[str, ...] | None, worker: int) -> None:
        """Somebody is given a token."""
        person = self.model.people[who]
        if not person.active or not room(self.model.keys):
            return
        year = timedelta(days=365)
        text = self.run(create_token(self.database(worker), person.name, "x", year, scopes=scopes))
        self.model.keys.append(Key(text, person, scopes))

    @precondition(lambda self: self.model.keys)
    @rule(which=WHICH, worker=WORKER)
    def revoke(self, which: int, worker: int) -> None:
        """A token is revoked."""
        key = pick(self.model.keys, which)
        self.run(revoke_token(self.database(worker), key.text))
        key.over = True

    @precondition(lambda self: self.model.keys)
    @rule(which=WHICH)
    def expire_token(self, which: int) -> None:
        """A token's time is up."""
        key = pick(self.model.keys, which)
        past = datetime.now(UTC) - timedelta(milliseconds=1)
        mine = Token.token_hash == digest(key.text)
        self.execute(update(Token).where(mine).values(expires_at=past))
        key.over = True

    @precondition(lambda self: self.model.cookies)
    @rule(which=WHICH, what=st.sampled_from(["expired", "idle", "nearly idle"]))
    def time_passes(self, which: int, what: str) -> None:
        """A session's time is up, or it has not been used for too long, or nearly so."""
        cookie = pick(self.model.cookies, which)
        if cookie.over:
            return
        now, idle = datetime.now(UTC), self.workers[0].settings.security.session_idle
        ago = {"expired": 0, "idle": idle, "nearly idle": idle - 60}[what]
        values = {"used_at" if ago else "expires_at": now - timedelta(seconds=ago)}
        mine = Session.token_hash == digest(cookie.secret)
        self.execute(update(Session).where(mine).values(values))
        cookie.over |= what != "nearly idle"

    @precondition(lambda self: self.model.cookies)
    @rule(which=WHICH, writes=st.booleans(), worker=WORKER)
    def act(self, which: int, writes: bool, worker: int) -> None:
        """Somebody begins to act as the other; refused where the other may do more."""
        cookie = pick(self.model.cookies, which)
        if self.model.by_cookie(cookie) is None or cookie.acting_as:
            return
        (other,) = (each for each in self.model.people if each is not cookie.owner)
        mine, theirs = self.model.rights(cookie.owner), self.model.rights(other)
        wanted: type[AppError] | None = None
        if not covers(mine, {ACT, *theirs}):
            wanted = ForbiddenError
        if ACT in mine and not other.active:
            wanted = ConflictError
        actor = self.run(self._actor(cookie, worker))
        begun = begin_impersonation(self.database(worker), actor, other.id, PANEL, writes=writes)
        if wanted is not None:
            with pytest.raises(wanted):
                self.run(begun)
            return
        self.run(begun)
        cookie.acting_as, cookie.writes = other, writes

    @precondition(lambda self: self.model.cookies)
    @rule(which=WHICH, worker=WORKER)
    def be_oneself(self, which: int, worker: int) -> None:
        """Somebody ends acting as the other."""
        cookie = pick(self.model.cookies, which)
        if self.model.by_cookie(cookie) is None:
            return
        actor = self.run(self._actor(cookie, worker))
        self.run(end_impersonation(self.database(worker), actor, PANEL))
        cookie.acting_as = None

    async def _actor(self, cookie: Cookie, worker: int) -> Actor:
        api = self.workers[worker]
        actor = await actor_of_session(api.database, api.settings, cookie.secret)
        assert actor is not None
        return actor

    @invariant()
    def every_credential_opens_what_it_should(self) -> None:
        """At both workers."""
        for place, worker in enumerate(self.workers):
            if place not in self.acted:
                worker.callers.clock = partial(float, worker.callers.clock() + 1.0)
            for cookie in self.model.cookies:
                expected = self.model.by_cookie(cookie)
                # Without the list there is nothing on which to make a record.
                expected = expected and (expected if expected.books else NOTHING)
                assert self.run(by_cookie(worker, cookie.secret)) == expected
            for key in self.model.keys:
                assert self.run(by_key(worker, key.text)) == self.model.by_key(key)
        self.acted.clear()


def pick(made: list[T], which: int) -> T:
    return made[which % len(made)]


def _grant(body: dict[str, Any], right: Right) -> Any:
    return (
        select(RoleGrant.id)
        .filter_by(**body, resource=right.resource, action=right.action)
        .where(RoleGrant.rule.is_not_distinct_from(right.rule))
    )


async def _emptied(transaction: AsyncSession) -> list[int]:
    """Nobody is there any more, and three books that are nobody's."""
    await transaction.execute(delete(Book))
    await transaction.execute(delete(User))
    await transaction.execute(delete(Role).where(Role.name.in_(ROLES)))
    made = [Book(title=f"Book {number}", version=1) for number in range(3)]
    transaction.add_all(made)
    await transaction.flush()
    return [each.id for each in made]


async def _prepared(settings_: Settings) -> None:
    await migrated(settings_)
    database = Database(settings_)
    await create_user(database, "ann", None, ["editor"])
    await database.close()


def explore(fresh: FreshSettings, kind: Kind, **options: Any) -> None:
    """Let hypothesis try to find a credential that opens what it should not, or less."""
    made = fresh(kind, "access_state", _prepared)
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        models = {"models": ("admin_app.models",)}
        # Two applications, so that they share no more than the database, as two processes do.
        first, second = [
            runner.run(stack.enter_async_context(serving(made, shared=shared, **models)))
            for shared in (True, False)
        ]
        try:
            run_state_machine_as_test(
                lambda: Access(runner, (first, second)),  # type: ignore[arg-type]
                settings=settings(
                    deadline=None, suppress_health_check=list(HealthCheck), **options
                ),
            )
        finally:
            runner.run(stack.aclose())


@pytest.mark.parametrize("kind", KINDS)
def test_state_machine(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Whatever happens, each credential opens at every worker what it should, and nothing else."""
    explore(fresh_settings, kind, max_examples=2, stateful_step_count=12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_state_machine_at_length(fresh_settings: FreshSettings, kind: Kind) -> None:
    """The same, for as long as a night's run may take."""
    explore(fresh_settings, kind, max_examples=40, stateful_step_count=40)
