"""What surrounds every request: the host, the request's id, the headers, the line in the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from api import HOST, Api, zoo_on
from conftest import FreshSettings
from starlette.responses import PlainTextResponse

from admin_app.middleware import SECURITY_HEADERS, RequestMiddleware
from admin_app.middleware.requests import _loggable
from admin_app.settings import ServerSection


@pytest.fixture
async def broken(fresh_settings: FreshSettings) -> Any:
    """The zoo, with a route that fails."""
    async with zoo_on(fresh_settings, "sqlite", shared=False) as api:

        async def fail() -> None:
            msg = "a secret that no answer may tell"
            raise RuntimeError(msg)

        api.app.add_api_route("/broken", fail)
        yield api


async def test_headers_of_every_answer(broken: Api) -> None:
    """Every answer, an error of ours included, has the security headers and a request id."""
    for target in (
        *("specimens", "specimens/1", "nope", "/nope", "/healthz", "specimens?x=1", "/broken"),
    ):
        answer = await broken.call("GET", target)
        for name, value in SECURITY_HEADERS.items():
            assert answer.header(name.lower()) == value
        assert answer.header("strict-transport-security") is None
        assert len(answer.header("x-request-id") or "") == 32
        assert answer.header("content-length") == str(len(answer.body))


async def test_an_unforeseen_error(broken: Api, caplog: pytest.LogCaptureFixture) -> None:
    """It is answered as a problem that tells nothing, and logged whole under the request's id."""
    with caplog.at_level(logging.INFO, "admin_app.requests"):
        answer = await broken.call("GET", "/broken")
    found = answer.problem(500, "internal_error")
    assert "secret" not in answer.body.decode()
    (logged,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert found["request_id"] in logged.getMessage()
    assert logged.exc_info is not None
    assert any("GET /broken 500 " in each.getMessage() for each in caplog.records)


async def test_request_ids(broken: Api) -> None:
    """A client's own request id is kept when it is a plain word, else it gets one of ours."""
    for given, kept in (
        ("abc-1.2_3", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("", False),
        ("a b", False),
        ("a\xff", False),
        ("a\nb", False),
    ):
        answer = await broken.call("GET", "/healthz", headers=[("x-request-id", given)])
        assert (answer.header("x-request-id") == given) == kept, given


async def test_a_log_line_is_one_line(broken: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is in a path, the line in the log is one, and holds no query."""
    with caplog.at_level(logging.INFO, "admin_app.requests"):
        await broken.call("GET", "/a%0Ab%1B%5B31m%E2%80%A8?token=hidden")
    (line,) = [each.getMessage() for each in caplog.records if each.name == "admin_app.requests"]
    assert line.isprintable()
    assert "hidden" not in line


@pytest.mark.parametrize("log_all", [True, False])
async def test_which_requests_are_logged(log_all: bool, caplog: pytest.LogCaptureFixture) -> None:
    """All, or those that are refused or fail."""
    with caplog.at_level(logging.INFO, "admin_app.requests"):
        for status in (200, 304, 404, 500):
            app = PlainTextResponse("", status_code=status)
            headers = [(b"host", b"h")]
            await through(app, ["h"], log_all=log_all, headers=headers)
    told = [each.getMessage().split()[2] for each in caplog.records]
    assert told == (["200", "304", "404", "500"] if log_all else ["404", "500"])


@pytest.mark.parametrize(
    ("allowed", "host", "answered"),
    [
        (HOST, HOST, True),
        (HOST, HOST.upper(), True),
        (HOST, f"{HOST}:8000", True),
        (HOST, f"{HOST}:x", False),
        (HOST, f"x.{HOST}", False),
        (HOST, "", False),
        (HOST, f"{HOST}.", False),
        ("[::1]", "[::1]", True),
        ("[::1]", "[::1]:8000", True),
        ("*", "anything", True),
    ],
)
async def test_hosts(allowed: str, host: str, answered: bool) -> None:
    """Only the host names that are set are answered, at any port."""
    headers = [(b"host", host.encode())]
    sent = await through(hello, [allowed], headers=headers)
    assert (sent[0]["status"] == 200) == answered


async def test_odd_hosts(fresh_settings: FreshSettings) -> None:
    """Where every host is answered, one that is no host name at all breaks nothing."""
    server = ServerSection(allowed_hosts=("*",))
    async with zoo_on(fresh_settings, "sqlite", server=server) as api:
        for host in ("[", "\xff", "", "a b", "@"):
            for target, status in (("/healthz", 200), ("specimens", 200), ("/nope", 404)):
                answer = await api.call("GET", target, headers=[("host", host)])
                assert answer.status == status, (host, answer)


async def hello(_: Any, __: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def through(
    app: Any, hosts: Sequence[str], *, log_all: bool = False, **scope: Any
) -> list[Any]:
    """What an application of its own answers through the middleware."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    usual = {"type": "http", "method": "GET", "path": "/", "scheme": "http"}
    made = RequestMiddleware(app, hosts, log_all=log_all)
    await made({**usual, **scope}, send, send)  # type: ignore[arg-type]
    return sent


async def test_https() -> None:
    """Over https browsers are told to stay there."""
    sent = await through(hello, ["h"], scheme="https", headers=[(b"host", b"h")])
    assert b"strict-transport-security" in {name.lower() for name, _ in sent[0]["headers"]}


async def test_an_answer_that_breaks_off() -> None:
    """When an answer has begun its error goes to the server: a second answer would lie."""

    async def breaks(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await through(breaks, ["h"], headers=[(b"host", b"h")])


def test_links_are_not_logged() -> None:
    """A line of the log does not hold a secret that still works, and is one line."""
    assert _loggable("/admin/setup/abc") == "/admin/setup/***"
    assert _loggable("/x/admin/password/abc") == "/x/admin/password/***"
    assert _loggable("/a\nb") == "/a\\nb"
