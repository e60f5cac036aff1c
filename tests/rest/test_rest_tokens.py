"""API tokens over REST: made, listed, rotated and revoked, and what a request for it must hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api import Answer, Api, zoo_on
from conftest import KINDS, FreshSettings
from sqlalchemy import select, update

from admin_app.access import create_token, create_user, is_token
from admin_app.access.tables import Role, SecurityEvent, Token, User

TOKENS = "access/tokens"


@pytest.fixture(params=KINDS)
async def api(request: pytest.FixtureRequest, fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    async with zoo_on(fresh_settings, request.param) as made:
        yield made


def wanted(**more: Any) -> dict[str, Any]:
    return {"name": "till", "expires_in_days": None, "scopes": None, **more}


async def made(api: Api, **more: Any) -> dict[str, Any]:
    """The answer to a request for a token."""
    answer = await api.call("POST", TOKENS, wanted(**more))
    assert answer.status == 201, answer
    found: dict[str, Any] = answer.json
    return found


async def by(api: Api, token: str, *call: Any) -> Answer:
    """Call with another token."""
    kept, api.token = api.token, token
    try:
        return await api.call(*call)
    finally:
        api.token = kept


async def test_create(api: Api) -> None:
    """A new token is answered once, not to be stored, works, and is listed without itself."""
    answer = await api.call("POST", TOKENS, wanted(expires_in_days=30, scopes=["folder:read"]))
    assert answer.status == 201
    assert answer.header("cache-control") == "no-store"
    found = answer.json
    token = found.pop("token")
    assert is_token(token)
    assert token.startswith(found["prefix"])
    assert (found["user"], found["name"], found["scopes"]) == ("ann", "till", ["folder:read"])
    life = datetime.fromisoformat(found["expires_at"]) - datetime.fromisoformat(found["created_at"])
    assert life == timedelta(days=30)
    listed = (await api.get(TOKENS))["data"]
    assert listed[0] == found
    assert len(listed) == 2
    assert token not in str(listed)
    assert (await by(api, token, "GET", "folders")).status == 200
    (await by(api, token, "POST", "folders", {"name": "x"})).problem(403)
    (await by(api, token, "GET", "specimens")).problem(403)


async def test_what_is_missing_is_told(api: Api) -> None:
    """A refusal names the scope of the token, or the grant of its owner; of both, the scope."""
    narrow = (await made(api, scopes=["folder:read"]))["token"]
    refused = await by(api, narrow, "POST", "folders", {"name": "x"})
    words = "You may not create folders. This token has no scope folder:create."
    assert refused.problem(403, "forbidden")["detail"] == words
    challenge = 'Bearer error="insufficient_scope", scope="folder:create"'
    assert refused.header("www-authenticate") == challenge
    own = await by(api, api.token, "GET", "admin_users")
    assert "This token has no scope admin_user:read." in own.problem(403)["detail"]
    await create_user(api.database, "sue", None, ["viewer"])
    for scopes, lacking in (
        (None, "The owner of this token lacks the grant"),
        (["*:*"], "The owner of this token lacks the grant"),
        (["folder:read"], "This token has no scope"),
    ):
        token = await create_token(api.database, "sue", "x", None, scopes=scopes)
        refused = await by(api, token, "POST", "folders", {"name": "x"})
        assert refused.problem(403)["detail"].endswith(f"{lacking} folder:create.")
        assert (refused.header("www-authenticate") is None) == ("owner" in lacking)
    needing = update(Role).where(Role.name == "viewer").values(second_factor=True)
    await api.database.write(lambda session: session.execute(needing))
    token = await create_token(api.database, "sue", "x", None)
    refused = await by(api, token, "GET", "folders")
    assert refused.problem(403)["detail"].endswith("has to set up a second factor.")


BAD_TOKENS: tuple[tuple[dict[str, Any], int, list[str]], ...] = (
    ({}, 422, ["/name", "/expires_in_days", "/scopes"]),
    (wanted(name=""), 422, ["/name"]),
    (wanted(name="x" * 101), 422, ["/name"]),
    (wanted(name="\0"), 422, ["/name"]),
    (wanted(name=1), 422, ["/name"]),
    (wanted(expires_in_days=0), 422, ["/expires_in_days"]),
    (wanted(expires_in_days=3661), 422, ["/expires_in_days"]),
    (wanted(expires_in_days=True), 422, ["/expires_in_days"]),
    (wanted(expires_in_days=10**30), 422, ["/expires_in_days"]),
    (wanted(expires_in_days="1"), 422, ["/expires_in_days"]),
    (wanted(scopes=[]), 422, ["/scopes"]),
    (wanted(scopes=["folder:read"] * 101), 422, ["/scopes"]),
    (wanted(scopes="folder:read"), 422, ["/scopes"]),
    (wanted(scopes=["folder"]), 422, ["/scopes/0"]),
    (wanted(scopes=["folder:read", "foldr:read"]), 422, ["/scopes/1"]),
    (wanted(scopes=["folder:raed"]), 422, ["/scopes/0"]),
    (wanted(scopes=["\0:read"]), 422, ["/scopes/0"]),
    (wanted(scopes=[None]), 422, ["/scopes/0"]),
    (wanted(scopes=["admin_user:read"]), 422, ["/scopes/0"]),
    (wanted(user=None), 422, ["/user"]),
    (wanted(more=1), 422, ["/more"]),
)


async def test_bad_input(api: Api) -> None:
    """A token that cannot be so is refused at each field, and none is made."""
    for body, status, pointers in BAD_TOKENS:
        answer = await api.call("POST", TOKENS, body)
        answer.problem(status)
        assert answer.pointers == pointers, body
    assert len((await api.get(TOKENS))["data"]) == 1


async def test_unknown_scopes_have_near_names(api: Api) -> None:
    """A mistyped scope is answered with the nearest name of what the caller may use."""
    answer = await api.call("POST", TOKENS, wanted(scopes=["foldr:read"]))
    assert "Did you mean folder?" in answer.json["errors"][0]["detail"]
    stranger = await api.token_of("nob")
    answer = await by(api, stranger, "POST", TOKENS, wanted(scopes=["folder:read"]))
    assert answer.json["errors"][0]["detail"] == "There is no resource folder."


async def test_bad_requests(api: Api) -> None:
    """The body is JSON, parameters are known ones, ids are ids; nobody unknown gets anywhere."""
    (await api.call("POST", TOKENS, raw=b"{")).problem(400)
    (await api.call("POST", TOKENS, raw=b"{}", headers=[("content-type", "text/plain")])).problem(
        415
    )
    (await api.call("POST", f"{TOKENS}?x=1", wanted())).problem(400)
    for query in ("x=1", "user=ann&user=ann", "user=ann&x=1"):
        (await api.call("GET", f"{TOKENS}?{query}")).problem(400)
    for key in ("99", "0", "-1", "x", "9" * 19, "9" * 5000, "%C2%B2", "1%00"):
        (await api.call("DELETE", f"{TOKENS}/{key}")).problem(404, "not_found")
        (await api.call("POST", f"{TOKENS}/{key}/rotate", {})).problem(404, "not_found")
    for method, target in (
        ("GET", TOKENS),
        ("POST", TOKENS),
        ("POST", f"{TOKENS}/1/rotate"),
        ("DELETE", f"{TOKENS}/1"),
    ):
        (await api.call(method, target, anonymous=True)).problem(401, "unauthenticated")
    for target in (f"{TOKENS}/1", f"{TOKENS}/1/rotate"):
        (await api.call("GET", target)).problem(405)
    assert len((await api.get(TOKENS))["data"]) == 1


async def test_rotate(api: Api) -> None:
    """A token is replaced by one like it and lives on for the overlap, or not at all."""
    old = await made(api, expires_in_days=7, scopes=["folder:*"])
    answer = await api.call("POST", f"{TOKENS}/{old['id']}/rotate", {"overlap_hours": 2})
    assert answer.status == 201
    assert answer.header("cache-control") == "no-store"
    new = answer.json
    assert [new[each] for each in ("user", "name", "scopes")] == ["ann", "till", ["folder:*"]]
    left = (await api.get(TOKENS))["data"][1]
    gone = datetime.fromisoformat(left["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=1) < gone <= timedelta(hours=2)
    for token in (old["token"], new["token"]):
        assert (await by(api, token, "GET", "folders")).status == 200
    itself = f"{TOKENS}/{new['id']}/rotate"
    third = await by(api, new["token"], "POST", itself, {"overlap_hours": 0})
    assert third.status == 201
    (await by(api, new["token"], "GET", "folders")).problem(401)
    (await api.call("POST", itself, {})).problem(409, "conflict")


@pytest.mark.parametrize("hours", [-1, 721, 1.5, "2", None, True, 10**30])
async def test_bad_overlap(api: Api, hours: Any) -> None:
    """An overlap is whole hours, thirty days of them at most."""
    answer = await api.call("POST", f"{TOKENS}/1/rotate", {"overlap_hours": hours})
    answer.problem(422)
    assert answer.pointers == ["/overlap_hours"]


async def test_revoke(api: Api) -> None:
    """A revoked token is nobody's at once; to revoke it again changes nothing."""
    old = await made(api)
    for _ in range(2):
        answer = await api.call("DELETE", f"{TOKENS}/{old['id']}")
        assert (answer.status, answer.body) == (204, b"")
        (await by(api, old["token"], "GET", "folders")).problem(401)
    assert (await api.get(TOKENS))["data"][0]["revoked_at"] is not None
    own = (await api.get(TOKENS))["data"][1]["id"]
    assert (await api.call("DELETE", f"{TOKENS}/{own}")).status == 204
    (await api.call("GET", TOKENS)).problem(401)


