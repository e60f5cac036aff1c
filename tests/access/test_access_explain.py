"""Why somebody may do something or may not: the answer is what a request would meet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from api import allow, make_role
from conftest import KINDS, FreshSettings
from panel import prepare_library, prepare_zoo
from people import disable_user, set_roles
from sqlalchemy import update

from admin_app.access import actor_of_user, create_user
from admin_app.access.tables import Role
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Base, Grant, Origin, Registry
from admin_app.errors import AppError, BadRequestError, ForbiddenError, NotFoundError
from admin_app.records import Explanation, Records

ORIGIN = Origin("command line")


@dataclass
class Office:
    """Records, and an administrator who asks."""

    database: Database
    records: Records
    ana: Actor

    async def explain(
        self, user: str, resource: str, action: str, key: str | None = None, **more: Any
    ) -> Explanation:
        return await self.records.explain(self.ana, user, resource, action, key=key, **more)

    async def reason(self, *asked: str) -> str:
        found = await self.explain(*asked)
        assert found.allowed == (found.reason in {"all_rows", "rule"})
        assert found.words.endswith(".")
        return found.reason

    async def states(self, *asked: str) -> dict[str, str]:
        return {each.name: each.state for each in (await self.explain(*asked)).fields}

    async def user(self, name: str, *grants: Grant) -> Actor:
        """A user with a role of the same name."""
        await make_role(self.database, f"role of {name}", *grants)
        await create_user(self.database, name, None, [f"role of {name}"])
        return await actor_of_user(self.database, name)


async def opened(settings: Any, *models: str) -> AsyncIterator[Office]:
    database = Database(settings)
    records = Records(database, Registry.from_base(Base, models), b"x" * 32)
    yield Office(database, records, await actor_of_user(database, "ana"))
    await database.close()


@pytest.fixture(params=KINDS)
async def library(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[Office]:
    settings = fresh_settings(request.param, "panel_library", prepare_library)
    async for office in opened(settings, "admin_app.models"):
        yield office


@pytest.fixture(params=KINDS)
async def zoo(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[Office]:
    settings = fresh_settings(request.param, "panel_zoo", prepare_zoo)
    async for office in opened(settings, "zoo"):
        yield office


async def own_book(office: Office, who: Actor) -> str:
    book = office.records.registry["book"]
    writer = Actor(who.user_id, who.name, SYSTEM.grants)
    return (await office.records.create(writer, book, {"title": "Hers"}, origin=ORIGIN)).key_text


async def test_every_row(library: Office) -> None:
    """A grant of all rows is named with its role, for one record as for all."""
    for key in (None, "1"):
        found = await library.explain("vic", "book", "read", key)
        assert (found.verdict, found.reason) == ("allowed", "all_rows")
        ((grant),) = found.grants
        assert (grant.held.role, grant.held.grant, grant.true) == (
            "viewer",
            Grant("*", "read"),
            None,
        )
    assert found.words == "vic may read this book: the role viewer allows it on every row."


async def test_a_rule(library: Office) -> None:
    """Whether a rule is true for a record is found out for the user who is asked about."""
    una = await library.user("una", Grant("book", "read"), Grant("book", "update", "own"))
    key = await own_book(library, una)
    found = await library.explain("una", "book", "update", key)
    assert (found.reason, [each.true for each in found.grants]) == ("rule", [True, None])
    found = await library.explain("una", "book", "update", "1")
    assert (found.reason, [each.true for each in found.grants]) == ("no_rule_true", [False, None])
    found = await library.explain("una", "book", "update")
    assert (found.reason, [each.true for each in found.grants]) == ("rule", [None, None])
    assert await library.reason("una", "book", "delete", key) == "no_grant"


async def test_what_denies(library: Office) -> None:
    """Each reason to refuse is told by name."""
    una = await library.user(
        "una",
        Grant("book", "read", "own"),
        Grant("book", "update"),
        Grant("book", "delete", "own"),
        Grant("author", "update"),
        Grant("reader", "create", None, frozenset({"email", "active"})),
    )
    assert await library.reason("una", "comment", "read") == "no_grant"
    assert await library.reason("nob", "comment", "read") == "no_role"
    assert await library.reason("una", "book", "update", "1") == "out_of_sight"
    assert await library.reason("una", "book", "read", "1") == "out_of_sight"
    assert await library.reason("una", "author", "update", "1") == "not_readable"
    assert await library.reason("ana", "book", "impersonate") == "no_such_action"
    assert await library.reason("ana", "admin_security_event", "delete") == "no_such_action"
    assert await library.reason("una", "reader", "create") == "required_withheld"
    assert "email" in (await library.explain("una", "reader", "create")).words
    for key in ("4711", "no key", "1,2", ""):
        assert await library.reason("ana", "book", "read", key) == "absent"
    demand = update(Role).where(Role.name == "role of una").values(second_factor=True)
    await library.database.write(lambda each: each.execute(demand))
    assert await library.reason("una", "book", "update") == "second_factor_owed"
    await disable_user(library.database, una.name)
    assert await library.reason("UNA", "book", "update") == "user_disabled"


async def test_roles_add_up(library: Office) -> None:
    """Of several roles every grant is told; all rows by one of them decide."""
    await library.user("una", Grant("book", "read", "own"))
    await set_roles(library.database, "una", ["role of una", "viewer"])
    found = await library.explain("una", "book", "read", "1")
    assert found.reason == "all_rows"
    told = sorted((each.held.role, each.true) for each in found.grants)
    assert told == [("role of una", False), ("viewer", None)]


async def test_own_resources(library: Office) -> None:
    """``*`` says nothing of our own tables; an action that one of them declares is like any."""
    assert await library.reason("vic", "admin_user", "read") == "no_grant"
    assert await library.reason("ana", "admin_user", "impersonate") == "all_rows"
    assert await library.reason("ana", "admin_token", "issue") == "all_rows"


async def test_fields(library: Office) -> None:
    """A field is hidden, not to be set or out of sight for a reason, and so is a relation."""
    una = await library.user(
        "una",
        Grant("book", "read", None, frozenset({"isbn"})),
        Grant("book", "update", None, frozenset({"title"})),
        Grant("comment", "read"),
        Grant("reader", "read"),
    )
    found = {each.name: each for each in (await library.explain("una", "book", "read")).fields}
    assert (found["isbn"].state, found["title"].state) == ("hidden", "visible")
    assert [each.grant.action for each in found["isbn"].withheld_by] == ["read"]
    for name, words in (("authors", "authors"), ("added_by_id", "users")):
        assert found[name].state == "hidden"
        assert f"They may not read {words}" in found[name].words
    states = await library.states("una", "book", "update")
    assert [states[each] for each in ("title", "version", "isbn", "year")] == [
        *("read_only", "read_only", "hidden", "visible"),
    ]
    states = await library.states("una", "author", "read")
    assert set(states.values()) == {"hidden"}
    (one,) = (await library.explain("una", "book", "read", field="isbn")).fields
    assert one == found["isbn"]
    seen = library.records.registry_for(una)["book"]
    assert {name for name, each in found.items() if each.state != "hidden"} == {
        *seen.fields,
        *seen.relations,
    }


async def test_what_points_out_of_sight(library: Office) -> None:
    """With a record it is told which of its links lead to what is not in sight."""
    una = await library.user(
        "una", Grant("comment", "read"), Grant("book", "read", "own"), Grant("author", "read")
    )
    key = await own_book(library, una)
    states = await library.states("una", "comment", "read", "1")
    assert (states["book_id"], states["book"]) == ("out_of_sight", "out_of_sight")
    assert (await library.states("una", "author", "read", "1"))["books"] == "out_of_sight"
    comment = library.records.registry["comment"]
    made = await library.records.create(
        SYSTEM, comment, {"book_id": int(key), "text": "x"}, origin=ORIGIN
    )
    states = await library.states("una", "comment", "read", made.key_text)
    assert (states["book_id"], states["book"]) == ("visible", "visible")
    (field,) = (await library.explain("una", "comment", "read", field="book_id")).fields
    assert (field.state, bool(field.words)) == ("visible", True)


async def test_it_is_what_a_request_meets(library: Office) -> None:
    """For users, actions and records the verdict is what doing it comes to."""
    users = {
        "all": [Grant("book", each) for each in ("read", "update", "delete")],
        "own": [Grant("book", each, "own") for each in ("read", "update", "delete")],
        "sees": [Grant("book", "read"), Grant("book", "delete", "own")],
        "blind": [Grant("book", "update"), Grant("book", "delete")],
        "half": [Grant("book", "read", "own"), Grant("book", "update")],
    }
    book = library.records.registry["book"]
    for name, grants in users.items():
        actor = await library.user(name, *grants)
        key = await own_book(library, actor)
        for text in ("30", key, "4711"):
            for action in ("read", "update", "delete"):
                verdict = (await library.explain(name, "book", action, text)).allowed
                assert verdict == await done(library.records, actor, book, action, text), (
                    *(name, action, text),
                )


async def done(records: Records, actor: Actor, book: Any, action: str, text: str) -> bool:
    """Whether an action is done; undone again by an error at the end."""

    class UndoneError(Exception):
        pass

    async def work(writer: Any) -> None:
        if action == "update":
            await writer.update(book, book.parse_key(text), {"year": 1})
        else:
            await writer.delete(book, book.parse_key(text))
        raise UndoneError

    try:
        if action == "read":
            await records.get(actor, book, book.parse_key(text))
        else:
            await records.write(actor, ORIGIN, work)
    except UndoneError:
        return True
    except AppError:
        return False
    return True


async def test_everybody(library: Office) -> None:
    """For one record, every active user's rights, which are what each explanation says."""
    una = await library.user(
        "una", *(Grant("book", each, "own") for each in ("read", "update", "delete"))
    )
    await library.user("zed", Grant("book", "read"))
    await disable_user(library.database, "zed")
    book = library.records.registry["book"]
    key = await own_book(library, una)
    for text in ("1", key):
        found = await library.records.who_may(library.ana, book, book.parse_key(text))
        assert [each.user for each in found] == ["ana", "nob", "una", "vic"]
        for each in found:
            for action in ("read", "update", "delete"):
                one = await library.explain(each.user, "book", action, text)
                assert one.allowed == (action in each.may)
    assert found[2].may == {"read", "update", "delete"}
    with pytest.raises(NotFoundError):
        await library.records.who_may(library.ana, book, (4711,))


