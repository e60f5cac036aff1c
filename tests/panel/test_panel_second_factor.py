"""What is true of the second factor at the panel."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pyotp
import pytest
from enrolled import change, enrolled, press, rows
from eyes import violations
from panel import PASSWORD, Client, Form, House
from playwright.async_api import Browser, expect
from sqlalchemy import select, update

from admin_app.access.tables import Role, Session, Token, User
from admin_app.access.throttle import FREE_AT_ADDRESS

PAGES = ("/admin/", "/admin/book/list", "/admin/book/details/1", "/admin/nothing/list")


async def demand(made: House) -> None:
    """Let the administrator's role ask for a second factor."""
    demanded = update(Role).where(Role.name == "administrator").values(second_factor=True)
    await change(made, demanded)


def shown_secret(html: str) -> str:
    """The secret that the account page shows as text."""
    found = re.search(r"<code>((?:[A-Z2-7]{4} ?){8})</code>", html)
    assert found, html
    return found[1].replace(" ", "")


def shown_codes(html: str) -> list[str]:
    """The recovery codes that the account page shows."""
    return re.findall(r"<li><code>([0-9a-z-]{27})</code></li>", html)


async def give(client: Client, code: str, **headers: str) -> Any:
    """Send a code on the second page of a sign-in."""
    form = await client.form("/admin/login/code")
    return await client.post("/admin/login/code", [*form.fields("code"), ("code", code)], **headers)


async def test_enrolment(home: House) -> None:
    """Set up on the account page: the secret, a code of it, the recovery codes once."""
    async with home.client() as client:
        assert "Set it up" in (await client.get("/admin/account")).text
        answer = await press(client, "begin")
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/account")
        page = (await client.get("/admin/account")).text
        assert 'src="data:image/svg+xml;' in page
        device = pyotp.TOTP(shown_secret(page))

        wrong = await press(client, "finish", code="000000")
        assert wrong.status_code == 422
        assert 'id="code-error"' in wrong.text
        assert shown_secret(wrong.text) == device.secret

        done = await press(client, "finish", code=device.now())
        assert done.status_code == 200
        assert len(set(shown_codes(done.text))) == 10
        assert device.secret not in done.text.replace(" ", "")
        again = (await client.get("/admin/account")).text
        assert shown_codes(again) == []
        assert "Recovery codes left: 10" in again


