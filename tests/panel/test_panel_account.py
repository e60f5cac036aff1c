"""What is true of one's own account in the panel."""

from __future__ import annotations

import re
from html import unescape

import pytest
from eyes import violations
from helping import OTHER, SIZES, events, token
from panel import PASSWORD, House
from playwright.async_api import Browser, ViewportSize, expect

from admin_app.panel.account.sessions import device


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


async def test_the_log_in_words(home: House) -> None:
    """The security log tells events in words, leads to who did it, and is reached from a user."""
    log = "/admin/admin_security_event/list"
    async with home.client("") as stranger:
        assert (await stranger.sign_in("vic")).status_code == 303
    async with home.client() as client:
        user = (await client.get("/admin/admin_user/details/2")).text
        assert f'href="{log}?actor=2"' in user
        assert f'href="{log}?subject=vic"' in user
        assert 'href="/admin/admin_session/list?user=2"' in user
        found = (await client.get(f"{log}?actor=2&event=signed_in")).text
        (title,) = re.findall(r'<a class="cover" href="([^"]+)">Signed in</a>', found)
        event = (await client.get(unescape(title))).text
        assert "<h1>Signed in</h1>" in event
        assert '<a href="/admin/admin_user/details/2">vic</a>' in event
        client.http.cookies.set("language", "ru", domain="127.0.0.1")
        assert ">Вход</a>" in (await client.get(f"{log}?actor=2")).text
        tokens = (await client.get("/admin/account")).text
        assert "data-copy" not in tokens, "there is nothing to copy"