async def test_who_may_ask(library: Office) -> None:
    """Only who may read all of users and grants; a row out of the asker's sight is absent."""
    nosy = await library.user("nosy", Grant("admin_user", "read"), Grant("book", "read", "own"))
    book = library.records.registry["book"]
    vic = await actor_of_user(library.database, "vic")
    for actor in (nosy, vic):
        assert not library.records.may_explain(actor)
        with pytest.raises(ForbiddenError):
            await library.records.explain(actor, "vic", "book", "read")
        with pytest.raises(ForbiddenError):
            await library.records.who_may(actor, book, (1,))
        with pytest.raises(ForbiddenError):
            await library.records.roles(actor)
    hidden = Grant("admin_grant", "read", None, frozenset({"without"}))
    await allow(library.database, "role of nosy", hidden)
    nosy = await actor_of_user(library.database, "nosy")
    with pytest.raises(ForbiddenError):
        await library.records.explain(nosy, "vic", "book", "read")
    full = Actor(nosy.user_id, "nosy", nosy.grants - {hidden} | {Grant("admin_grant", "read")})
    assert (await library.records.explain(full, "vic", "book", "read")).allowed
    for key in ("1", "4711"):
        found = await library.records.explain(full, "vic", "book", "read", key=key)
        assert found.reason == "absent"
    with pytest.raises(NotFoundError):
        await library.records.who_may(full, book, (1,))