async def test_no_token_makes_more_than_itself(api: Api) -> None:
    """What a narrow token makes is no wider and lives no longer; the rest it leaves alone."""
    narrow = (await made(api, scopes=["folder:*", "specimen:read"], expires_in_days=7))["token"]
    before = len((await api.get(TOKENS))["data"])
    for more in (
        {"scopes": None, "expires_in_days": 1},
        {"scopes": ["*:read"], "expires_in_days": 1},
        {"scopes": ["specimen:*"], "expires_in_days": 1},
        {"scopes": ["folder:read"], "expires_in_days": None},
        {"scopes": ["folder:read"], "expires_in_days": 8},
    ):
        (await by(api, narrow, "POST", TOKENS, wanted(**more))).problem(403, "forbidden")
    (await by(api, narrow, "DELETE", f"{TOKENS}/1")).problem(403)
    (await by(api, narrow, "POST", f"{TOKENS}/1/rotate", {})).problem(403)
    assert len((await api.get(TOKENS))["data"]) == before
    fine = wanted(scopes=["folder:read"], expires_in_days=1)
    assert (await by(api, narrow, "POST", TOKENS, fine)).status == 201


async def test_tokens_of_others(api: Api) -> None:
    """Others' tokens are absent; for who holds the grants they are there, within their reach."""
    await api.token_of("vic", "viewer")
    theirs = next(each.id for each in await tokens(api) if each.name == "test" and each.id > 1)
    (await api.call("DELETE", f"{TOKENS}/{theirs}")).problem(404)
    (await api.call("POST", f"{TOKENS}/{theirs}/rotate", {})).problem(404)
    for name in ("vic", "nobody"):
        (await api.call("GET", f"{TOKENS}?user={name}")).problem(403)
        (await api.call("POST", TOKENS, wanted(user=name))).problem(403)
    assert (await api.get(f"{TOKENS}?user=ANN")) == await api.get(TOKENS)

    await create_user(api.database, "root", None, ["administrator"])
    scopes = ["admin_token:*", "*:*"]
    api.token = await create_token(api.database, "root", "x", None, scopes=scopes)
    (found,) = (await api.get(f"{TOKENS}?user=vic"))["data"]
    assert (found["id"], found["user"]) == (theirs, "vic")
    assert (await api.get(f"{TOKENS}?user=nobody"))["data"] == []
    (await api.call("POST", TOKENS, wanted(user="nobody"))).problem(404)
    assert (await made(api, user="vic"))["user"] == "vic"
    assert (await api.call("DELETE", f"{TOKENS}/{theirs}")).status == 204


