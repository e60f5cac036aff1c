"""What was done can be undone: by a change, to a state, or a whole change set; and done again."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import pytest
import zoo
from pasts import REST, Past, keepers, past_of_a_zoo  # noqa: F401 - a fixture

from admin_app.declaration import Actor, Grant
from admin_app.errors import (
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    RevertConflictError,
)
from admin_app.records import Reverting, Undoing, Writer
from admin_app.records.writes.undo import reverting


async def test_a_delete_is_undone_with_all_it_took(past: Past) -> None:
    """Cascades, emptied foreign keys and links come back under their keys; and go again."""
    api = past.api
    boss, _ = await keepers(past)
    before = await past.state()
    versions = {each["id"]: each["version"] for each in await api.walk("keepers")}
    await past.done("DELETE", f"keepers/{boss}")
    gone, deletion = await past.state(), await past.last()
    undone = await past.undo()
    assert await past.state() == before
    assert undone.change_set is not None
    rows = await api.changes(change_set=undone.change_set)
    assert {row["reverts"] for row in rows} == {deletion}
    assert undone.changes == len(rows)
    now = {each["id"]: each["version"] for each in await api.walk("keepers")}
    assert now[boss] > versions[boss], "no ETag of before is good for it"
    await past.undo(undone.change_set)
    assert await past.state() == gone
    await past.undo()
    assert await past.state() == before
    again = await past.undo(deletion)
    assert (again.change_set, again.changes) == (None, 0), "there is nothing left to do"


async def test_what_it_referred_to_is_gone(past: Past) -> None:
    """What cannot come back alone is told of with the field, in the same words on each database."""
    parent = (await past.done("POST", "folders", {"name": "parent"}))["id"]
    child = (await past.done("POST", "folders", {"name": "child", "parent_id": parent}))["id"]
    await past.done("DELETE", f"folders/{child}")
    deletion = await past.last()
    await past.done("DELETE", f"folders/{parent}")
    refused = await past.api.call("POST", f"change-sets/{deletion}/revert")
    assert (refused.status, refused.json["code"]) == (409, "revert_conflict")
    (conflict,) = refused.json["conflicts"]
    assert (conflict["field"], conflict["code"]) == ("parent_id", "refused")
    assert conflict["detail"] == "Some values refer to nothing. There is no such folder."
    await past.undo()
    await past.undo(deletion)
    itself = (await past.done("POST", "folders", {"name": "round"}))["id"]
    await past.done("PATCH", f"folders/{itself}", {"parent_id": itself})
    before = await past.state()
    await past.done("DELETE", f"folders/{itself}")
    await past.undo()
    assert await past.state() == before


async def test_many_writes_of_one_change_set(past: Past) -> None:
    """Creations, updates and deletes that depend on each other are undone, the last one first."""
    api = past.api
    found = api.registry
    boss, staff = await keepers(past)
    before = await past.state()

    async def work(writer: Writer) -> None:
        made = await writer.create(found["keeper"], {"name": "new", "labels": ["l"]})
        await writer.update(found["keeper"], (staff,), {"boss_id": made.key[0]})
        await writer.update(found["keeper"], (staff,), {"name": "other"})
        await writer.create(found["cage"], {"name": "x", "keeper_id": made.key[0]})
        await writer.create(found["loan"], {"name": "y", "keeper_id": made.key[0]})
        await writer.delete(found["keeper"], (boss,))
        passport = {"number": "P", "keeper_id": made.key[0]}
        await writer.create(found["passport"], passport)
        await writer.update(found["keeper"], made.key, {"friends": [staff]})

    await past.do(work)
    done = await past.state()
    first = await past.undo()
    assert await past.state() == before
    second = await past.undo(first.change_set)
    assert await past.state() == done
    await past.undo(second.change_set)
    assert await past.state() == before


async def test_what_was_changed_since_is_not_overwritten(past: Past) -> None:
    """Each record and field that is not as it was left is named; the rest is undone if asked."""
    api = past.api
    found = api.registry
    one = (await past.done("POST", "cages", {"name": "one"}))["id"]
    two = (await past.done("POST", "cages", {"name": "two"}))["id"]

    async def work(writer: Writer) -> None:
        await writer.update(found["cage"], (one,), {"name": "a"})
        await writer.update(found["cage"], (two,), {"name": "b"})
        await writer.create(found["folder"], {"name": "f"})
        await writer.create(found["folder"], {"name": "g"})

    await past.do(work)
    done = await past.last()
    await past.done("PATCH", f"cages/{one}", {"name": "mine"})
    await past.done("PATCH", "folders/1", {"name": "kept"})
    assert await past.conflicts(done) == [
        ("changed", "cage", str(one), "name", "a", "mine"),
        ("changed", "folder", "1", "name", "f", "kept"),
    ]
    undone = await past.undo(done, skip=True)
    assert [each.key for each in undone.skipped] == [str(one), "1"]
    names = {each["id"]: each["name"] for each in await api.walk("cages")}
    assert (names[one], names[two]) == ("mine", "two")
    assert [each["name"] for each in await api.walk("folders")] == ["kept"]
    await past.done("DELETE", f"cages/{two}")
    assert ("gone", "cage", str(two), None, None, None) in await past.conflicts(done)


async def test_what_others_need_by_now(past: Past) -> None:
    """What was created stays while others hang on it that were not made with it."""
    api = past.api
    await past.done("POST", "keepers", {"name": "k"})
    made = await past.last()
    await past.done("POST", "loans", {"name": "l", "keeper_id": 1})
    assert await past.conflicts(made) == [("in_use", "keeper", "1", None, None, None)]
    await past.done("DELETE", "loans/1")
    await past.done("POST", "passports", {"number": "P", "keeper_id": 1})
    assert await past.conflicts(made) == [("refused", "keeper", "1", None, None, None)]
    await past.done("DELETE", "passports/1")
    await past.undo(made)
    assert await api.walk("keepers") == []


async def test_a_key_that_is_taken_again(past: Past) -> None:
    """A deleted record does not come back over another one, nor beside one that has its place."""
    await past.done("POST", "labels", {"code": "x", "name": "old"})
    await past.done("DELETE", "labels/x")
    deleted = await past.last()
    await past.done("POST", "labels", {"code": "x", "name": "new"})
    assert await past.conflicts(deleted) == [("there", "label", "x", None, None, None)]
    await past.done("POST", "ruled", {"code": "c"})
    await past.done("DELETE", "ruled/1")
    deleted = await past.last()
    await past.done("POST", "ruled", {"code": "c"})
    (found,) = await past.conflicts(deleted)
    assert found[0] in {"there", "refused"}, "SQLite numbers anew what was the last"


async def test_fields_of_a_change(past: Past) -> None:
    """One field of one change is put back, a set as well; the other ones stay."""
    api = past.api
    cage = api.registry["cage"]
    for code in ("a", "b"):
        await past.done("POST", "labels", {"code": code})
    await past.done("POST", "keepers", {"name": "k", "labels": ["a"]})
    await past.done("POST", "cages", {"name": "c", "keeper_id": 1})
    await past.done("PATCH", "cages/1", {"name": "d", "keeper_id": None})
    change = (await api.changes(resource="cage"))[-1]["id"]
    put = ["name"]
    await past.do(lambda writer: Reverting(writer).undo_change(cage, (1,), change, put))
    now = await api.get("cages/1")
    assert (now["name"], now["keeper_id"]) == ("c", None)
    put = ["keeper_id"]
    await past.do(lambda writer: Reverting(writer).undo_change(cage, (1,), change, put))
    assert (await api.get("cages/1"))["keeper_id"] == 1
    put = ["nothing"]
    with pytest.raises(InvalidInputError):
        await past.do(lambda writer: Reverting(writer).undo_change(cage, (1,), change, put))
    with pytest.raises(InvalidInputError):
        await past.do(lambda writer: Reverting(writer).undo_change(cage, (2,), change))
    await past.done("PATCH", "keepers/1", {"labels": ["b"], "name": "n"})
    keeper = api.registry["keeper"]
    change = (await api.changes(resource="keeper"))[-1]["id"]
    put = ["labels"]
    await past.do(lambda writer: Reverting(writer).undo_change(keeper, (1,), change, put))
    found = await api.get("keepers/1")
    assert (found["labels"], found["name"]) == (["a"], "n")


async def test_the_state_of_a_version(past: Past) -> None:
    """A record becomes what it was after one of its changes, or before the first that is known."""
    api = past.api
    keeper = api.registry["keeper"]
    for code in ("a", "b"):
        await past.done("POST", "labels", {"code": code})
    await past.done("POST", "keepers", {"name": "one", "labels": ["a"]})
    await past.done("PATCH", "keepers/1", {"name": "two", "labels": ["a", "b"]})
    await past.done("PATCH", "keepers/1", {"name": "three", "boss_id": 1})
    await past.done("DELETE", "labels/b")
    await past.done("PATCH", "keepers/1", {"labels": []})
    created, second, *_, last = [row["id"] for row in await api.changes(resource="keeper", key="1")]

    async def to(change: int, *, skip: bool = False, **how: Any) -> tuple[Any, ...]:
        async def work(writer: Writer) -> None:
            await Reverting(writer, skip_conflicts=skip).to_state(keeper, (1,), change, **how)

        await past.do(work)
        now = await api.get("keepers/1")
        return now["name"], now["labels"], now["boss_id"]

    assert await to(last) == ("three", [], 1), "it is that already"
    assert await to(created) == ("one", ["a"], None)
    assert await to(last) == ("three", [], 1)
    with pytest.raises(RevertConflictError) as refused:
        await to(second)
    assert [(each.code, each.field) for each in refused.value.conflicts] == [("gone", "labels")]
    assert await to(second, skip=True) == ("two", ["a"], None)
    with pytest.raises(InvalidInputError):
        await to(created, before=True)
    assert await to(second, before=True) == ("one", ["a"], None)


async def test_one_that_was_loaded(past: Past) -> None:
    """A record without a first change goes back to what its oldest change found."""
    api = past.api
    table = api.registry["unversioned"]

    async def load(session: Any) -> None:
        await session.execute(table.table.insert(), {"id": 1, "name": "sql", "number": 3})

    await api.database.write(load)
    await past.done("PATCH", "unversioned/1", {"name": "x"})
    await past.done("PATCH", "unversioned/1", {"number": 4})
    first = (await api.changes())[0]["id"]
    await past.do(lambda writer: Reverting(writer).to_state(table, (1,), first, before=True))
    assert await api.get("unversioned/1") == {"id": 1, "name": "sql", "number": 3}


async def test_every_kind_of_value(past: Past) -> None:
    """A record with every kind of value comes back exactly, and so does each value of an update."""
    api = past.api
    full = next(row for row in zoo.sample("specimen") if len(row) > 10)
    made = await api.add("specimens", full)
    await past.done("DELETE", f"specimens/{made['id']}")
    await past.undo()
    now = await api.get(f"specimens/{made['id']}")
    assert now == {**made, "version": now["version"]}
    nothing = {
        name: None
        for name, field in api.registry["specimen"].fields.items()
        if field.updatable and field.nullable
    }
    await past.done("PATCH", f"specimens/{made['id']}", nothing)
    await past.undo()
    now = await api.get(f"specimens/{made['id']}")
    assert now == {**made, "version": now["version"]}


async def test_what_is_kept_secret(past: Past) -> None:
    """A secret cannot be put back, and that is said; what the database gave comes back."""
    api = past.api
    made = await past.done("POST", "computing", {"secret": "s", "name": "n"})
    await past.done("PATCH", "computing/1", {"secret": "t", "name": "m"})
    changed = await past.last()
    secret = ("not_kept", "computing", "1", "secret", None, None)
    assert await past.conflicts(changed) == [secret]
    await past.undo(changed, skip=True)
    assert (await api.get("computing/1"))["name"] == "n"
    await past.done("DELETE", "computing/1")
    deleted = await past.last()
    assert await past.conflicts(deleted) == [secret]
    undone = await past.undo(deleted, skip=True)
    assert [each.field for each in undone.skipped] == ["secret"]
    now = await api.get("computing/1")
    same = {"made_at", "made_by", "name", "price", "amount", "note", "doubled"}
    assert {name: now[name] for name in same} == {name: made[name] for name in same}


async def test_the_trash(past: Past) -> None:
    """Into the trash and out of it, undone and done again; what was purged comes back to it."""
    api = past.api
    await past.done("POST", "staples", {"name": "s"})
    await past.done("POST", "sheets", {"number": 1, "staples": [1]})
    made = await past.last()
    await past.done("DELETE", "sheets/1")
    undone = await past.undo()
    assert (await api.get("sheets/1"))["staples"] == [1]
    await past.undo(undone.change_set)
    assert (await api.get("staples/1"))["sheets"] == []
    await past.done("DELETE", "sheets/1?trash=only")
    await past.undo()
    assert (await api.get("sheets/1?trash=only"))["number"] == 1
    await past.done("POST", "sheets/1/restore")
    assert (await api.get("staples/1"))["sheets"] == [1]
    await past.undo(made)
    assert (await api.get("sheets/1?trash=only"))["number"] == 1, "as a delete does"


async def test_trees_and_circles(past: Past) -> None:
    """Records that point to each other, or to themselves, come back in the right order."""
    api = past.api
    found = api.registry
    parent = None
    for depth in range(4):
        made = await api.add("folders", {"name": f"f{depth}", "parent_id": parent})
        parent = made["id"]
    await past.done("PATCH", "folders/1", {"parent_id": parent})
    before = await past.state()
    await past.done("DELETE", "folders/2")
    assert await api.walk("folders") == []
    await past.undo()
    assert await past.state() == before
    await past.done("POST", "keepers", {"name": "a"})
    await past.done("POST", "keepers", {"name": "b", "friends": [1], "boss_id": 1})
    await past.done("PATCH", "keepers/1", {"boss_id": 1, "friends": [2, 1]})
    before = await past.state()

    async def work(writer: Writer) -> None:
        for key in ((1,), (2,)):
            await writer.delete(found["keeper"], key)

    await past.do(work)
    await past.undo()
    assert await past.state() == before


async def grown(past: Past) -> tuple[uuid.UUID, int, dict[str, list[Any]]]:
    """A change set of several transactions, as an import makes one: it, a boss, and before it."""
    registry, made = past.api.registry, uuid.uuid4()
    boss, staff = await keepers(past)
    before = await past.state("id")

    async def first(writer: Writer) -> None:
        names = [{"code": f"l{each}"} for each in range(5)]
        await writer.create_all(registry["label"], names)
        await writer.update(registry["keeper"], (boss,), {"name": "grown"})

    async def second(writer: Writer) -> None:
        rows = [{"name": f"k{each}", "labels": ["l1", "l"]} for each in range(4)]
        new = await writer.create_all(registry["keeper"], rows)
        rows = [{"name": f"of {each}", "boss_id": new[0].key[0]} for each in range(4)]
        await writer.create_all(registry["keeper"], rows)

    async def third(writer: Writer) -> None:
        await writer.delete(registry["keeper"], (staff,))
        await writer.update(registry["label"], ("l2",), {"keepers": [boss]})

    for work in (first, second, third):
        await past.api.records.write(past.actor, REST, work, change_set=made)
    return made, boss, before


async def test_a_large_change_set(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much for one transaction is undone in parts, checked before, and redone."""
    monkeypatch.setattr(reverting, "MOST_REVERTED", 12)
    monkeypatch.setattr(reverting, "PART", 3)
    api = past.api
    made, boss, before = await grown(past)
    after = await past.state("id")
    address = f"change-sets/{made}/revert"
    tried = await api.call("POST", address, headers=[("Prefer", "tx=rollback")])
    tried.problem(409, "revert_too_large")

    await past.done("PATCH", f"keepers/{boss}", {"name": "other"})
    refused = (await api.call("POST", address)).json
    assert refused["code"] == "revert_conflict"
    (conflict,) = refused["conflicts"]
    assert (conflict["key"], conflict["left"], conflict["now"]) == (str(boss), "grown", "other")
    await past.done("PATCH", f"keepers/{boss}", {"name": "grown"})
    assert await past.state("id") == after, "nothing was undone"

    once = [("Idempotency-Key", '"once"')]
    answer = await api.call("POST", address, headers=once)
    told = answer.json
    assert answer.header("change-set") == told["change_set"]
    assert told["skipped"] == []
    assert await past.state("id") == before
    again = await api.call("POST", address, headers=once)
    assert (again.json, again.header("idempotent-replayed")) == (told, "true")
    over = (await api.call("POST", address)).json
    assert (over["change_set"], over["changes"]) == (None, 0), "nothing is left to undo"

    redone = await past.done("POST", f"change-sets/{told['change_set']}/revert")
    assert await past.state("id") == after
    await past.done("POST", f"change-sets/{redone['change_set']}/revert")
    assert await past.state("id") == before


