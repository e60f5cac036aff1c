"""What is true of one's own account in the panel, and of what administrators do to others'."""

from __future__ import annotations

import logging
import re
from html import unescape

import pytest
from panel import PASSWORD, Client, Form, House
from playwright.async_api import Browser, ViewportSize, expect
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from test_panel_browser import DESK, PHONE, violations

from admin_app.access import new_password_link
from admin_app.access.tables import SecurityEvent, Session, User
from admin_app.declaration import COMMAND_LINE, SYSTEM
from admin_app.panel.account.sessions import device

OTHER = "another long sentence"
Fields = list[tuple[str, str]]


async def events(made: House) -> list[tuple[str, str, str]]:
    """What happened, who did it, and to whom."""

    async def work(connection: AsyncConnection) -> list[tuple[str, str, str]]:
        table = SecurityEvent.__table__
        statement = select(table.c.event, table.c.actor_name, table.c.subject)
        panel = statement.where(table.c.source == "panel").order_by(table.c.id)
        return [tuple(row) for row in await connection.execute(panel)]

    return await made.database.read(work)


async def id_of(made: House, name: str) -> str:
    async def work(connection: AsyncConnection) -> str:
        return str(await connection.scalar(select(User.id).where(User.name == name)))

    return await made.database.read(work)


async def token(client: Client) -> Fields:
    return [("_csrf", await client.token())]


