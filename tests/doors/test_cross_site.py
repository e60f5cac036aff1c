"""Pages of other sites, and of other origins of this one, change nothing and see nothing.

The requests are those that the panel itself sends, down to the form token, as if that had leaked:
what refuses them is where they come from. A control sends the same from the panel.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from crossing import CROSS
from panel import PASSWORD, House, session_of
from playwright.async_api import Browser, BrowserContext, Page, expect
from ports import served
from sqlalchemy import select
from starlette.responses import HTMLResponse
from stored import stored

from admin_app.access import csrf_token, new_password_link
from admin_app.access.tables import User
from admin_app.declaration import COMMAND_LINE, SYSTEM

OTHER = "another long sentence"


TOKEN = (("life", "7"), ("reach", "everything"))


PREFLIGHT = {
    "Origin": "https://evil.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}


FORM_COOKIE = "a-form-cookie"
"""Of forms of people who are not signed in; hostile pages may know it here, as if it had leaked."""


Target = tuple[str, list[tuple[str, str]]]


API = (
    ("POST", "authors", {"name": "evil"}),
    ("PATCH", "authors/1", {"name": "evil"}),
    ("DELETE", "books/1", None),
    ("POST", "access/tokens", {"name": "evil", "expires_in_days": None, "scopes": None}),
)


async def number(made: House, name: str) -> str:
    """A user's id."""
    statement = select(User.id).where(User.name == name)
    return str(await made.database.read(lambda connection: connection.scalar(statement)))


async def targets(made: House) -> list[Target]:
    """What the panel's forms send for Ana, who may do everything, as she would send it herself."""
    vic = await number(made, "vic")
    book = await made.get("book", "2")
    async with made.client() as client:
        create = (await client.form("/admin/author/create")).changed(name="evil")
        edit = (await client.form("/admin/author/edit/1")).changed(name="evil too")
        matrix = (await client.form("/admin/access/matrix?edit=1")).fields()
        vics = next(each for each in matrix if each[0] == "grant")
    return [
        ("/admin/author/create", create),
        ("/admin/author/edit/1", edit),
        ("/admin/book/delete", signed(("key", "2"), ("_etag", book.etag))),
        ("/admin/theme", signed(("theme", "dark"))),
        ("/admin/access/matrix?edit=1", [each for each in matrix if each != vics]),
        ("/admin/confirm", signed(("password", PASSWORD))),
        (f"/admin/access/user/{vic}/link", signed()),
        (f"/admin/access/user/{vic}/end-sessions", signed()),
        ("/admin/account/tokens", signed(("do", "make"), ("name", "evil"), *TOKEN)),
        ("/admin/account/second_factor", signed(("do", "begin"))),
        ("/admin/account/sessions", signed(("session", "others"))),
        ("/admin/account/password", signed(("current", PASSWORD), ("new", OTHER))),
        ("/admin/impersonate", signed(("user", vic))),
        ("/admin/impersonate/end", signed()),
        ("/admin/logout", signed()),
    ]


def signed(*fields: tuple[str, str]) -> list[tuple[str, str]]:
    """Fields with the token of Ana's forms."""
    return [("_csrf", csrf_token(session_of("ana"))), *fields]


async def strangers(made: House) -> list[Target]:
    """The same of forms for people who are not signed in."""
    link = await new_password_link(made.database, SYSTEM, "nob", COMMAND_LINE)
    own = ("_csrf", csrf_token(FORM_COOKIE))
    return [
        (f"/admin/password/{link}", [own, ("password", OTHER)]),
        ("/admin/login", [own, ("name", "vic"), ("password", PASSWORD)]),
    ]


async def test_the_panel_itself_is_heard(embedded: House) -> None:
    """Each does something when the panel's own page sends it, so its refusal means something."""
    sent = await targets(embedded), await strangers(embedded)
    async with embedded.client() as client, embedded.client("") as stranger:
        stranger.http.cookies.set("form", FORM_COOKIE, domain="127.0.0.1")
        for who, each in zip((client, stranger), sent, strict=True):
            for path, fields in each:
                before, cookies = await stored(embedded), dict(who.http.cookies)
                answer = await who.post(path, fields)
                assert answer.status_code in {200, 303}, (path, answer.text)
                after = await stored(embedded), dict(who.http.cookies)
                assert (before, cookies) != after, path