@pytest.mark.parametrize(
    ("asked", "errors"),
    [
        (("leo", "book", "read"), {"user": "vic"}),
        (("vic\0", "book", "read"), {"user": "vic"}),
        (("\ud800", "book", "read"), {"user": ""}),
        (("vic", "bok", "raed"), {"resource": "book", "action": "read"}),
        (("vic", "book", "deleet"), {"action": "delete"}),
        (("vic", "book", "create", "1"), {"key": ""}),
    ],
)
async def test_names_that_nothing_has(
    library: Office, asked: tuple[str, ...], errors: dict[str, str]
) -> None:
    """What is not there is refused with the nearest that is, all at once."""
    with pytest.raises(BadRequestError) as caught:
        await library.explain(*asked)
    assert {str(each.path[0]) for each in caught.value.errors} == {*errors}
    if asked[0] != "leo":
        for each in caught.value.errors:
            assert errors[str(each.path[0])] in each.detail
    with pytest.raises(BadRequestError) as caught:
        await library.explain("vic", "book", "read", field="isnb")
    assert "Did you mean isbn?" in caught.value.errors[0].detail


@pytest.mark.slow
async def test_every_resource_of_the_zoo(zoo: Office) -> None:
    """Whatever the declaration, an administrator may do all but its own actions to each record."""
    await zoo.user("una", Grant("ruled", "read", "own"), Grant("keeper", "read"))
    for resource in zoo.records.registry.values():
        query = zoo.records.query(zoo.ana, resource, [("limit", "1")])
        rows = (await zoo.records.page(zoo.ana, resource, query)).rows
        for action in resource.actions:
            reason = "no_grant" if action in resource.declared else "all_rows"
            assert await zoo.reason("ana", resource.name, action) == reason
            for row in rows if action != "create" else ():
                key = resource.key_text(resource.key_of(row))
                assert await zoo.reason("ana", resource.name, action, key) == reason
                rights = await zoo.records.who_may(zoo.ana, resource, resource.key_of(row))
                assert rights[0].may == {"read", "update", "delete"} & {*resource.actions}
        for user in ("ana", "una", "vic"):
            found = await zoo.explain(user, resource.name, "read")
            assert [each.name for each in found.fields] == [*resource.fields, *resource.relations]


async def test_sensitive_and_computed(zoo: Office) -> None:
    """A sensitive field is told as such, and one made of a hidden field is hidden with it."""
    await zoo.user(
        "una",
        Grant("computing", "read", None, frozenset({"name"})),
        Grant("computing", "update"),
    )
    found = {each.name: each for each in (await zoo.explain("una", "computing", "read")).fields}
    assert found["secret"].state == "sensitive"
    assert (found["name"].state, found["shout"].state) == ("hidden", "hidden")
    assert found["shout"].words == "It is made of a field that is hidden."
    states = await zoo.states("una", "computing", "update")
    assert (states["secret"], states["doubled"]) == ("sensitive", "read_only")