async def act_as(made: House, client: Client, name: str, *more: tuple[str, str]) -> None:
    fields = [*await token(client), ("user", await id_of(made, name)), *more]
    answer = await client.post("/admin/impersonate", fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/"), answer.text


async def test_ones_name_leads_to_ones_account(home: House) -> None:
    """The name on top of every page is the way to one's account; strangers sign in first."""
    async with home.client("nob") as client:
        page = (await client.get("/admin/")).text
        assert '<a class="name" href="/admin/account"' in page
        page = (await client.get("/admin/account")).text
        assert page.index("Current password") < page.index("Where you are signed in")
    async with home.client("") as client:
        answer = await client.get("/admin/account")
        assert answer.headers["location"] == "/admin/login?next=%2Fadmin%2Faccount"


async def test_change_the_password(home: House) -> None:
    """A password is changed with the current one, and only this session goes on."""
    async with home.client() as client, home.client("") as elsewhere:
        await elsewhere.sign_in("ana")
        fields = [*await token(client), ("current", PASSWORD), ("new", OTHER)]
        answer = await client.post("/admin/account/password", fields)
        assert answer.status_code == 200
        assert "Your password is changed." in answer.text
        assert PASSWORD not in answer.text
        assert OTHER not in answer.text
        assert (await client.get("/admin/")).status_code == 200
        assert (await elsewhere.get("/admin/")).status_code == 303
        assert (await elsewhere.sign_in("ana")).status_code == 401
        assert (await elsewhere.sign_in("ana", OTHER)).status_code == 303
    assert ("password_changed", "ana", "ana") in await events(home)


@pytest.mark.parametrize(
    ("current", "new", "field", "words"),
    [
        ("wrong", OTHER, "current", "This is not your current password."),
        (PASSWORD, "short", "new", "at least 12 characters"),
        (PASSWORD, "password1234", "new", "among the first that are guessed"),
        ("", "", "new", "at least 12 characters"),
    ],
)
async def test_password_refused(
    embedded: House, current: str, new: str, field: str, words: str
) -> None:
    """What is wrong stands at its field, with status 422, and what was typed is not sent back."""
    async with embedded.client() as client:
        fields = [*await token(client), ("current", current), ("new", new)]
        answer = await client.post("/admin/account/password", fields)
        assert answer.status_code == 422
        (told,) = re.findall(
            r'<p class="error" id="(\w+)-error">.*?<span>(.*?)</span>', answer.text
        )
        assert told[0] == field
        assert words in told[1]
        assert f'value="{new}"' not in answer.text or not new


async def test_guessing_here_is_throttled(embedded: House) -> None:
    """Too many wrong current passwords are answered with 429 and how long to wait."""
    async with embedded.client() as client:
        fields = [*await token(client), ("current", "wrong"), ("new", OTHER)]
        for _ in range(5):
            assert (await client.post("/admin/account/password", fields)).status_code == 422
        answer = await client.post("/admin/account/password", fields)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "Try again in" in answer.text


async def test_end_a_session(home: House) -> None:
    """One sees where one is signed in and ends what one does not know."""
    async with home.client() as client, home.client("") as elsewhere, home.client("") as third:
        elsewhere.http.headers["User-Agent"] = "Mozilla/5.0 (Windows NT) Firefox/140.0"
        third.http.headers["User-Agent"] = "<b>odd</b>"
        await elsewhere.sign_in("ana")
        await third.sign_in("ana")
        page = (await client.get("/admin/account")).text
        assert "Firefox on Windows" in page
        assert "&lt;b&gt;odd&lt;/b&gt;" in page
        (one,) = re.findall(
            r'name="session" value="(\d+)">\s*'
            r'<button aria-label="End the session of Firefox on Windows',
            page,
        )
        fields = [*await token(client), ("session", one)]
        answer = await client.post("/admin/account/sessions", fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/account")
        assert (await elsewhere.get("/admin/")).status_code == 303
        assert (await third.get("/admin/")).status_code == 200
        answer = await client.post("/admin/account/sessions", fields)
        assert answer.status_code == 404
        assert "no such session of yours" in answer.text
        await client.post("/admin/account/sessions", [*fields[:1], ("session", "others")])
        assert (await third.get("/admin/")).status_code == 303
        assert (await client.get("/admin/")).status_code == 200
    assert (await events(home)).count(("session_ended", "ana", "ana")) == 2


@pytest.mark.parametrize("which", ["", "x", "-1", "1e3", "9" * 40, "٣", "0"])
async def test_impossible_sessions(embedded: House, which: str) -> None:
    """A session that cannot be is not there."""
    async with embedded.client() as client:
        fields = [*await token(client), ("session", which)]
        assert (await client.post("/admin/account/sessions", fields)).status_code == 404


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/141.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Safari/604", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/141.0 Mobile", "Chrome on Android"),
        ("Firefox/1", "Firefox"),
        ("curl/8.5", "curl/8.5"),
        ("", "An unknown browser"),
    ],
)
def test_device(user_agent: str, words: str) -> None:
    """A session is told apart by browser and system, as far as they say."""
    assert device(user_agent) == words


async def test_password_link(home: House, caplog: pytest.LogCaptureFixture) -> None:
    """A link's page sets the password, once, signs nobody in, and leaks its secret nowhere."""
    caplog.set_level(logging.INFO, "admin_app.requests")
    secret = await new_password_link(home.database, SYSTEM, "vic", COMMAND_LINE)
    path = f"/admin/password/{secret}"
    async with home.client("") as client, home.client("vic") as elsewhere:
        answer = await client.get(path)
        assert answer.status_code == 200
        assert answer.headers["referrer-policy"] == "strict-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert secret not in answer.text
        form = Form(answer.text)
        assert 'value="vic"' in form.html
        answer = await client.post(path, [*form.fields("password"), ("password", "password1234")])
        assert answer.status_code == 422
        assert "among the first that are guessed" in answer.text
        answer = await client.post(path, [*form.fields("password"), ("password", OTHER)])
        assert answer.status_code == 200
        assert "Your password is set" in answer.text
        assert "session" not in client.http.cookies
        assert (await client.get(path)).status_code == 404
        assert (await client.post(path, form.fields())).status_code == 404
        assert (await elsewhere.get("/admin/")).status_code == 303
        assert (await client.sign_in("vic", OTHER)).status_code == 303
    assert secret not in caplog.text
    assert "/admin/password/***" in caplog.text
    assert ("password_changed", "vic", "vic") in await events(home)


