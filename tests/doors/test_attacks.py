"""What somebody with some rights tries in order to have more, and what it comes to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api import make_role
from conftest import KINDS, FreshSettings, Kind
from panel import House, library, menagerie
from parity import Person, Row, all_rows, everything_but, person
from sqlalchemy import ForeignKey, MetaData, String, func, insert, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from admin_app import Base, Record, ResourceOptions
from admin_app.access import (
    actor_of_user,
    create_user,
    end_sessions,
    list_users,
    new_password_link,
    user_of_password_link,
)
from admin_app.access.secret import digest
from admin_app.access.sight import Sight
from admin_app.access.tables import SignInFailure
from admin_app.access.throttle import FREE_AT_ADDRESS, MAX_ROWS, admit
from admin_app.declaration import COMMAND_LINE, SYSTEM, Actor, Grant, Registry
from admin_app.errors import ForbiddenError, NotFoundError, TooManyRequestsError

pytestmark = pytest.mark.parametrize("kind", KINDS)


def all_but(home: House, *names: str) -> list[Grant]:
    """All actions on every declared resource except some."""
    return [each for each in everything_but(home, names[0]) if each.resource not in names]


async def stored(home: House, resource: str, key: str) -> Row:
    """A record as it is, whoever may see it."""
    return (await all_rows(home, home.records.registry[resource]))[key]


async def patched(some: Person, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """What a PATCH answers, without what differs each time."""
    answer = await some.api.patch(f"/api/v1/{path}", json=body)
    document = answer.json()
    document.pop("request_id", None)
    return answer.status_code, document


async def test_a_hidden_reference_is_not_guessed(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A foreign key that reads as null is neither confirmed by a guess nor cleared by a null."""
    async with menagerie(fresh_settings, kind) as home:
        limited = [Grant("keeper", action, "some") for action in ("read", "update")]
        async with person(home, "some", [*all_but(home, "keeper"), *limited]) as some:
            before = await stored(home, "keeper", "2")
            assert before["boss_id"] == 1
            right, wrong = [
                await patched(some, "keepers/2", {"boss_id": guess}) for guess in (1, 999)
            ]
            assert right == wrong
            assert right[0] == 422
            status, answer = await patched(some, "keepers/2", {"boss_id": None})
            assert (status, answer["version"]) == (200, before["version"])
            assert await stored(home, "keeper", "2") == before