async def test_an_act_that_is_large_alone(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one act has brought about is undone with it, at once, however much the acts beside it.

    One that is too large even so is refused before anything is undone.
    """
    monkeypatch.setattr(reverting, "MOST_REVERTED", 4)
    monkeypatch.setattr(reverting, "PART", 3)
    registry, codes = past.api.registry, [f"l{each}" for each in range(6)]
    await past.do(
        lambda writer: writer.create_all(
            registry["label"], [{"code": each, "name": each} for each in codes]
        )
    )
    before = await past.state("id")

    async def linked(writer: Writer) -> None:
        for name in ("first", "second"):
            await writer.create(registry["keeper"], {"name": name, "labels": codes})
        await writer.create(registry["keeper"], {"name": "third"})

    await past.do(linked)
    made = await past.last()
    after = await past.state("id")
    monkeypatch.setattr(reverting, "MOST_ALONE", 6)
    refused = await past.api.call("POST", f"change-sets/{made}/revert")
    detail = "One of its acts made more than 6 changes."
    assert refused.problem(409, "revert_too_large")["detail"] == detail
    first = (await past.api.get(f"change-sets/{made}"))["data"][0]
    alone = f"keepers/{first['key']}/revert", {"change": first["id"]}
    refused = await past.api.call("POST", *alone)
    assert refused.problem(409, "revert_too_large")["detail"] == detail
    assert await past.state("id") == after, "nothing was undone"
    monkeypatch.setattr(reverting, "MOST_ALONE", 7)
    undone = await past.done("POST", *alone)
    assert undone["changes"] == 7
    await past.done("POST", f"change-sets/{undone['change_set']}/revert")
    undone = await past.done("POST", f"change-sets/{made}/revert")
    assert undone["changes"] == 15
    assert await past.state("id") == before
    await past.done("POST", f"change-sets/{undone['change_set']}/revert")
    assert await past.state("id") == after


async def test_a_large_change_set_that_others_hold(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be foreseen stops it; what was undone stays so, and the rest can be."""
    monkeypatch.setattr(reverting, "MOST_REVERTED", 12)
    monkeypatch.setattr(reverting, "PART", 3)
    made, *_ = await grown(past)
    await past.done("POST", "visits", {"keeper_id": 1, "label_code": "l4", "note": "new"})
    address = f"change-sets/{made}/revert"
    stopped = (await past.api.call("POST", address)).json
    assert stopped["code"] == "revert_stopped"
    assert stopped["changes"] > 0
    assert [each["key"] for each in stopped["conflicts"]] == ["l4"]
    assert await past.api.walk(f"change-sets/{stopped['change_set']}")
    rest = await past.done("POST", address, {"skip_conflicts": True})
    assert [each["key"] for each in rest["skipped"]] == ["l4"]
    assert await past.api.walk("keepers?fields=name,labels") == [
        {"name": "boss", "labels": ["l"]},
        {"name": "staff", "labels": []},
    ]
    assert [each["code"] for each in await past.api.walk("labels")] == ["l", "l4"]


async def test_a_large_change_set_out_of_sight(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sees none of it is told that there is none; who may not change it changes nothing."""
    monkeypatch.setattr(reverting, "MOST_REVERTED", 12)
    monkeypatch.setattr(reverting, "PART", 3)
    made, *_ = await grown(past)
    after = await past.state()
    nobody = Actor(user_id=None, name="nob", grants=frozenset({Grant("cage", "read")}))
    reader = Actor(user_id=None, name="rea", grants=frozenset({Grant("*", "read")}))
    for actor, error in ((nobody, NotFoundError), (reader, ForbiddenError)):
        undoing = Undoing(past.api.records, actor, made, origin=REST)
        with pytest.raises(error):
            [each async for each in undoing.run()]
    assert await past.state() == after
    undoing = Undoing(past.api.records, replace(past.actor, user_id=None), made, origin=REST)
    told = [(each.done, each.total) async for each in undoing.run()]
    assert told[0] == (0, 16)
    assert told[-1] == (16, 16)
