"""What a write leaves behind: one change for each record it touched, right before and after."""

from __future__ import annotations

from typing import Any

from api import Api, zoos
from conftest import FreshSettings

from admin_app.records.trail.changes import SENSITIVE_MARKER

Told = tuple[str, str, str, Any, Any]


async def told(api: Api, since: int = 0) -> list[Told]:
    """The changes after one: action, resource, key, before and after."""
    return [
        (row["action"], row["resource"], row["key"], row["before"], row["after"])
        for row in await api.changes()
        if row["id"] > since
    ]


async def mark(api: Api) -> int:
    return max((int(row["id"]) for row in await api.changes()), default=0)


async def done(api: Api, method: str, target: str, body: object = None) -> Any:
    """Send a request that succeeds."""
    answer = await api.call(method, target, body)
    assert answer.status in {200, 201, 204}, answer
    return answer.json if answer.body else None


async def keepers(api: Api, *names: str) -> list[int]:
    return [(await api.add("keepers", {"name": name}))["id"] for name in names]


async def test_life_of_a_record(fresh_settings: FreshSettings) -> None:
    """Create tells all fields, update those that changed, delete all again."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await done(api, "POST", "unversioned", {"name": "a"})
            await done(api, "PATCH", "unversioned/1", {"name": "b", "number": 0})
            await done(api, "DELETE", "unversioned/1")
            assert await told(api) == [
                ("create", "unversioned", "1", None, {"id": 1, "name": "a", "number": 0}),
                ("update", "unversioned", "1", {"name": "a"}, {"name": "b"}),
                ("delete", "unversioned", "1", {"id": 1, "name": "b", "number": 0}, None),
            ]
            rows = await api.changes()
            assert len({row["change_set"] for row in rows}) == len(rows)
            assert [row["label"] for row in rows] == ["a", "b", "b"]
            for row in rows:
                assert (row["actor_name"], row["source"]) == ("ann", "rest")
                assert row["actor_id"] is not None
                assert row["key_json"] == [1]
                assert row["cause_id"] is None
                assert (row["tx"] is None) == (api.database.dialect == "sqlite")
                assert len(row["schema_revision"]) == 16


async def test_request_id(fresh_settings: FreshSettings) -> None:
    """A change carries the id of the request that the answer carried."""
    async with zoos(fresh_settings) as both:
        for api in both:
            answer = await api.call(
                "POST", "unversioned", {"name": "a"}, headers=[("x-request-id", "from-the-client")]
            )
            assert answer.header("x-request-id") == "from-the-client"
            assert [row["request_id"] for row in await api.changes()] == ["from-the-client"]


async def test_sets(fresh_settings: FreshSettings) -> None:
    """A set tells the keys it gained and lost, at both ends, and raises both ends' versions."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for code in ("a", "b", "c"):
                await done(api, "POST", "labels", {"code": code})
            made = await done(api, "POST", "keepers", {"name": "K", "labels": ["b", "a"]})
            key = made["id"]
            assert made["labels"] == ["a", "b"]
            since = await mark(api)
            changed = await done(api, "PATCH", f"keepers/{key}", {"labels": ["c", "b", "c"]})
            assert (changed["labels"], changed["version"]) == (["b", "c"], 2)
            assert await told(api, since) == [
                ("update", "keeper", str(key), {"labels": ["a"]}, {"labels": ["c"]}),
                ("update", "label", "c", {}, {"keepers": [key]}),
                ("update", "label", "a", {"keepers": [key]}, {}),
            ]
            rows = [row for row in await api.changes() if row["id"] > since]
            assert len({row["change_set"] for row in rows}) == 1
            assert [row["cause_id"] for row in rows] == [None, rows[0]["id"], rows[0]["id"]]
            versions = {each["code"]: each["version"] for each in await api.walk("labels")}
            assert versions == {"a": 3, "b": 2, "c": 2}
            since = await mark(api)
            await done(api, "PATCH", "labels/b", {"keepers": []})
            assert await told(api, since) == [
                ("update", "label", "b", {"keepers": [key]}, {}),
                ("update", "keeper", str(key), {"labels": ["b"]}, {}),
            ]