async def test_part_of_a_hidden_reference(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Who sets one part of a foreign key out of sight learns nothing of the other part."""
    async with menagerie(fresh_settings, kind) as home:
        for number in (7, 8):
            await home.add("composite", {"room": "out", "number": number})
        await home.add("composite", {"room": "in", "number": 7, "name": "of the rule"})
        for number in (7, 8):
            await home.add("cage", {"name": str(number), "room": "out", "number": number})
        one, other = [
            key
            for key, row in (await all_rows(home, home.records.registry["cage"])).items()
            if row["room"] == "out"
        ]
        in_sight = Grant("composite", "read", "some")
        async with person(home, "some", [*all_but(home, "composite"), in_sight]) as some:
            seen = await some.json(f"cages/{one}")
            assert (seen["room"], seen["number"]) == (None, None)
            # With number 7 the first would lead to a record in sight, the second nowhere.
            answers = [await patched(some, f"cages/{key}", {"room": "a"}) for key in (one, other)]
            assert {status for status, _ in answers} == {200}
            for key in (one, other):
                row = await stored(home, "cage", key)
                assert (row["room"], row["number"]) == ("a", None)


async def test_links_that_are_records(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A set made of another resource's records is hidden from who may not read all of those."""
    async with menagerie(fresh_settings, kind) as home:
        assert (await stored(home, "keeper", "1"))["visited"] != []
        others = all_but(home, "visit")
        hides = {
            "none": [],
            "rule": [Grant("visit", "read", "some")],
            "all": [Grant("visit", "read")],
        }
        for name, grants in hides.items():
            async with person(home, name, [*others, *grants]) as some:
                rows = (await some.json("keepers?limit=50"))["data"]
                assert {"visited" in row for row in rows} == {name == "all"}


async def test_a_key_brings_no_history(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Who makes a record anew does not see what was said of one that was out of their sight."""
    async with menagerie(fresh_settings, kind) as home:
        labels, records = home.records.registry["label"], home.records
        key = labels.parse_key("again")
        await home.add("label", {"code": "again", "name": "a secret"})
        await records.update(SYSTEM, labels, key, {"name": "another"}, origin=COMMAND_LINE)
        await records.delete(SYSTEM, labels, key, origin=COMMAND_LINE)
        limited = [Grant("label", action, "some") for action in ("read", "create", "update")]
        async with person(home, "some", limited) as some:
            made = {"code": "again", "name": "first"}
            assert (await some.api.post("/api/v1/labels", json=made)).status_code == 201
            told = await records.history(some.actor, labels, key)
            assert [each.action for each in told] == ["create"]
            assert len(await records.history(SYSTEM, labels, key)) == 4


async def test_a_wrong_body_names_no_fields(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Who may not read a resource is refused before the body is looked at."""
    async with library(fresh_settings, kind) as home, person(home, "nobody", []) as nobody:
        for path in ("books/1", "admin_users/1"):
            wrong, right = [await patched(nobody, path, body) for body in ({"x": 1}, {})]
            assert wrong == right
            assert wrong[0] == 403


async def test_a_withheld_relation_is_its_fields(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Withholding a relation withholds the foreign key that it stands for."""
    async with library(fresh_settings, kind) as home:
        grants = [
            *all_but(home, "comment"),
            Grant("comment", "read", None, frozenset({"book"})),
            Grant("comment", "update", None, frozenset({"reader"})),
        ]
        async with person(home, "some", grants) as some:
            row = await some.json("comments/1")
            assert "book_id" not in row
            assert row["reader_id"] == 1
            assert (await some.api.get("/api/v1/comments?book_id=1")).status_code == 400
            status, answer = await patched(some, "comments/1", {"reader_id": None})
            assert (status, answer["errors"][0]["code"]) == (422, "unknown_field")


async def id_of(home: House, name: str) -> int:
    return next(each.id for each in await list_users(home.database) if each.name == name)


async def test_a_rule_is_no_power_over_others(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Who may do the same by a rule does not take an account over: its rows are others there."""
    async with library(fresh_settings, kind) as home:
        own = Grant("book", "read", "own")
        await make_role(home.database, "owner", own)
        await create_user(home.database, "una", None, ["owner"])
        await make_role(home.database, "helper", own, Grant("admin_user", "update"))
        await create_user(home.database, "helper", None, ["helper"])
        helper = await actor_of_user(home.database, "helper")
        for power in (new_password_link, end_sessions):
            with pytest.raises(ForbiddenError, match="more than you"):
                await power(home.database, helper, "una", COMMAND_LINE)
            await power(home.database, helper, "nob", COMMAND_LINE)


async def test_nobody_signs_out_who_may_more(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Ending a session as a record takes as much as its user may do."""
    async with library(fresh_settings, kind) as home:
        sessions = home.records.registry["admin_session"]
        grants = [Grant("admin_session", action) for action in ("read", "delete")]
        await make_role(home.database, "porter", *grants)
        await create_user(home.database, "porter", None, ["porter"])
        porter = await actor_of_user(home.database, "porter")
        query = home.records.query(SYSTEM, sessions, [])
        found = (await home.records.page(SYSTEM, sessions, query)).rows
        by_user = {each["user_id"]: (each["id"],) for each in found}
        keys = {name: by_user[await id_of(home, name)] for name in ("ana", "vic", "nob")}
        for name in ("ana", "vic"):
            with pytest.raises(ForbiddenError):
                await home.records.delete(porter, sessions, keys[name], origin=COMMAND_LINE)
        await home.records.delete(porter, sessions, keys["nob"], origin=COMMAND_LINE)
        async with home.client("ana") as ana:
            assert (await ana.get("/admin/")).status_code == 200


async def test_a_link_does_not_rise(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A password link ends when its user is given a role: who made it may have less."""
    async with library(fresh_settings, kind) as home:
        users, database = home.records.registry["admin_user"], home.database
        roles = home.records.registry["admin_role"]
        query = home.records.query(SYSTEM, roles, [("name", "administrator")])
        (role,) = (await home.records.page(SYSTEM, roles, query)).rows
        nob = (await id_of(home, "nob"),)
        await make_role(database, "helper", Grant("admin_user", "update"))
        await create_user(database, "helper", None, ["helper"])
        helper = await actor_of_user(database, "helper")
        link = await new_password_link(database, helper, "nob", COMMAND_LINE)
        await home.records.update(SYSTEM, users, nob, {"name": "bob"}, origin=COMMAND_LINE)
        assert await user_of_password_link(database, link) == "bob"
        given = {"roles": [role["id"]]}
        await home.records.update(SYSTEM, users, nob, given, origin=COMMAND_LINE)
        with pytest.raises(NotFoundError):
            await user_of_password_link(database, link)
        with pytest.raises(ForbiddenError):
            await new_password_link(database, helper, "bob", COMMAND_LINE)


async def test_codes_are_not_bought_with_names(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Names tried from everywhere push out counts of their own kind, and none of wrong codes."""
    async with library(fresh_settings, kind) as home:
        for _ in range(FREE_AT_ADDRESS):
            await admit(home.database, "1", "192.0.2.1", "code")
        later = datetime.now(UTC) + timedelta(seconds=1)
        flood = [
            {"key": digest(str(each)), "failures": 1, "at": later} for each in range(MAX_ROWS + 1)
        ]
        await home.database.write(lambda each: each.execute(insert(SignInFailure), flood))
        await admit(home.database, "anybody", "192.0.2.2")
        with pytest.raises(TooManyRequestsError):
            await admit(home.database, "1", "192.0.2.1", "code")


OTHERS = MetaData(naming_convention=Base.metadata.naming_convention)


class Ward(Record):
    """Somebody's; with a secret."""

    metadata = OTHERS

    name: Mapped[str] = mapped_column(String(20))
    secret: Mapped[str] = mapped_column(String(20))
    guardian_id: Mapped[int] = mapped_column(ForeignKey("guardian.id"))


class Guarding(Base):
    """A link that is a record."""

    metadata = OTHERS

    guardian_id: Mapped[int] = mapped_column(ForeignKey("guardian.id"), primary_key=True)
    ward_id: Mapped[int] = mapped_column(ForeignKey("ward.id"), primary_key=True)


class Guardian(Record):
    """With values that are made of wards, and of other guardians."""

    metadata = OTHERS
    __resource__ = ResourceOptions(rules={"some": lambda each: each.id < 3})

    name: Mapped[str] = mapped_column(String(20))
    wards: Mapped[list[Ward]] = relationship()
    guarded: Mapped[list[Ward]] = relationship(secondary="guarding")

    @hybrid_property
    def count(self) -> int:
        return len(self.wards)

    @count.inplace.expression
    @classmethod
    def _count(cls) -> Any:
        wards = select(func.count()).select_from(Ward).where(Ward.guardian_id == cls.id)
        return wards.scalar_subquery()

    @hybrid_property
    def trusted(self) -> bool:
        return any(each.secret == "x" for each in self.wards)

    @trusted.inplace.expression
    @classmethod
    def _trusted(cls) -> Any:
        return cls.wards.any(Ward.secret == "x")

    @hybrid_property
    def namesakes(self) -> int:
        return 0

    @namesakes.inplace.expression
    @classmethod
    def _namesakes(cls) -> Any:
        other = aliased(cls)
        return select(func.count(other.id)).where(other.name == cls.name).scalar_subquery()


@pytest.mark.parametrize(
    ("grants", "seen"),
    [
        ([Grant("ward", "read")], {"count", "trusted", "namesakes"}),
        ([], {"namesakes"}),
        ([Grant("ward", "read", None, frozenset({"secret"}))], {"count", "namesakes"}),
    ],
)
def test_what_is_made_of_hidden_records(kind: Kind, grants: list[Grant], seen: set[str]) -> None:
    """A hybrid that counts, or asks of, records out of sight is out of sight itself."""
    del kind
    sight = Sight(Registry.from_base(Base, [__name__]))

    def made(*guardians: Grant) -> set[str]:
        actor = Actor(1, "some", frozenset([*grants, *guardians]))
        fields = sight.registry(actor)["guardian"].fields
        return fields.keys() & {"count", "trusted", "namesakes"}

    assert made(Grant("guardian", "read")) == seen
    assert made(Grant("guardian", "read", "some")) == seen - {"namesakes"}


def test_records_are_not_written_as_links(kind: Kind) -> None:
    """A set made of another resource's records is read-only: it has no rights and no history."""
    del kind
    guardian = Registry.from_base(Base, [__name__])["guardian"]
    assert not guardian.relations["guarded"].writable
    assert "guarded" not in guardian.update.typed.__annotations__
