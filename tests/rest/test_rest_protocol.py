"""HTTP around the API: HEAD, other origins, compression, proxies, tracing, and its few pages."""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from api import HOST, MANY, PREFIX, SECRET, Api, prepare_zoo, serving, zoo_on
from conftest import FreshSettings
from pydantic import ValidationError
from zoo import RESOURCES, sample

from admin_app.errors import AppError, error_classes
from admin_app.middleware.compression import SMALLEST
from admin_app.middleware.heads import Heads
from admin_app.rest.field_codes import FIELD_CODES
from admin_app.settings import SecuritySection, ServerSection

ORIGIN = "https://app.example.org"
ROOT = "/lib/rary"
GZIP = [("accept-encoding", "br, gzip;q=0.9")]


@pytest.fixture
async def zoo(fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """The zoo as it is usually served."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        yield api


@pytest.fixture
async def elsewhere(fresh_settings: FreshSettings) -> AsyncIterator[Api]:
    """The zoo behind a proxy's prefix, open to one other origin, with its timing told."""
    server = ServerSection(allowed_hosts=(HOST,), root_path=ROOT, timing=True)
    security = SecuritySection(secret=SECRET, requests_per_minute=MANY, cors_origins=(ORIGIN,))
    settings = fresh_settings("sqlite", "zoo", prepare_zoo)
    async with serving(settings, shared=False, server=server, security=security) as api:
        yield api


async def some(api: Api, count: int) -> None:
    for each in range(count):
        await api.add("specimens", {"short": f"specimen {each}"})


async def test_heads(zoo: Api) -> None:
    """HEAD answers on every address what GET answers, its headers included, without the body."""
    await some(zoo, 30)
    told = {"x-request-id", "ratelimit"}
    for target in (
        *("specimens", "specimens?limit=2", "specimens/1", "specimens/99", "specimens?nope=1"),
        *("openapi.json", "docs", "nope", "access/tokens", "/errors/", "/errors/busy", "/"),
    ):
        for headers in ((), GZIP):
            get = await zoo.call("GET", target, headers=headers)
            head = await zoo.call("HEAD", target, headers=headers)
            assert (head.status, head.body) == (get.status, b""), target
            first, second = (
                {name: value for name, value in each.headers if name not in told}
                for each in (get, head)
            )
            assert first == second, target
    refused = await zoo.call("HEAD", "specimens/1/nope")
    assert refused.status == 404
    assert (await zoo.call("HEAD", "specimens", anonymous=True)).status == 401


async def test_a_stream_is_not_read_for_a_head() -> None:
    """Of an answer in pieces a HEAD takes the first and no other."""
    asked = 0
    sent: list[Any] = []

    async def stream(_: Any, __: Any, send: Any) -> None:
        nonlocal asked
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for each in range(3):
            asked = each
            await send({"type": "http.response.body", "body": b"x", "more_body": True})

    async def send(message: Any) -> None:
        sent.append(message)

    await Heads(stream)({"type": "http", "method": "HEAD"}, send, send)  # type: ignore[arg-type]
    assert asked == 0
    assert [each.get("body") for each in sent] == [None, b""]


async def test_compression(zoo: Api) -> None:
    """What is long is compressed for who takes it, under a tag of its own; the panel never is."""
    await some(zoo, 30)
    plain = await zoo.call("GET", "specimens?sort=id")
    assert plain.header("content-encoding") is None
    assert "accept-encoding" in (plain.header("vary") or "").lower()
    packed = await zoo.call("GET", "specimens?sort=id", headers=GZIP)
    assert packed.header("content-encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) == int(packed.header("content-length") or 0) < len(plain.body) / 3
    assert len(plain.body) > SMALLEST > len((await zoo.call("GET", "nope", headers=GZIP)).body)
    for refused in ("gzip;q=0", "gzip; q=0.0, br", "identity", "notgzip", ""):
        headers = [("accept-encoding", refused)]
        answer = await zoo.call("GET", "specimens?sort=id", headers=headers)
        assert answer.header("content-encoding") is None, refused
    panel = await zoo.call("GET", "/admin/login", headers=GZIP)
    assert len(panel.body) > SMALLEST
    assert panel.header("content-encoding") is None


async def test_tags_of_compressed_answers(zoo: Api) -> None:
    """The tag of a compressed answer is another strong one, and good wherever a tag is sent."""
    await zoo.add("specimens", {"short": "x", "text": "y" * 2 * SMALLEST})
    plain = await zoo.call("GET", "specimens/1")
    packed = await zoo.call("GET", "specimens/1", headers=GZIP)
    tag = packed.header("etag") or ""
    assert tag == f'{(plain.header("etag") or "")[:-1]}.gzip"'
    again = await zoo.call("GET", "specimens/1", headers=[*GZIP, ("if-none-match", tag)])
    assert (again.status, again.body, again.header("etag")) == (304, b"", tag)
    for match, status in ((tag, 200), (tag, 412)):
        answer = await zoo.call(
            "PATCH", "specimens/1", {"short": "z"}, headers=[*GZIP, ("if-match", match)]
        )
        assert answer.status == status, answer


async def test_other_origins(elsewhere: Api, zoo: Api) -> None:
    """A listed origin's page may use the API, without cookies; any other, and the panel, never."""
    ask = [("access-control-request-method", "PATCH"), ("origin", ORIGIN)]
    ask.append(("access-control-request-headers", "authorization, if-match, prefer, content-type"))
    asked = await elsewhere.call("OPTIONS", "specimens/1", headers=ask, anonymous=True)
    assert asked.status == 200
    assert asked.header("access-control-allow-origin") == ORIGIN
    assert "PATCH" in (asked.header("access-control-allow-methods") or "")
    assert asked.header("x-content-type-options") == "nosniff"
    for target, status in (("specimens", 200), ("nope", 404), ("specimens?x=1", 400)):
        answer = await elsewhere.call("GET", target, headers=[("origin", ORIGIN)])
        assert (answer.status, answer.header("access-control-allow-origin")) == (status, ORIGIN)
        assert "ETag" in (answer.header("access-control-expose-headers") or "")
        assert answer.header("access-control-allow-credentials") is None
        assert "Origin" in (answer.header("vary") or "")
    for api, origin, target in (
        (elsewhere, "https://evil.example", "specimens"),
        (elsewhere, f"{ORIGIN}.evil.example", "specimens"),
        (elsewhere, "null", "specimens"),
        (elsewhere, ORIGIN, "/admin/login"),
        (elsewhere, ORIGIN, "/healthz"),
        (zoo, ORIGIN, "specimens"),
    ):
        for method in ("GET", "OPTIONS"):
            headers = [("origin", origin), ("access-control-request-method", "GET")]
            answer = await api.call(method, target, headers=headers)
            assert answer.header("access-control-allow-origin") is None, (origin, target)


async def test_an_error_of_ours_reaches_another_origin(elsewhere: Api) -> None:
    """A page of a listed origin can read that something went wrong."""

    async def fail() -> None:
        raise RuntimeError

    elsewhere.app.add_api_route("/api/v1/broken", fail)
    answer = await elsewhere.call("GET", "broken", headers=[("origin", ORIGIN)])
    assert answer.status == 500
    assert answer.header("access-control-allow-origin") == ORIGIN
    assert answer.json["type"] == f"{ROOT}/errors/internal_error"


async def test_behind_a_prefix(elsewhere: Api) -> None:
    """Whether a proxy takes its prefix off or not, addresses in answers begin with it."""
    await some(elsewhere, 3)
    for prefix in ("", ROOT):
        made = await elsewhere.call("POST", f"{prefix}{PREFIX}/specimens", {"short": "x"})
        where = made.header("location") or ""
        assert where.startswith(f"{ROOT}{PREFIX}/specimens/")
        assert (await elsewhere.call("GET", where)).status == 200
        page = await elsewhere.call("GET", f"{prefix}{PREFIX}/specimens?limit=1")
        link = re.match(r"<([^>]+)>", page.header("link") or "")
        assert link is not None
        assert link[1].startswith(f"{ROOT}{PREFIX}/specimens?")
        assert (await elsewhere.call("GET", link[1])).status == 200
        absent = await elsewhere.call("GET", f"{prefix}{PREFIX}/nope")
        assert absent.json["type"] == f"{ROOT}/errors/not_found"
        assert absent.json["instance"] == f"{ROOT}{PREFIX}/nope"
        assert (await elsewhere.call("GET", absent.json["type"])).json["code"] == "not_found"
        document = await elsewhere.get(f"{prefix}{PREFIX}/openapi.json")
        assert document["servers"] == [{"url": ROOT}]
        docs = (await elsewhere.call("GET", f"{prefix}{PREFIX}/docs")).body.decode()
        for asset in re.findall(r'(?:src|href)="(/[^"]+)"', docs):
            assert asset.startswith(ROOT)
            assert (await elsewhere.call("GET", asset)).status == 200
        panel = await elsewhere.call("GET", f"{prefix}/admin/")
        assert (panel.header("location") or "").startswith(f"{ROOT}/admin/login")
        sign_in = (await elsewhere.call("GET", f"{prefix}/admin/login")).body.decode()
        for asset in re.findall(r'(?:src|href|action)="(/[^"]+)"', sign_in):
            assert asset.startswith(f"{ROOT}/admin"), asset
        for probe in ("/healthz", "/readyz"):
            headers = [("host", "10.0.0.7")]
            assert (await elsewhere.call("GET", f"{prefix}{probe}", headers=headers)).status == 200
    assert (await elsewhere.call("GET", f"{ROOT}x{PREFIX}/specimens")).status == 404


async def test_forwarded_headers(fresh_settings: FreshSettings) -> None:
    """What a proxy says of its caller is believed of a trusted proxy, and of nobody else."""
    settings = fresh_settings("sqlite", "zoo", prepare_zoo)
    forwarded = [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-proto", "https")]
    for proxies, believed in (((), False), (("127.0.0.1",), True), (("192.0.2.1",), False)):
        server = ServerSection(allowed_hosts=(HOST,), trusted_proxies=proxies)
        async with serving(settings, shared=False, server=server) as api:
            answer = await api.call("POST", "specimens", {"short": "x"}, headers=forwarded)
            secure = answer.header("strict-transport-security") is not None
            assert (answer.status, secure) == (201, believed)
            # A prefix or a host that a caller makes up changes no address.
            odd = [*forwarded, ("x-forwarded-prefix", "/evil"), ("x-forwarded-host", "evil")]
            page = await api.call("GET", "specimens?limit=1", headers=odd)
            assert "evil" not in json.dumps(page.headers) + page.body.decode()


async def test_timing(elsewhere: Api, zoo: Api) -> None:
    """In development an answer tells how many statements it took; otherwise none tells."""
    answer = await elsewhere.call("GET", "specimens?count=exact")
    timing = answer.header("server-timing") or ""
    found = re.fullmatch(r'db;desc="(\d+) statements";dur=[\d.]+, total;dur=[\d.]+', timing)
    assert found is not None, timing
    assert 2 <= int(found[1]) < 10
    assert "0 statements" in str((await elsewhere.call("GET", "/healthz")).header("server-timing"))
    assert (await zoo.call("GET", "specimens")).header("server-timing") is None


TRACE = "0af7651916cd43dd8448eb211c80319c"


async def test_traces(zoo: Api, caplog: pytest.LogCaptureFixture) -> None:
    """The trace of a valid ``traceparent`` stands in the log line; any other is as none."""
    for given, kept in (
        (f"00-{TRACE}-b7ad6b7169203331-01", True),
        (f"cc-{TRACE}-b7ad6b7169203331-01-what-comes", True),
        (f"00-{TRACE}-b7ad6b7169203331-01-extra", False),
        (f"ff-{TRACE}-b7ad6b7169203331-01", False),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", False),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE}-b7ad6b7169203331", False),
        ("x" * 10_000, False),
        ("", False),
    ):
        caplog.clear()
        with caplog.at_level(logging.INFO, "admin_app.requests"):
            answer = await zoo.call("GET", "specimens?no", headers=[("traceparent", given)])
        assert answer.status == 400
        (line,) = [each.getMessage() for each in caplog.records if "GET /" in each.getMessage()]
        assert (f"trace={TRACE}" in line) == kept, given
        assert (answer.header("x-request-id") or "") in line


async def test_keys_of_any_kind_in_paths(zoo: Api) -> None:
    """Every record of every kind of key is read, changed and deleted at its address."""
    for name in RESOURCES:
        resource = zoo.registry[name]
        for body in sample(name):
            made = await zoo.add(resource.plural, body)
            address = zoo.address(name, made)
            assert (await zoo.get(address)) == made
            head = await zoo.call("HEAD", address)
            assert (head.status, head.body) == (200, b"")


async def test_errors_are_explained(zoo: Api) -> None:
    """Each problem's type leads to what it means: a page for people, JSON for programs."""
    index = await zoo.call("GET", "/errors/", anonymous=True)
    assert {each["code"] for each in index.json["errors"]} == {
        each.code for each in error_classes()
    }
    assert index.json["parts"] == dict(FIELD_CODES)
    browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]
    for each in error_classes():
        told = (await zoo.call("GET", f"/errors/{each.code}", anonymous=True)).json
        assert (told["status"], told["title"]) == (int(each.status), each.title)
        assert told["remedy"] == each.remedy
        page = await zoo.call("GET", f"/errors/{each.code}", headers=browser, anonymous=True)
        assert page.header("content-type") == "text/html; charset=utf-8"
        assert f"<code>{each.code}</code>" in page.body.decode()
        assert "Accept" in (page.header("vary") or "")
    for absent in ("nope", "%00", "%3Cscript%3E", "x" * 5000):
        (await zoo.call("GET", f"/errors/{absent}", headers=browser)).problem(404)
    assert AppError.remedy.endswith(".")


async def test_pages_have_no_inline_code(zoo: Api) -> None:
    """The pages for people hold no script, style or address of another place."""
    browser = [("accept", "text/html")]
    for target in ("docs", "/errors/", "/errors/busy"):
        page = await zoo.call("GET", target, headers=browser, anonymous=True)
        html = page.body.decode()
        assert page.status == 200
        assert not re.search(r"<style|style=|\son\w+=|https?://", html), target
        assert all("src=" in each for each in re.findall(r"<script[^>]*>", html))
        assert "unsafe" not in (page.header("content-security-policy") or "")
    (await zoo.call("GET", "docs/nope.js")).problem(404, "not_found")
    (await zoo.call("GET", "docs/..%2f..%2fpages.py")).problem(404, "not_found")


@pytest.mark.parametrize("root", ["library", "/", "/library/", "/a b", "/api/x", "/admin", "/a//b"])
def test_a_prefix_that_cannot_be(root: str) -> None:
    """A prefix that is none, or cannot be told from our own addresses, is refused at the start."""
    with pytest.raises(ValidationError):
        ServerSection(root_path=root)


@pytest.mark.parametrize(
    "origin", ["*", "app.example.org", "https://app.example.org/", "https://*.org", "null", ""]
)
def test_an_origin_that_cannot_be(origin: str) -> None:
    """What is no origin, or stands for many, is refused at the start."""
    with pytest.raises(ValidationError):
        SecuritySection(cors_origins=(origin,))
