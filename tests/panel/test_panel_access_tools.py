"""What administrators do to others' access from a user's page: links, and ends of sessions."""

from __future__ import annotations

import logging
import re
from html import unescape

import pytest
from eyes import violations
from helping import OTHER, SIZES, events, id_of, token, tools
from panel import PASSWORD, Form, House
from playwright.async_api import Browser, ViewportSize, expect
from sqlalchemy import update

from admin_app.access import new_password_link
from admin_app.access.tables import Session
from admin_app.declaration import COMMAND_LINE, SYSTEM


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
