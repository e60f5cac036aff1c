"""The contract of the REST surface: statuses, headers, and who may do what."""

from __future__ import annotations

import pytest
from api import Api, zoo_on, zoos
from conftest import KINDS, FreshSettings, Kind
from people import disable_user
from sqlalchemy import insert, select
from zoo import RESOURCES, sample

from admin_app.access.tables import Role, RoleGrant


async def test_create(fresh_settings: FreshSettings) -> None:
    """A create answers 201 with the record, its address and its entity tag."""
    async with zoos(fresh_settings) as both:
        for api in both:
            answer = await api.call("POST", "texts", {"code": "a b/ç?"})
            assert answer.status == 201
            assert answer.header("location") == "/api/v1/texts/a%20b~1%C3%A7%3F"
            assert answer.header("content-type") == "application/json"
            assert answer.header("cache-control") == "private, no-cache"
            assert answer.header("vary") == "Authorization, Accept"
            got = await api.call("GET", answer.header("location") or "")
            assert (got.status, got.body) == (200, answer.body)
            assert got.header("etag") == answer.header("etag")


async def test_odd_keys_have_addresses(fresh_settings: FreshSettings) -> None:
    """A record of any key is read, changed and deleted at the address its create gave."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for body in sample("text"):
                made = await api.call("POST", "texts", body)
                address = made.header("location") or ""
                assert address.count("/") == 4
                assert (await api.get(address))["code"] == body["code"]
                changed = await api.call("PATCH", address, {"name": "changed"})
                assert changed.json == {"code": body["code"], "name": "changed"}
                assert (await api.call("DELETE", address)).status == 204
                (await api.call("GET", address)).problem(404, "not_found")


async def test_delete(fresh_settings: FreshSettings) -> None:
    """A delete answers 204 without a body; its second time there is nothing."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("specimens", {"short": "x"})
            answer = await api.call("DELETE", "specimens/1", headers=[("if-match", '"1"')])
            assert (answer.status, answer.body) == (204, b"")
            (await api.call("DELETE", "specimens/1")).problem(404, "not_found")


async def test_if_match(fresh_settings: FreshSettings) -> None:
    """Any of the tags may match, in one header or several; a weak one never does."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        await api.add("specimens", {"short": "x"})
        for tags, status in (
            (['"1"'], 200),
            (["*"], 200),
            ([' "0" , "1" '], 200),
            (['"0"', '"1"'], 200),
            (['"0"', "*"], 412),
            (['W/"1"'], 412),
            ([""], 412),
        ):
            headers = [("if-match", tag) for tag in tags]
            answer = await api.call("PATCH", "specimens/1", {"short": "x"}, headers=headers)
            assert answer.status == status, tags


async def test_methods(fresh_settings: FreshSettings) -> None:
    """A method that an address does not take answers 405 and names all that it takes."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        for method, target, allowed in (
            ("PUT", "specimens", {"GET", "HEAD", "QUERY", "POST", "PATCH", "DELETE"}),
            ("POST", "specimens/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
            ("PUT", "openapi.json", {"GET", "HEAD"}),
        ):
            answer = await api.call(method, target, {})
            answer.problem(405, "method_not_allowed")
            found = {each.strip() for each in (answer.header("allow") or "").split(",")}
            assert found == allowed, target


async def test_constraints_name_their_fields(fresh_settings: FreshSettings) -> None:
    """What a constraint refuses is told at the attributes it is about, in words of the labels."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await api.add("ruled", {"code": "a", "town": "t", "street": "s", "name": "n"})
            await api.add("renamed", {"label": "a"})
            for plural, body, status, pointers in (
                ("ruled", {"code": "a"}, 409, ["/code"]),
                ("ruled", {"code": "b", "town": "t", "street": "s"}, 409, ["/town", "/street"]),
                ("ruled", {"code": "b", "name": "n"}, 409, ["/name"]),
                ("ruled", {"code": "b", "low": 2, "high": 1}, 422, ["/low", "/high"]),
                ("renamed", {"label": "a"}, 409, ["/label"]),
                ("loans", {"name": "l", "keeper_id": 9}, 422, ["/keeper_id"]),
                ("cages", {"name": "c", "room": "r", "number": 1}, 422, ["/room"]),
                ("specimens", {"short": "x", "nope": 1, "whole": "1"}, 422, ["/nope", "/whole"]),
                ("specimens", {"tags": ["ok", 1]}, 422, ["/short", "/tags/1"]),
                ("keepers", {"name": "k", "friends": [7, 8]}, 422, ["/friends/0", "/friends/1"]),
            ):
                answer = await api.call("POST", plural, body)
                assert answer.status == status, (body, answer)
                assert sorted(answer.pointers) == sorted(pointers), (body, answer)


async def test_the_instance_of_a_problem(fresh_settings: FreshSettings) -> None:
    """A problem's instance is the path that was asked for, as a URI reference."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        for target in ("texts/a%3Fb%23c", "nope/%C3%A9%20%00%22"):
            found = (await api.call("GET", target)).problem(404)
            assert found["instance"] == f"/api/v1/{target}"