async def test_forged_requests(embedded: House) -> None:
    """Whatever another origin's page makes a browser send is refused, and changes nothing."""
    sent = await targets(embedded), await strangers(embedded)
    before = await stored(embedded)
    async with embedded.client() as client, embedded.client("") as stranger:
        stranger.http.cookies.set("form", FORM_COOKIE, domain="127.0.0.1")
        for who, each in zip((client, stranger), sent, strict=True):
            cookies = dict(who.http.cookies)
            for path, fields in each:
                for headers in CROSS:
                    answer = await who.post(path, fields, **headers)
                    assert answer.status_code == 403, (path, headers)
                answer = await who.get(f"{path}?{urlencode(fields)}")
                assert answer.status_code in {200, 303, 404, 405}, path
            assert dict(who.http.cookies) == cookies
        assert (await client.get("/admin/")).status_code == 200
    assert await stored(embedded) == before


async def test_cookies_open_no_api(embedded: House) -> None:
    """The API knows nobody by a cookie, so there is nothing for another site to send."""
    before = await stored(embedded)
    async with embedded.client() as client:
        for method, path, body in API:
            answer = await client.http.request(method, f"/api/v1/{path}", json=body)
            assert answer.status_code == 401
            assert "access-control-allow-origin" not in answer.headers
            answer = await client.http.options(f"/api/v1/{path}", headers=PREFLIGHT)
            assert answer.status_code in {204, 401}
            assert "access-control-allow-origin" not in answer.headers
    assert await stored(embedded) == before


# In a browser.

EVIL_PAGE = "<!doctype html><html lang=en><title>Prizes</title><body>"


HOSTS = {"another site": "localhost", "the same site, another port": "127.0.0.1"}


ATTACKERS = pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)


SUBMIT = """([url, fields]) => {
  const form = document.createElement("form");
  Object.assign(form, {method: "post", action: url});
  for (const [name, value] of fields) {
    const input = document.createElement("input");
    Object.assign(input, {type: "hidden", name, value});
    form.append(input);
  }
  document.body.append(form);
  form.submit();
}"""


FETCH = """async ([url, options]) => {
  try {
    const answer = await fetch(url, {credentials: "include", ...options});
    return answer.type === "opaque" ? "" : await answer.text();
  } catch (error) { return ""; }
}"""


LOAD = """([kind, url]) => new Promise(done => {
  const made = document.createElement(kind);
  made.onload = made.onerror = () => done(true);
  if (kind === "link") made.rel = "prefetch";
  made[kind === "link" ? "href" : "src"] = url;
  document.body.append(made);
})"""


LOOK = """made => { try { return made.document.body.innerText; } catch (error) { return ""; } }"""


@asynccontextmanager
async def attacker(host: str) -> AsyncIterator[str]:
    """A page of somebody hostile on a port of its own; its address."""
    async with served(HTMLResponse(EVIL_PAGE)) as port:
        yield f"http://{host}:{port}/"


@asynccontextmanager
async def victim(made: House, browser: Browser, **cookies: str) -> AsyncIterator[BrowserContext]:
    """A browser with these cookies of the panel, in which nothing may change."""
    context = await browser.new_context(base_url=made.url)
    given: Any = [
        # As the panel sets it.
        {
            "name": name,
            "value": value,
            "url": made.url,
            "httpOnly": True,
            "sameSite": "Lax",
        }
        for name, value in cookies.items()
    ]
    await context.add_cookies(given)
    before = await stored(made)
    try:
        yield context
        assert await stored(made) == before
        kept = {each.get("name"): each.get("value") for each in await context.cookies()}
        assert {name: kept.get(name) for name in cookies} == cookies
        assert kept.keys() <= {"session", "form", "recent"}
    finally:
        await context.close()


@pytest.mark.slow
@ATTACKERS
async def test_forms(embedded: House, browser: Browser, host: str) -> None:
    """A form that sends itself is refused: signed in or not, out, and to the sign-in."""
    signed_in = await targets(embedded)
    anonymous = await strangers(embedded)
    async with attacker(host) as evil:
        for sent, cookies in (
            (signed_in, {"session": session_of("ana"), "form": FORM_COOKIE}),
            (anonymous, {"form": FORM_COOKIE}),
        ):
            async with victim(embedded, browser, **cookies) as context:
                page = await context.new_page()
                for path, fields in sent:
                    await page.goto(evil)
                    async with page.expect_navigation(url=f"{embedded.url}{path}") as navigation:
                        await page.evaluate(SUBMIT, [embedded.url + path, fields])
                    answer = await navigation.value
                    assert answer is not None
                    assert answer.status == 403, path
                    await expect(page.get_by_text("did not come from a page")).to_be_visible()