async def test_sets_of_composite_keys(fresh_settings: FreshSettings) -> None:
    """A set whose target has a composite key holds the text form of its keys."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await done(api, "POST", "composites", {"room": "a,b", "number": 1})
            made = await done(api, "POST", "keepers", {"name": "K", "composites": ["a~2b,1"]})
            assert made["composites"] == ["a~2b,1"]
            row = (await api.changes(resource="keeper"))[0]
            assert row["after"]["composites"] == ["a~2b,1"]
            await done(api, "DELETE", "composites/a~2b,1")
            assert (await api.get(f"keepers/{made['id']}"))["composites"] == []


async def test_friends(fresh_settings: FreshSettings) -> None:
    """In a set between records of one resource each end is told of, oneself included."""
    async with zoos(fresh_settings) as both:
        for api in both:
            one, two = await keepers(api, "one", "two")
            since = await mark(api)
            await done(api, "PATCH", f"keepers/{one}", {"friends": [two]})
            assert await told(api, since) == [
                ("update", "keeper", str(one), {}, {"friends": [two]}),
                ("update", "keeper", str(two), {}, {"friend_of": [one]}),
            ]
            answer = await done(api, "PATCH", f"keepers/{one}", {"friends": [one, two]})
            got = await api.get(f"keepers/{one}")
            assert (got["friends"], got["friend_of"]) == ([one, two], [one])
            assert answer == got
            both_ends: dict[str, list[int]] = {"friends": [], "friend_of": []}
            answer = await done(api, "PATCH", f"keepers/{one}", both_ends)
            got = await api.get(f"keepers/{one}")
            assert (got["friends"], got["friend_of"]) == ([], [])
            assert answer == got
            answer = await api.call(
                "PATCH", f"keepers/{one}", {"friends": [one], "friend_of": [one]}
            )
            assert answer.status == 200, answer
            assert answer.json == await api.get(f"keepers/{one}")


async def test_delete_takes_along(fresh_settings: FreshSettings) -> None:
    """What a delete cascades to, sets null and takes out of sets is told, each with its cause."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await done(api, "POST", "labels", {"code": "l"})
            boss, staff = await keepers(api, "boss", "staff")
            await done(api, "PATCH", f"keepers/{staff}", {"boss_id": boss, "friends": [boss]})
            await done(api, "PATCH", f"keepers/{boss}", {"labels": ["l"]})
            passport = await done(api, "POST", "passports", {"number": "P", "keeper_id": boss})
            cage = await done(api, "POST", "cages", {"name": "c", "keeper_id": boss})
            await done(api, "POST", "visits", {"keeper_id": boss, "label_code": "l"})
            since = await mark(api)
            await done(api, "DELETE", f"keepers/{boss}")
            found = await told(api, since)
            assert found[0][:3] == ("delete", "keeper", str(boss))
            assert found[0][3]["labels"] == ["l"]
            assert found[0][3]["friend_of"] == [staff]
            assert sorted(found[1:], key=repr) == sorted(
                [
                    ("delete", "passport", str(passport["id"]), passport, None),
                    (
                        "delete",
                        "visit",
                        f"{boss},l",
                        {"keeper_id": boss, "label_code": "l", "note": None},
                        None,
                    ),
                    (
                        "update",
                        "cage",
                        str(cage["id"]),
                        {"keeper_id": boss},
                        {"keeper_id": None},
                    ),
                    ("update", "keeper", str(staff), {"boss_id": boss}, {"boss_id": None}),
                    ("update", "keeper", str(staff), {"friends": [boss]}, {}),
                    ("update", "label", "l", {"keepers": [boss]}, {}),
                ],
                key=repr,
            )
            rows = [row for row in await api.changes() if row["id"] > since]
            assert len({row["change_set"] for row in rows}) == 1
            assert {row["cause_id"] for row in rows[1:]} == {rows[0]["id"]}
            assert (await api.get(f"cages/{cage['id']}"))["version"] == 2
            left = await api.get(f"keepers/{staff}")
            assert (left["boss_id"], left["friends"]) == (None, [])