@pytest.mark.parametrize("kind", KINDS)
async def test_roles(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A viewer only reads, who has no role does nothing, and nobody at all is asked to sign in."""
    async with zoo_on(fresh_settings, kind) as api:
        for name in RESOURCES:
            for body in sample(name):
                await api.add(api.registry[name].plural, body)
        viewer, stranger = await api.token_of("view", "viewer"), await api.token_of("none")
        before = await api.counts()
        for name in RESOURCES:
            resource = api.registry[name]
            rows = (await api.get(resource.plural))["data"]
            one = api.address(name, rows[0])
            calls: tuple[tuple[str, str, object, int], ...] = (
                ("GET", resource.plural, None, 200),
                ("GET", one, None, 200),
                ("POST", resource.plural, sample(name)[0], 403),
                ("PATCH", one, {}, 403),
                ("DELETE", one, None, 403),
            )
            for method, target, payload, status in calls:
                api.token, kept = viewer, api.token
                answer = await api.call(method, target, payload)
                assert answer.status == status, (method, target, answer)
                api.token = stranger
                (await api.call(method, target, payload)).problem(403, "forbidden")
                api.token = kept
                refused = await api.call(method, target, payload, anonymous=True)
                refused.problem(401, "unauthenticated")
                assert refused.header("www-authenticate") == "Bearer"
        assert await api.counts() == before
        await disable_user(api.database, "view")
        api.token = viewer
        (await api.call("GET", "specimens")).problem(401, "unauthenticated")


@pytest.mark.parametrize("kind", KINDS)
async def test_rules(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A grant by a rule reaches its rows: others are absent, or read only, and none moves out."""
    async with zoo_on(fresh_settings, kind) as api:

        async def grant(session: object) -> None:
            made = await session.scalar(insert(Role).values(name="own").returning(Role.id))  # type: ignore[attr-defined]
            for action, rule in (
                ("read", None),
                ("create", "own"),
                ("update", "own"),
                ("delete", "own"),
            ):
                await session.execute(  # type: ignore[attr-defined]
                    insert(RoleGrant).values(
                        role_id=made, resource="ruled", action=action, rule=rule
                    )
                )
            assert await session.scalar(select(Role.id).where(Role.name == "own")) == made  # type: ignore[attr-defined]

        await api.database.write(grant)
        await api.add("ruled", {"code": "mine", "owner": "bo"})
        await api.add("ruled", {"code": "hers", "owner": "ann"})
        api.token = await api.token_of("bo", "own")
        before = await api.counts()
        assert len((await api.get("ruled"))["data"]) == 2
        refusals: tuple[tuple[str, str, object], ...] = (
            ("POST", "ruled", {"code": "new", "owner": "ann"}),
            ("POST", "ruled", {"code": "new"}),
            ("PATCH", "ruled/2", {"name": "x"}),
            ("DELETE", "ruled/2", None),
            ("PATCH", "ruled/1", {"owner": "ann"}),
        )
        for method, target, body in refusals:
            (await api.call(method, target, body)).problem(403, "forbidden")
        assert await api.counts() == before
        assert (await api.call("PATCH", "ruled/1", {"name": "x"})).status == 200
        await api.add("ruled", {"code": "new", "owner": "bo"})
        assert (await api.call("DELETE", "ruled/1")).status == 204


async def test_health(fresh_settings: FreshSettings) -> None:
    """Health is answered without a token, at the addresses that are usual."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        for target in ("/healthz", "/readyz"):
            assert (await api.call("GET", target, anonymous=True)).status == 200


async def fill(api: Api, number: int) -> None:
    for n in range(number):
        await api.add("unversioned", {"number": n})


async def test_pages_are_bounded(fresh_settings: FreshSettings) -> None:
    """A page has the resource's size unless asked otherwise, and never more than its limit."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        await fill(api, 30)
        page = await api.get("unversioned")
        assert (len(page["data"]), page["page"]["limit"]) == (25, 25)
        assert len((await api.get("unversioned?limit=200"))["data"]) == 30
        (await api.call("GET", "unversioned?limit=201")).problem(400, "bad_request")