@pytest.mark.slow
@ATTACKERS
async def test_requests_of_scripts(embedded: House, browser: Browser, host: str) -> None:
    """What a script sends with the browser's cookies changes nothing and tells it nothing."""
    sent = [*await targets(embedded), *await strangers(embedded)]
    cookies = {"session": session_of("ana"), "form": FORM_COOKIE}
    async with attacker(host) as evil, victim(embedded, browser, **cookies) as context:
        page = await context.new_page()
        await page.goto(evil)
        simple = {"Content-Type": "application/x-www-form-urlencoded"}
        for path, fields in sent:
            body = urlencode(fields)
            for options in (
                {"method": "POST", "mode": "no-cors", "headers": simple, "body": body},
                {"method": "POST", "headers": simple, "body": body},
                {"method": "POST", "headers": {"X-CSRF-Token": dict(fields)["_csrf"]}},
                {"method": "GET", "mode": "no-cors"},
                {"method": "GET"},
            ):
                url = embedded.url + path
                assert await page.evaluate(FETCH, [url, options]) == "", (path, options)
        for method, path, json_ in API:
            for mode, kind in (("cors", "application/json"), ("no-cors", "text/plain")):
                if mode == "no-cors" and method != "POST":
                    continue  # A browser does not send these.
                options = {"method": method, "mode": mode, "headers": {"Content-Type": kind}}
                options |= {"body": json.dumps(json_)} if json_ else {}
                url = f"{embedded.url}/api/v1/{path}"
                assert await page.evaluate(FETCH, [url, options]) == "", (path, mode)


@pytest.mark.slow
@ATTACKERS
async def test_what_a_page_loads(embedded: House, browser: Browser, host: str) -> None:
    """Images, scripts, styles and prefetched pages are GETs, and no GET changes anything."""
    paths = [path for path, _ in [*await targets(embedded), *await strangers(embedded)]]
    cookies = {"session": session_of("ana"), "form": FORM_COOKIE}
    async with attacker(host) as evil, victim(embedded, browser, **cookies) as context:
        page = await context.new_page()
        await page.goto(evil)
        for path in [*paths, "/admin/book/delete?key=1", "/api/v1/books"]:
            for kind in ("img", "script", "link"):
                assert await page.evaluate(LOAD, [kind, embedded.url + path])


@ATTACKERS
@pytest.mark.slow
async def test_frames_and_windows(embedded: House, browser: Browser, host: str) -> None:
    """In a frame no page shows; in a window of its own it is out of the opener's reach."""
    cookies = {"session": session_of("ana"), "form": FORM_COOKIE}
    async with attacker(host) as evil, victim(embedded, browser, **cookies) as context:
        page = await context.new_page()
        for path in ("/admin/", "/admin/login", "/admin/book/delete?key=1", "/api/v1/books"):
            await page.goto(evil)
            await page.evaluate(LOAD, ["iframe", embedded.url + path])
            _, frame = page.frames
            async with asyncio.timeout(10):
                while not frame.url:  # noqa: ASYNC110 - it has no event to wait for
                    await asyncio.sleep(0.01)
            assert frame.url == "chrome-error://chromewebdata/", path
        for path in ("/admin/", "/admin/book/delete?key=1"):
            async with context.expect_page() as opened:
                await page.evaluate("url => { window.made = open(url); }", embedded.url + path)
            window = await opened.value
            await expect(window.get_by_role("button", name="Sign out")).to_be_visible()
            assert await window.evaluate("opener") is None
            await page.wait_for_function("made.closed")
            assert await page.evaluate(f"({LOOK})(made)") == ""
            await window.close()


@pytest.mark.slow
async def test_a_link_may_lead_here(embedded: House, browser: Browser) -> None:
    """Following a link from elsewhere opens the page signed in: nothing is lost by the above."""
    cookies = {"session": session_of("ana")}
    async with attacker("localhost") as evil, victim(embedded, browser, **cookies) as context:
        page: Page = await context.new_page()
        await page.goto(evil)
        await page.evaluate("url => { location = url; }", f"{embedded.url}/admin/book/details/1")
        await expect(page.get_by_role("heading", name="Book 01")).to_be_visible()