async def test_a_disabled_owner(api: Api) -> None:
    """A token for somebody who is disabled is refused at the field that names them."""
    await create_user(api.database, "root", None, ["administrator"])
    scopes = ["admin_token:issue", "*:*"]
    api.token = await create_token(api.database, "root", "x", None, scopes=scopes)
    await api.database.write(
        lambda each: each.execute(update(User).where(User.name == "ann").values(active=False))
    )
    answer = await api.call("POST", TOKENS, wanted(user="ann", scopes=["*:*"]))
    answer.problem(422)
    assert answer.pointers == ["/user"]


async def test_the_security_log(api: Api) -> None:
    """What is done with tokens is told of with the request and its address."""
    answer = await api.call("POST", TOKENS, wanted(), headers=[("user-agent", "till 1.0")])
    await api.call("DELETE", f"{TOKENS}/{answer.json['id']}")

    async def read(connection: Any) -> list[Any]:
        statement = select(SecurityEvent.__table__).where(SecurityEvent.source == "rest")
        return list((await connection.execute(statement.order_by(SecurityEvent.id))).all())

    told = await api.database.read(read)
    assert [(each.event, each.actor_name) for each in told] == [
        ("token_created", "ann"),
        ("token_revoked", "ann"),
    ]
    assert (told[0].address, told[0].user_agent) == ("127.0.0.1", "till 1.0")
    assert told[0].request_id == answer.header("x-request-id")


async def tokens(api: Api) -> list[Any]:
    async def read(connection: Any) -> list[Any]:
        return list((await connection.execute(select(Token.__table__).order_by(Token.id))).all())

    return await api.database.read(read)
