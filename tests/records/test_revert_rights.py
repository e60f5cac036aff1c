"""Undoing takes the rights of the writes that it is, and tells no more than reads do."""

from __future__ import annotations

import uuid

import pytest
from api import make_role
from pasts import REST, Past, keepers, past_of_a_zoo  # noqa: F401 - a fixture

from admin_app.declaration import SYSTEM, Actor, Grant
from admin_app.errors import (
    ForbiddenError,
    NotFoundError,
    RevertConflictError,
)


async def test_rights(past: Past) -> None:
    """An undoing takes the rights of the write that it is, and shows no more than a read."""
    await past.done("POST", "cages", {"name": "c"})
    made = await past.last()
    await past.done("PATCH", "cages/1", {"name": "d"})
    changed = await past.last()
    await past.done("DELETE", "cages/1")
    deleted = await past.last()

    def somebody(*grants: Grant) -> Actor:
        return Actor(user_id=9, name="bob", grants=frozenset(grants))

    nobody, reader = somebody(), somebody(Grant("cage", "read"))
    for each in (made, changed, deleted, uuid.uuid4()):
        with pytest.raises(NotFoundError):
            await past.undo(each, actor=nobody)
    with pytest.raises(ForbiddenError):
        await past.undo(deleted, actor=reader)
    await past.undo(deleted)
    for each in (made, changed):
        with pytest.raises((ForbiddenError, RevertConflictError)):
            await past.undo(each, actor=reader)
    withheld = frozenset(["name"])
    half = somebody(Grant("cage", "read"), Grant("cage", "update", None, withheld))
    with pytest.raises(ForbiddenError, match="name"):
        await past.undo(changed, actor=half)
    blind = somebody(Grant("cage", "read", None, frozenset(["name"])), Grant("cage", "update"))
    with pytest.raises(NotFoundError):
        await past.undo(changed, actor=blind)
    other = somebody(*(Grant("keeper", each) for each in ("read", "update")))
    with pytest.raises(NotFoundError):
        await past.undo(changed, actor=other)


async def test_rights_on_rows(past: Past) -> None:
    """By a rule one undoes what one did to one's own rows, with what went along unseen."""
    api = past.api
    own = [Grant("ruled", each, "own") for each in ("read", "create", "update", "delete")]
    lea = Actor(user_id=5, name="lea", grants=frozenset(own))
    bob = Actor(user_id=6, name="bob", grants=frozenset(own))
    ruled = api.registry["ruled"]
    await past.do(lambda w: w.create(ruled, {"code": "c", "owner": "lea"}), lea)
    await past.do(lambda w: w.delete(ruled, (1,)), lea)
    deleted = await past.last()
    with pytest.raises(NotFoundError):
        await past.undo(deleted, actor=bob)
    await past.undo(deleted, actor=lea)
    assert (await api.get("ruled/1"))["owner"] == "lea"
    await past.do(lambda w: w.update(ruled, (1,), {"code": "d"}), lea)
    changed = await past.last()
    await past.done("PATCH", "ruled/1", {"owner": "bob"})
    for each in (lea, bob):
        with pytest.raises(NotFoundError):
            await past.undo(deleted, actor=each)
    with pytest.raises(NotFoundError):
        await past.undo(changed, actor=lea)


async def test_a_role_on_the_way(past: Past) -> None:
    """Own records of the application are undone under their guards."""
    api = past.api
    await make_role(api.database, "some", Grant("cage", "read"))
    role = api.registry["admin_role"]
    made = await api.records.create(SYSTEM, role, {"name": "new"}, origin=REST)
    assert made.change_set is not None
    with pytest.raises(NotFoundError):
        await past.undo(made.change_set)
    await past.undo(made.change_set, actor=SYSTEM)
    assert await api.records.titles(SYSTEM, role, [made.key]) == {}


async def test_what_went_along_unseen(past: Past) -> None:
    """What a delete took along out of sight comes back with it, and nothing is told of it."""
    boss, staff = await keepers(past)
    own = [Grant("keeper", each) for each in ("read", "create", "update", "delete")]
    lea = Actor(user_id=5, name="lea", grants=frozenset(own))
    keeper = past.api.registry["keeper"]
    before = await past.state()
    await past.do(lambda writer: writer.delete(keeper, (boss,)), lea)
    deleted = await past.last()
    told = await past.api.records.change_set(lea, deleted, 100)
    assert {each.resource for each in told.changes} == {"keeper"}
    assert {name for each in told.changes for name in each.before} & {"labels"} == set()
    await past.undo(deleted, actor=lea)
    assert await past.state() == before
    await past.do(lambda writer: writer.delete(keeper, (boss,)), lea)
    deleted = await past.last()
    await past.done("PATCH", "cages/1", {"keeper_id": staff})
    await past.undo(deleted, actor=lea)
    assert (await past.api.get("cages/1"))["keeper_id"] == staff, "somebody has decided anew"
