"""What holds for every write over REST: preferences, preconditions, and what may be asked."""

from __future__ import annotations

from typing import Any

import pytest
from api import serving, zoo_on
from conftest import KINDS, FreshSettings, Kind
from promises import prepare
from starlette.requests import Request

from admin_app.errors import BadRequestError
from admin_app.rest.prefer import preferences


def request(*headers: str | bytes) -> Request:
    raw = [each.encode("latin-1") if isinstance(each, str) else each for each in headers]
    return Request({"type": "http", "headers": [(b"prefer", each) for each in raw]})


@pytest.mark.parametrize(
    ("headers", "applied"),
    [
        ((), ""),
        (("return=minimal",), "return=minimal"),
        (("Return = minimal ; foo=bar",), "return=minimal"),
        (('return="minimal"',), "return=minimal"),
        (("return=minimal, return=representation",), "return=minimal"),
        (("tx=rollback", "return=representation"), "tx=rollback, return=representation"),
        (("respond-async, wait=10; x, return=some",), ""),
        (("handling=lenient, nope",), "handling=lenient"),
        (("max-affected=7, resolution=merge-duplicates",), ""),
        ((',,;,=,"', "\\", "", '"tx=rollback"'), ""),
    ],
)
def test_preferences(headers: tuple[str, ...], applied: str) -> None:
    """Known preferences are honoured, the first of each; others are ignored."""
    assert preferences(request(*headers)).header() == applied


@pytest.mark.parametrize(
    "header",
    [
        "handling=strict, respond-async",
        "handling=strict, return=some",
        "handling=strict, \x00",
        "handling=strict, max-affected=1",
        'handling=strict, "',
    ],
)
def test_strict(header: str) -> None:
    """Who asks for it is told of every preference that is not honoured."""
    with pytest.raises(BadRequestError) as caught:
        preferences(request(header))
    assert [each.pointer for each in caught.value.errors] == ["/Prefer"]


@pytest.mark.parametrize(
    "header",
    [
        *("tx=rolback", "tx", "tx=ROLLBACK", 'tx="rollback', "tx rollback", "TX:rollback"),
        *("max-affected=all", "max-affected=-1", "max-affected=1e3", "max-affected=9999999999"),
    ],
)
def test_guards(header: str) -> None:
    """A guard that cannot be read is refused: done without it, the write could do harm."""
    with pytest.raises(BadRequestError):
        preferences(request(header), "max-affected")


def test_hostile_headers() -> None:
    """No header takes long, or is anything but read or refused."""
    for header in (b" " * 60_000 + b"=" + b" " * 60_000, b"a=" * 30_000, b'a="' + b"\\" * 60_001):
        preferences(request(header))
    preferences(request(bytes(range(1, 256)), b"\xff", b";" * 60_000, b"," * 60_000))


@pytest.mark.parametrize("kind", KINDS)
async def test_minimal(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Who wants no body is told that it is done, where it is and of which version."""
    async with zoo_on(fresh_settings, kind) as api:
        minimal = [("prefer", "return=minimal")]
        made = await api.call("POST", "specimens", {"short": "x"}, headers=minimal)
        assert (made.status, made.body) == (201, b"")
        assert made.header("location") == "/api/v1/specimens/1"
        assert made.header("preference-applied") == "return=minimal"
        read = await api.call("GET", "specimens/1")
        assert made.header("etag") == read.header("etag")
        for method, body in (("PATCH", {"short": "y"}), ("PUT", {"short": "z"})):
            answer = await api.call(method, "specimens/1", body, headers=minimal)
            assert (answer.status, answer.body) == (204, b"")
            read = await api.call("GET", "specimens/1")
            assert answer.header("etag") == read.header("etag")
            assert read.json["short"] == body["short"]
        refused = await api.call("POST", "specimens", {}, headers=minimal)
        refused.problem(422, "validation_failed")


@pytest.mark.parametrize("kind", KINDS)
async def test_version_required(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Where a model asks for it, only who says which version they mean changes a record."""
    async with serving(fresh_settings(kind, "promises", prepare), models=("promises",)) as api:
        etag = (await api.call("POST", "guarded", {"name": "a"})).header("etag") or ""
        for method, body in (("PATCH", {"name": "b"}), ("PUT", {"name": "b"}), ("DELETE", None)):
            answer = await api.call(method, "guarded/1", body)
            answer.problem(428, "precondition_required")
        item = {"items": [{"key": "1", "data": {"name": "b"}}]}
        (await api.call("PATCH", "guarded/bulk", item)).problem(428, "precondition_required")
        found = await api.call("PATCH", "guarded/1", {"name": "b"}, headers=[("if-match", etag)])
        assert found.status == 200
        any_ = [("if-match", "*")]
        assert (await api.call("DELETE", "guarded/1", headers=any_)).status == 204


async def test_options(fresh_settings: FreshSettings) -> None:
    """Every address tells what may be asked of it, and what a PATCH of it takes."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        for target, methods in (
            ("specimens", {"GET", "HEAD", "QUERY", "POST", "PATCH", "DELETE"}),
            ("specimens/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
            ("openapi.json", {"GET", "HEAD"}),
        ):
            answer = await api.call("OPTIONS", target)
            assert (answer.status, answer.body) == (204, b"")
            assert named(answer.header("allow")) == {*methods, "OPTIONS"}, target
            taken = named(answer.header("accept-patch"))
            assert ("application/json" in taken) == ("PATCH" in methods)
            assert ("application/json-patch+json" in taken) == ("PUT" in methods)
        (await api.call("OPTIONS", "nothing/here")).problem(404, "not_found")


def named(header: str | None) -> set[str]:
    return {each.strip() for each in (header or "").split(",")}


async def test_tokens_are_made_in_earnest(fresh_settings: FreshSettings) -> None:
    """What is shown once is neither tried out nor shown again: both are refused."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        before = await api.counts()
        body: Any = {"name": "t", "expires_in_days": 1, "scopes": None}
        for header in (("prefer", "tx=rollback"), ("idempotency-key", "k")):
            answer = await api.call("POST", "access/tokens", body, headers=[header])
            answer.problem(400, "bad_request")
            answer = await api.call("POST", "access/tokens/1/rotate", {}, headers=[header])
            answer.problem(400, "bad_request")
        revoke = await api.call("DELETE", "access/tokens/1", headers=[("prefer", "tx=rollback")])
        revoke.problem(400, "bad_request")
        assert await api.counts() == before