async def test_password_link_is_for_its_own_page(embedded: House) -> None:
    """Without the page's cookie, or from another site, a link's form sets nothing."""
    secret = await new_password_link(embedded.database, SYSTEM, "vic", COMMAND_LINE)
    path = f"/admin/password/{secret}"
    fields = [("password", OTHER)]
    async with embedded.client("") as client:
        answer = await client.post(path, fields)
        assert answer.status_code == 422
        assert "Allow cookies" in answer.text
        fields += (await client.form(path)).fields("password")
        answer = await client.post(path, fields, Sec_Fetch_Site="cross-site")
        assert answer.status_code == 403
        for made_up in ("x", "%00", "%ff", "é" * 100):
            assert (await client.get(f"/admin/password/{made_up}")).status_code == 404
        assert (await client.sign_in("vic", OTHER)).status_code == 401


async def test_an_administrator_makes_a_link(home: House) -> None:
    """From a user's page an administrator makes a link, which is shown once and works."""
    vic = await id_of(home, "vic")
    async with home.client() as client, home.client("") as stranger:
        page = (await client.get(f"/admin/admin_user/details/{vic}")).text
        assert f'action="/admin/access/user/{vic}/link"' in page
        answer = await client.post(f"/admin/access/user/{vic}/link", await token(client))
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        (link,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", answer.text)
        link = unescape(link)
        assert link.startswith(f"{home.url}/admin/password/")
        form = Form((await stranger.get(link)).text)
        fields = [*form.fields("password"), ("password", OTHER)]
        assert (await stranger.post(link, fields)).status_code == 200
    assert ("password_link_made", "ana", "vic") in await events(home)


async def test_an_administrator_ends_sessions(home: House) -> None:
    """From a user's page an administrator ends everything that user is signed in to."""
    vic = await id_of(home, "vic")
    async with home.client() as client, home.client("vic") as theirs:
        path = f"/admin/access/user/{vic}/end-sessions"
        answer = await client.post(path, await token(client))
        assert answer.headers["location"] == f"/admin/admin_user/details/{vic}"
        page = (await client.get(answer.headers["location"])).text
        assert "All sessions have ended." in page
        assert (await theirs.get("/admin/")).status_code == 303
    assert ("session_ended", "ana", "vic") in await events(home)


def tools(user: str) -> list[tuple[str, Fields]]:
    return [
        (f"/admin/access/user/{user}/link", []),
        (f"/admin/access/user/{user}/end-sessions", []),
        ("/admin/impersonate", [("user", user)]),
    ]


async def test_tools_are_for_administrators(home: House) -> None:
    """Nobody else makes links, ends others' sessions or acts as others; GET does nothing of it."""
    ana = await id_of(home, "ana")
    async with home.client("vic") as client:
        for path, fields in tools(ana):
            sent = [*await token(client), *fields]
            assert (await client.post(path, sent)).status_code == 403
            assert (await client.get(path)).status_code == 405
    async with home.client("") as client:
        for path, fields in tools(ana):
            answer = await client.post(path, fields)
            # Not "next": after the sign-in there is no page at that address.
            assert answer.headers["location"] == "/admin/login"
    assert await events(home) == []


async def test_tools_ask_for_confirmation(embedded: House) -> None:
    """Who has not proved lately to be there does none of it."""
    stale = update(Session).values(confirmed_at=None)
    await embedded.database.write(lambda transaction: transaction.execute(stale))
    async with embedded.client() as client:
        for path, fields in tools(await id_of(embedded, "vic")):
            answer = await client.post(path, [*await token(client), *fields])
            assert answer.status_code == 403
            assert "Confirm that it is you" in answer.text
    assert await events(embedded) == []


@pytest.mark.parametrize("user", ["0", "-1", "x", "9" * 30, "٣"])
async def test_tools_on_nobody(embedded: House, user: str) -> None:
    """A user that cannot be is not there."""
    async with embedded.client() as client:
        for path, fields in tools(user):
            answer = await client.post(path, [*await token(client), *fields])
            assert answer.status_code == 404


async def test_no_tools_for_oneself(embedded: House) -> None:
    """One's own page offers none of it."""
    async with embedded.client() as client:
        page = await client.get(f"/admin/admin_user/details/{await id_of(embedded, 'ana')}")
        assert page.status_code == 200
        assert "user-tools" not in page.text


PAGES = (
    "/admin/", "/admin/book/list", "/admin/book/details/1", "/admin/nothing/list",
    "/admin/book/create", "/admin/book/edit/1", "/admin/book/delete?key=1", "/admin/account",
)  # fmt: skip


async def test_acting_is_said_on_every_page(home: House) -> None:
    """Every page says as whom one acts and lets one end it, refusals too; before and after none."""
    async with home.client() as client:
        for path in PAGES:
            assert "You act as" not in (await client.get(path)).text
        await act_as(home, client, "vic")
        for path in PAGES:
            page = (await client.get(path)).text
            assert "<strong>You act as vic.</strong> You can only read." in page, path
            assert 'action="/admin/impersonate/end"' in page
        answer = await client.post("/admin/impersonate/end", await token(client))
        vic = await id_of(home, "vic")
        assert answer.headers["location"] == f"/admin/admin_user/details/{vic}"
        for path in PAGES:
            assert "You act as" not in (await client.get(path)).text
    assert await events(home) == [
        ("impersonation_started", "ana", "vic"),
        ("impersonation_ended", "ana", "vic"),
    ]


async def test_acting_only_reads(home: House) -> None:
    """Who acts without stating more changes nothing, even as somebody who may."""
    await home.grant("vic", "author", "create")
    async with home.client() as client:
        await act_as(home, client, "vic")
        assert (await client.get("/admin/author/create")).status_code == 403
        fields = [*await token(client), ("f-name", "Zed")]
        assert (await client.post("/admin/author/create", fields)).status_code == 403
    assert await home.changes() == []


async def test_acting_leaves_both_names(home: House) -> None:
    """What is changed while acting is the other's change, marked with who did it, and shown so."""
    await home.grant("vic", "author", "create")
    async with home.client() as client:
        await act_as(home, client, "vic", ("writes", "1"))
        form = await client.form("/admin/author/create")
        assert (
            "<strong>You act as vic.</strong> What you change" in (await client.get("/admin/")).text
        )
        answer = await client.post("/admin/author/create", form.changed(name="Zed"))
        assert answer.status_code == 303
        page = (await client.get(answer.headers["location"])).text
        assert "ana as vic" in page
        assert (await client.get("/admin/admin_user/list")).status_code == 403
    (change,) = await home.changes()
    assert (change.actor_name, change.impersonator) == ("vic", "ana")
    assert str(change.actor_id) == await id_of(home, "vic")


async def test_acting_touches_no_account(home: House) -> None:
    """Who acts as somebody sees and changes nothing of that person's own access, nor their own."""
    async with home.client() as client:
        await act_as(home, client, "vic", ("writes", "1"))
        fields = await token(client)
        answer = await client.get("/admin/account")
        assert answer.status_code == 403
        assert "Current password" not in answer.text
        assert 'href="/admin/account"' not in answer.text
        change = [*fields, ("current", PASSWORD), ("new", OTHER)]
        assert (await client.post("/admin/account/password", change)).status_code == 403
        ended = [*fields, ("session", "others")]
        assert (await client.post("/admin/account/sessions", ended)).status_code == 403
        for path, more in tools(await id_of(home, "nob")):
            assert (await client.post(path, [*fields, *more])).status_code in {403, 409}
    assert await events(home) == [("impersonation_started", "ana", "vic")]


async def test_acting_as_whom_one_may_not(embedded: House) -> None:
    """Who may act as others acts as nobody who may do more."""
    await embedded.grant("vic", "admin_user", "impersonate")
    async with embedded.client("vic") as client:
        fields = [*await token(client), ("user", await id_of(embedded, "ana"))]
        answer = await client.post("/admin/impersonate", fields)
        assert answer.status_code == 403
        assert "may do more than you" in answer.text
        await act_as(embedded, client, "nob")


async def test_access_tools_refuse_other_sites(embedded: House) -> None:
    """Forms of other sites, and forms without this session's token, do nothing to anybody."""
    vic = await id_of(embedded, "vic")
    targets = [
        *tools(vic),
        ("/admin/impersonate/end", []),
        ("/admin/account/password", [("current", PASSWORD), ("new", OTHER)]),
        ("/admin/account/sessions", [("session", "others")]),
    ]
    async with embedded.client() as client:
        signed = await token(client)
        for path, fields in targets:
            answer = await client.post(path, [*fields, *signed], Sec_Fetch_Site="cross-site")
            assert answer.status_code == 403
            assert (await client.post(path, fields)).status_code == 403
    assert await events(embedded) == []


SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])