async def test_a_tree_goes_whole(fresh_settings: FreshSettings) -> None:
    """Deleting a folder deletes what is under it at any depth, each with a change."""
    async with zoos(fresh_settings) as both:
        for api in both:
            parent = None
            for depth in range(5):
                made = await api.add("folders", {"name": f"f{depth}", "parent_id": parent})
                parent = made["id"]
            loop = await api.add("folders", {"name": "loop"})
            await done(api, "PATCH", f"folders/{loop['id']}", {"parent_id": loop["id"]})
            await done(api, "DELETE", f"folders/{loop['id']}")
            since = await mark(api)
            await done(api, "DELETE", "folders/1")
            assert len(await told(api, since)) == 5
            assert await api.walk("folders") == []


async def test_parts_of_a_composite(fresh_settings: FreshSettings) -> None:
    """A composite foreign key cascades and is set null as one of a single column is."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await done(api, "POST", "composites", {"room": "a", "number": 1})
            await done(api, "POST", "parts", {"room": "a", "number": 1, "position": 1})
            cage = await done(api, "POST", "cages", {"name": "c", "room": "a", "number": 1})
            since = await mark(api)
            await done(api, "DELETE", "composites/a,1")
            assert [each[:3] for each in await told(api, since)] == [
                ("delete", "composite", "a,1"),
                ("update", "cage", str(cage["id"])),
                ("delete", "part", "a,1,1"),
            ]
            left = await api.get(f"cages/{cage['id']}")
            assert (left["room"], left["number"], left["version"]) == (None, None, 2)


async def test_blocked_delete(fresh_settings: FreshSettings) -> None:
    """A record that others hold fast stays; the answer names them and how many there are."""
    async with zoos(fresh_settings) as both:
        for api in both:
            (key,) = await keepers(api, "K")
            for name in ("one", "two"):
                await done(api, "POST", "loans", {"name": name, "keeper_id": key})
            before = await api.counts()
            answer = await api.call("DELETE", f"keepers/{key}")
            assert answer.problem(409, "in_use")["detail"] == "This keeper is in use by 2 loans."
            assert await api.counts() == before


async def test_sensitive_values(fresh_settings: FreshSettings) -> None:
    """A sensitive value is written, never answered, and a marker in the changes."""
    async with zoos(fresh_settings) as both:
        for api in both:
            made = await done(api, "POST", "computing", {"secret": "swordfish"})
            assert "secret" not in made
            await done(api, "PATCH", "computing/1", {"secret": "new"})
            same = await done(api, "PATCH", "computing/1", {"secret": "new"})
            assert same["version"] == 3, "or the version would tell whether a guess was right"
            rows = await api.changes(resource="computing")
            for row in rows[1:]:
                assert set(row["after"]) == {"secret", "changed_at"}, "what the database did, too"
                assert (row["before"]["secret"], row["after"]["secret"]) == (SENSITIVE_MARKER,) * 2
            assert rows[0]["after"]["secret"] == SENSITIVE_MARKER
            assert "swordfish" not in repr(rows)


async def test_validators(fresh_settings: FreshSettings) -> None:
    """A model's own validator refuses at its field and may tidy; a tidied sameness is none."""
    async with zoos(fresh_settings) as both:
        for api in both:
            answer = await api.call("POST", "validated", {"email": "x", "even": 1})
            found = answer.problem(422, "validation_failed")["errors"]
            assert found == [
                {"pointer": "/email", "code": "invalid", "detail": "An address has an @."},
                {"pointer": "/even", "code": "invalid", "detail": "Even numbers only."},
            ]
            made = await done(api, "POST", "validated", {"email": " A@B "})
            assert made["email"] == "a@b"
            since = await mark(api)
            assert await done(api, "PATCH", "validated/1", {"email": "A@b"}) == made
            assert await told(api, since) == []