async def test_sign_in(home: House) -> None:
    """The password leads to the page for the code, the code to the page that was asked for."""
    device, _ = await enrolled(home)
    wanted = "/admin/book/list?sort=-year"
    async with home.client("") as client:
        form = await client.form("/admin/login?next=" + quote(wanted, safe=""))
        signed = [*form.fields("name", "password"), ("name", "ana"), ("password", PASSWORD)]
        answer = await client.post("/admin/login", signed)
        code_page = "/admin/login/code?next=" + quote(wanted, safe="")
        assert (answer.status_code, answer.headers["location"]) == (303, code_page)
        pending = client.http.cookies["session"]
        form = await client.form(code_page)
        wrong = await client.post("/admin/login/code", [*form.fields("code"), ("code", "0")])
        assert wrong.status_code == 401
        assert "The code is not right" in wrong.text
        assert dict(Form(wrong.text).fields())["next"] == wanted

        answer = await client.post(
            "/admin/login/code", [*form.fields("code"), ("code", device.now())]
        )
        assert (answer.status_code, answer.headers["location"]) == (303, wanted)
        (cookie,) = [
            each for each in answer.headers.get_list("set-cookie") if each.startswith("session=")
        ]
        attributes = {each.strip().lower() for each in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= attributes
        assert client.http.cookies["session"] != pending
        assert (await client.get(wanted)).status_code == 200

        client.http.cookies.set("session", pending)
        assert (
            (await client.get("/admin/login/code")).headers["location"].startswith("/admin/login?")
        )


async def test_pending_session_opens_nothing(home: House) -> None:
    """Between password and code no page opens, no form is taken, and nothing is told."""
    await enrolled(home)
    async with home.client("") as client:
        await client.sign_in("ana")
        for path in (*PAGES, "/admin/account", "/admin/confirm", "/admin/what"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (303, ""), path
            assert answer.headers["location"].startswith("/admin/login"), path
        token = dict((await client.form("/admin/login/code")).fields())["_csrf"]
        for path in (
            "/admin/author/create", "/admin/account/second_factor", "/admin/confirm",
            "/admin/theme",
        ):  # fmt: skip
            fields = [("_csrf", token), ("f-name", "x"), ("do", "begin")]
            answer = await client.post(path, fields)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/admin/login"), path
    assert await home.changes() == []


async def test_code_page_is_for_pending_sessions(embedded: House) -> None:
    """Without a sign-in under way the page for the code leads to the first one."""
    device, _ = await enrolled(embedded)
    for name in ("", "ana", "nob"):
        async with embedded.client(name) as client:
            answer = await client.get("/admin/login/code?next=//evil.example")
            assert (answer.status_code, answer.headers["location"]) == (
                303, "/admin/login?next=%2Fadmin%2F",
            )  # fmt: skip
    async with embedded.client("") as client:
        answer = await client.post("/admin/login/code", [("code", device.now())])
        assert answer.headers["location"].startswith("/admin/login?")
        await client.sign_in("ana")
        form = await client.form("/admin/login/code")
        past = datetime.now(UTC) - timedelta(seconds=1)
        await change(embedded, update(Session).where(Session.pending).values(expires_at=past))
        fields = [*form.fields("code"), ("code", device.now())]
        answer = await client.post("/admin/login/code", fields)
        assert answer.status_code == 401
        assert "Begin again" in answer.text
        assert 'name="password"' in answer.text


async def test_code_page_is_safe_from_other_sites(embedded: House) -> None:
    """A code is taken only from the page's own form."""
    device, _ = await enrolled(embedded)
    async with embedded.client("") as client:
        await client.sign_in("ana")
        answer = await give(client, device.now(), Sec_Fetch_Site="cross-site")
        assert answer.status_code == 403
        answer = await client.post("/admin/login/code", [("code", device.now())])
        assert answer.status_code == 403
        assert (await give(client, device.now())).status_code == 303


async def test_code_is_throttled(embedded: House) -> None:
    """After some wrong codes the page says how long to wait, with status 429."""
    device, _ = await enrolled(embedded)
    async with embedded.client("") as client:
        await client.sign_in("ana")
        for _ in range(FREE_AT_ADDRESS):
            assert (await give(client, "000000")).status_code == 401
        answer = await give(client, device.now())
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "Try again in" in answer.text


async def test_recovery_code_at_sign_in(home: House) -> None:
    """A recovery code signs in once, and the account page counts what is left."""
    _, codes = await enrolled(home)
    async with home.client("") as client:
        await client.sign_in("ana")
        assert (await give(client, codes[3].upper())).status_code == 303
        assert "Recovery codes left: 9" in (await client.get("/admin/account")).text
        fresh = shown_codes((await press(client, "codes")).text)
        assert len(set(fresh)) == 10
        assert not set(fresh) & set(codes)


async def test_demanded_by_a_role(home: House) -> None:
    """Every page leads to the account, which says why, until it is set up; then all opens."""
    await demand(home)
    async with home.client() as client:
        for path in PAGES:
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/admin/account")
        page = (await client.get("/admin/account")).text
        assert "One of your roles asks for a second factor." in page
        token = ("_csrf", dict(Form(page, 0).fields())["_csrf"])
        answer = await client.post("/admin/author/create", [token, ("f-name", "x")])
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/account")
        answer = await client.post("/admin/account/tokens", [token, ("name", "way round")])
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/account")
        assert await rows(home, select(Token.id)) == []
        answer = await client.post("/admin/theme", [token, ("theme", "dark")])
        assert answer.headers["location"] == "/admin/"
        assert (await client.get("/admin/confirm")).status_code == 200

        await press(client, "begin")
        device = pyotp.TOTP(shown_secret((await client.get("/admin/account")).text))
        done = await press(client, "finish", code=device.now())
        assert done.status_code == 200
        assert "One of your roles asks for a second factor." not in done.text
        assert (await client.get("/admin/book/list")).status_code == 200
        assert (await client.get("/admin/author/create")).status_code == 200

        refused = await press(client, "remove")
        assert refused.status_code == 409
        assert "so it stays" in refused.text
        out = await client.post("/admin/logout", [("_csrf", await client.token())])
        assert out.headers["location"] == "/admin/login"
    assert await home.changes() == []


async def test_sign_out_without_a_second_factor(embedded: House) -> None:
    """Whose role demands one that is not set up can still leave."""
    await demand(embedded)
    async with embedded.client() as client:
        page = (await client.get("/admin/account")).text
        token = dict(Form(page, 0).fields())["_csrf"]
        answer = await client.post("/admin/logout", [("_csrf", token)])
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/login")


async def test_removal(home: House) -> None:
    """Where no role demands it, it is removed, and the password is enough again."""
    await enrolled(home)
    async with home.client() as client:
        answer = await press(client, "remove")
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/account")
    async with home.client("") as client:
        assert (await client.sign_in("ana")).headers["location"] == "/admin/"


async def test_unknown_button(embedded: House) -> None:
    """A form that asks for nothing the section can do is refused."""
    async with embedded.client() as client:
        answer = await press(client, "explode")
        assert answer.status_code == 400


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
async def test_in_a_browser(embedded: House, browser: Browser, width: int) -> None:
    """Set up, signed in with and confirmed by hand, the pages are without fault for axe."""
    await demand(embedded)
    options: Any = {"viewport": {"width": width, "height": 800}}
    async with embedded.page(browser, **options) as page:
        await page.goto("/admin/book/list")
        await expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_role("button", name="Set it up").click()
        device = pyotp.TOTP(shown_secret(await page.content()))
        assert await violations(page) == []
        await page.get_by_label("Type the six digits").fill("000000")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("The code is not right")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_label("Type the six digits").fill(device.now())
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
        assert await violations(page) == []
        await page.goto("/admin/confirm")
        assert await violations(page) == []
    await change(embedded, update(User).values(totp_step=None))
    async with embedded.page(browser, "", **options) as page:
        await page.goto("/admin/book/details/1")
        await page.get_by_label("Name").fill("ana")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Code")).to_be_focused()
        assert await violations(page) == []
        await page.keyboard.type(device.now())
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Book 01")).to_be_visible()