@SIZES
@pytest.mark.slow
async def test_account_by_hand(embedded: House, browser: Browser, size: ViewportSize) -> None:
    """The password is changed by hand; what is wrong has the focus, and axe finds nothing."""
    async with embedded.page(browser, viewport=size) as page:
        await page.goto("/admin/")
        await page.get_by_role("link", name="Your account: ana").click()
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_label("Current password").fill("wrong")
        await page.get_by_label("New password").fill(OTHER)
        await page.get_by_role("button", name="Change the password").click()
        await expect(page.get_by_text("This is not your current password.")).to_be_visible()
        await expect(page.get_by_label("Current password")).to_be_focused()
        assert await violations(page) == []
        await page.get_by_label("Current password").fill(PASSWORD)
        await page.get_by_label("New password").fill(OTHER)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Your password is changed.")
        assert await violations(page) == []


@SIZES
@pytest.mark.slow
async def test_link_by_hand(embedded: House, browser: Browser, size: ViewportSize) -> None:
    """A link is made, opened elsewhere and used by hand, and axe finds nothing."""
    async with embedded.page(browser, viewport=size) as page:
        await page.goto(f"/admin/admin_user/details/{await id_of(embedded, 'vic')}")
        assert await violations(page) == []
        await page.get_by_role("button", name="Make a password link").click()
        await expect(page.get_by_role("heading", name="Password link")).to_be_visible()
        assert await violations(page) == []
        link = await page.get_by_label("Link", exact=True).input_value()
    async with embedded.page(browser, "", viewport=size) as page:
        await page.goto(link)
        await page.get_by_label("New password").fill("password1234")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("among the first that are guessed")).to_be_visible()
        await expect(page.get_by_label("New password")).to_be_focused()
        assert await violations(page) == []
        await page.get_by_label("New password").fill(OTHER)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Your password is set")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_role("link", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@SIZES
@pytest.mark.slow
async def test_acting_by_hand(embedded: House, browser: Browser, size: ViewportSize) -> None:
    """Somebody is acted as by hand; the banner is in sight, and axe finds nothing."""
    async with embedded.page(browser, viewport=size) as page:
        await page.goto(f"/admin/admin_user/details/{await id_of(embedded, 'vic')}")
        await page.get_by_role("button", name="Act as vic").click()
        await page.get_by_role("link", name="Books").last.click()
        await expect(page.get_by_role("heading", name="Books")).to_be_visible()
        await expect(page.get_by_text("You act as vic.")).to_be_in_viewport()
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        await page.get_by_role("button", name="Be yourself again").click()
        await expect(page.get_by_role("heading", name="vic")).to_be_visible()
