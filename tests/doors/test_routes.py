"""Every route there is, and what each kind of caller gets from it: declared here, then asked for.

A route without a line in the table fails, and so does a line without a route.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
from callers import Callers, callers
from panel import House
from routes import CALLERS, KINDS_OF, TABLE, Line
from starlette.routing import BaseRoute, Mount, compile_path
from stored import stored

from admin_app.app import create_app
from admin_app.rest.dispatch import ResourceRoutes
from admin_app.settings import AppSection, Settings


def served(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every route; a mount that has none of its own is one."""
    for each in routes:
        # FastAPI keeps an included router as it is, its prefix beside it.
        included: Any = getattr(each, "original_router", None)
        if included is not None:
            context: Any = each
            yield from served(included.routes, prefix + context.include_context.prefix)
        elif isinstance(each, ResourceRoutes):
            yield from served(each.routes)
        elif isinstance(each, Mount) and each.routes:
            yield from served(each.routes, prefix + each.path)
        else:
            path = prefix + str(getattr(each, "path", each))
            yield from ((method, path) for method in getattr(each, "methods", None) or ["GET"])


def test_every_route_has_a_line() -> None:
    """What is served and what is declared here are the same."""
    app = create_app(Settings(app=AppSection(models=("admin_app.models",))))
    # What answers GET and HEAD has one line for both: see ``test_heads``.
    found = {each for each in served(app.routes) if each[0] != "HEAD"}
    assert found == {(line.method, line.path) for line in TABLE}


def test_every_line_asks_its_route() -> None:
    """What a line asks for is an address of its route, and it has an answer for each caller."""
    for line in TABLE:
        asked = re.sub(r"{\w+}", "1", urlsplit(line.target).path)
        pattern, _, _ = compile_path(line.path)
        assert pattern.match(asked) or asked.startswith(f"{line.path}/"), line
        assert len(line.answers) == len(CALLERS), line


def told(answer: httpx.Response) -> str:
    """The status as the table says it."""
    to_sign_in = urlsplit(answer.headers.get("location", "")).path == "/admin/login"
    if answer.status_code == 303 and to_sign_in:
        return "out" if "session=" in answer.headers.get("set-cookie", "") else "in"
    return str(answer.status_code)


MEDIA_TYPES = {
    "application/problem+json": "problem",
    "application/json": "data",
    "text/html": "page",
    "text/plain": "text",
}


def kind(answer: httpx.Response) -> str:
    """What an answer is: a problem (RFC 9457), data, a page, text, a file or nothing."""
    if not answer.content:
        return "nothing"
    media_type = answer.headers["content-type"].partition(";")[0]
    return MEDIA_TYPES.get(media_type, "file")


def expected_kind(line: Line, answer: str) -> str:
    if answer in {"in", "out", "303", "307", "204"}:
        return "nothing"
    if line.path.startswith("/api/"):
        return "problem" if answer[0] in "45" else KINDS_OF.get(line.route, "data")
    if line.path.startswith("/errors/") and answer[0] in "45":
        return "problem"
    usual = "page" if line.path.startswith("/admin") else "text"
    # Who may not ask at all, or not about this record, is told so on a page.
    refused_before = answer == "403" or (answer == "404" and "{pk:path}" in line.path)
    return usual if refused_before else KINDS_OF.get(line.route, usual)


def refused(line: Line, answer: str) -> bool:
    """Whether an answer says that one may not; a wrong password at the panel is another matter."""
    return answer in {"in", "403", "404"} or (answer == "401" and line.path.startswith("/api/"))


async def test_every_route_answers_as_declared(home: House) -> None:
    """Each caller gets what the table says; what is refused has changed nothing."""
    async with callers(home) as made:
        asked = [
            (line, caller, answer)
            for line in TABLE
            for caller, answer in zip(CALLERS, line.answers, strict=True)
        ]
        before = await stored(home)
        for line, caller, answer in asked:
            if refused(line, answer):
                await check(made, line, caller, answer)
        assert await stored(home) == before
        for line, caller, answer in asked:
            if not refused(line, answer):
                await check(made, line, caller, answer)


async def check(made: Callers, line: Line, caller: str, expected: str) -> None:
    answer = await made.ask(line, caller)
    assert told(answer) == expected, (caller, line, answer.text)
    assert kind(answer) == expected_kind(line, expected), (caller, line, answer.text)


async def test_heads(embedded: House) -> None:
    """A HEAD is answered as the GET is, without the body."""
    async with callers(embedded) as made:
        routes = served(create_app(embedded.settings).routes)
        taking = {path for method, path in routes if method == "HEAD"}
        for line in TABLE:
            if line.method != "GET" or line.path not in taking:
                continue
            for caller in CALLERS:
                get, head = await made.ask(line, caller), await made.ask(line, caller, "HEAD")
                assert head.status_code == get.status_code, (caller, line)
                assert head.headers.get("location") == get.headers.get("location")
                assert head.content == b""
