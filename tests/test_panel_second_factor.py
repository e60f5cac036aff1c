"""What is true of the second factor and of confirming at the panel."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pyotp
import pytest
from fastapi import FastAPI
from panel import PASSWORD, Client, Form, House, session_of
from playwright.async_api import Browser, expect
from sqlalchemy import select, update
from starlette.requests import Request
from test_panel_browser import violations

from admin_app.access import actor_of_session, begin_enrolment, finish_enrolment
from admin_app.access.tables import Role, SecurityEvent, Session, Token, User
from admin_app.access.throttle import FREE_AT_ADDRESS
from admin_app.declaration import Base, Origin, Registry
from admin_app.errors import ConfirmationRequiredError
from admin_app.panel.admin import StaffAdmin
from admin_app.panel.refusals import app_error_page
from admin_app.settings import Settings

PAGES = ("/admin/", "/admin/book/list", "/admin/book/details/1", "/admin/nothing/list")


async def change(made: House, statement: Any) -> None:
    await made.database.write(lambda transaction: transaction.execute(statement))


async def rows(made: House, statement: Any) -> list[Any]:
    found = await made.database.read(lambda connection: connection.execute(statement))
    return [tuple(each) for each in found]


async def enrolled(made: House, name: str = "ana") -> tuple[pyotp.TOTP, list[str]]:
    """Give somebody a second factor: what their device shows, and recovery codes."""
    actor = await actor_of_session(made.database, made.settings, session_of(name))
    assert actor is not None
    begun = await begin_enrolment(made.database, made.settings, actor)
    device = pyotp.TOTP(begun.secret)
    codes = await finish_enrolment(
        made.database, made.settings, actor, device.now(), origin=Origin("panel")
    )
    await change(made, update(User).values(totp_step=None))
    return device, codes


async def unconfirmed(made: House) -> None:
    """Move everybody's last confirmation into the past."""
    past = datetime.now(UTC) - timedelta(hours=1)
    await change(made, update(Session).values(confirmed_at=past))


async def demand(made: House) -> None:
    """Let the administrator's role ask for a second factor."""
    demanded = update(Role).where(Role.name == "administrator").values(second_factor=True)
    await change(made, demanded)


async def press(client: Client, do: str, **fields: str) -> Any:
    """Press a button of the account's section."""
    html = (await client.get("/admin/account")).text
    form = next(
        form
        for form in (Form(html, which) for which in range(html.count("<form")))
        if "/account/second_factor" in form.html
    )
    data = [*form.fields(*fields), ("do", do), *fields.items()]
    return await client.post("/admin/account/second_factor", data)


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


async def test_account_asks_to_confirm(home: House) -> None:
    """What changes the second factor is refused until one has confirmed, with the way there."""
    await enrolled(home, "vic")
    await unconfirmed(home)
    wanted = "/admin/account#second_factor"
    confirm = "/admin/confirm?next=" + quote(wanted, safe="")
    for name, actions in (("ana", ("begin", "finish")), ("vic", ("codes", "remove"))):
        async with home.client(name) as client:
            for do in actions:
                answer = await press(client, do)
                assert answer.status_code == 403, do
                assert f'href="{confirm}"' in answer.text, do
    async with home.client() as client:
        form = await client.form(confirm)
        answer = await client.post("/admin/confirm", [*form.fields(), ("password", PASSWORD)])
        assert (answer.status_code, answer.headers["location"]) == (303, wanted)
        assert (await press(client, "begin")).status_code == 303


async def test_confirming(home: House) -> None:
    """The right password, and code, confirm; wrong ones say one sentence and keep the way back."""
    device, _ = await enrolled(home)
    await unconfirmed(home)
    wanted = "/admin/book/details/1"
    async with home.client() as client:
        form = await client.form("/admin/confirm?next=" + wanted)
        kept = form.fields("password", "code")
        for password, code in (("wrong", device.now()), (PASSWORD, "000000"), ("", "")):
            given = [("password", password), ("code", code)]
            answer = await client.post("/admin/confirm", [*kept, *given])
            assert answer.status_code == 401
            assert "The password or the code is not right." in answer.text
            assert dict(Form(answer.text).fields())["next"] == wanted
        given = [("password", PASSWORD), ("code", device.now())]
        answer = await client.post("/admin/confirm", [*kept, *given])
        assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    actor = await actor_of_session(home.database, home.settings, session_of("ana"))
    assert actor is not None
    assert actor.confirmed_at is not None
    assert datetime.now(UTC) - actor.confirmed_at < timedelta(minutes=1)

    log = await rows(home, select(SecurityEvent.event, SecurityEvent.address))
    assert log.count(("confirmation_failed", "127.0.0.1")) == 3


async def test_confirming_with_a_password_alone(embedded: House) -> None:
    """Who has no second factor is asked for none; guesses are throttled; no way leads off."""
    async with embedded.client("vic") as client:
        form = await client.form("/admin/confirm?next=//evil.example/")
        fields = dict(form.fields())
        assert fields["next"] == "/admin/"
        assert "code" not in fields
        answer = await client.post("/admin/confirm", [*form.fields(), ("password", PASSWORD)])
        assert answer.headers["location"] == "/admin/"
        for _ in range(FREE_AT_ADDRESS):
            answer = await client.post("/admin/confirm", [*form.fields(), ("password", "wrong")])
            assert answer.status_code == 401
            assert "The password is not right." in answer.text
        answer = await client.post("/admin/confirm", [*form.fields(), ("password", PASSWORD)])
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        for headers in ({"Sec_Fetch_Site": "cross-site"}, {}):
            answer = await client.post("/admin/confirm", [("password", PASSWORD)], **headers)
            assert answer.status_code == 403


async def test_page_that_needs_confirming() -> None:
    """A page that does not open without it leads to the confirmation, and that back to it."""
    admin = StaffAdmin(FastAPI(), Settings(), Registry.from_base(Base, ["admin_app.models"]))
    scope = {
        "type": "http", "method": "GET", "path": "/admin/book/list", "root_path": "/admin",
        "query_string": b"q=b%26c", "headers": [], "server": ("127.0.0.1", 80), "scheme": "http",
    }  # fmt: skip
    answer = await app_error_page(admin, Request(scope), ConfirmationRequiredError(""))

    confirm = "/admin/confirm?next=%2Fadmin%2Fbook%2Flist%3Fq%3Db%2526c"
    assert (answer.status_code, answer.headers["location"]) == (303, confirm)


async def test_form_that_needs_confirming(embedded: House) -> None:
    """A form that is refused for it says so, with a link that leads back to its page."""
    await unconfirmed(embedded)
    async with embedded.client() as client:
        data = [("_csrf", await client.token()), ("user", "2")]
        for referer, back in (
            (f"{embedded.url}/admin/book/list?q=b%26c", "book%2Flist%3Fq%3Db%2526c"),
            ("https://evil.example/evil", ""),
            ("http://[", "impersonate"),
            ("", "impersonate"),
        ):
            answer = await client.post("/admin/impersonate", data, Referer=referer)
            assert answer.status_code == 403
            assert "Confirm that it is you" in answer.text
            assert f'href="/admin/confirm?next=%2Fadmin%2F{back}"' in answer.text


OWN_FORMS = (
    "admin_user/create", "admin_user/edit/{vic}", "admin_role/create", "admin_role/edit/1",
    "admin_role/delete?key=2", "admin_grant/create", "admin_grant/edit/1",
    "admin_grant/delete?key=1", "admin_session/delete?key={session}",
)  # fmt: skip


async def test_forms_of_access_ask_first(home: House) -> None:
    """Who has not confirmed lately does so before they fill in a form that would be refused."""
    ((vic, session),) = await rows(
        home, select(User.id, Session.id).join(Session.user).where(User.name == "vic")
    )
    paths = ["/admin/" + each.format(vic=vic, session=session) for each in OWN_FORMS]
    async with home.client() as client, home.client("vic") as other:
        for path in paths:
            assert (await client.get(path)).status_code == 200, path
        await unconfirmed(home)
        for path in paths:
            answer = await client.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"] == "/admin/confirm?next=" + quote(path, safe="")
            assert (await other.get(path)).status_code == 403
        for path in ("/admin/book/create", "/admin/book/edit/1", "/admin/book/delete?key=1"):
            assert (await client.get(path)).status_code == 200
        form = await client.form("/admin/confirm?next=" + quote(paths[0], safe=""))
        answer = await client.post("/admin/confirm", [*form.fields(), ("password", PASSWORD)])
        assert answer.headers["location"] == paths[0]
        assert (await client.get(paths[0])).status_code == 200


@pytest.mark.slow
async def test_refused_form_stays(home: House, browser: Browser) -> None:
    """A form that took too long keeps what was typed: confirming is done in another tab."""
    async with home.page(browser) as page:
        await page.goto("/admin/admin_role/create")
        await unconfirmed(home)
        await page.get_by_label("Name").fill("librarian")
        await page.get_by_role("button", name="Create role").last.click()
        await expect(page.get_by_role("alert")).to_contain_text("Confirm that it is you")
        assert await violations(page) == []
        async with page.context.expect_page() as opened:
            await page.get_by_role("link", name="Confirm in another tab").click()
        other = await opened.value
        await other.get_by_label("Password").fill(PASSWORD)
        await other.keyboard.press("Enter")
        await expect(other.get_by_role("heading", name="Your account")).to_be_visible()
        await page.get_by_role("button", name="Create role").last.click()
        await expect(page.get_by_role("heading", name="librarian")).to_be_visible()
        await page.get_by_role("link", name="Delete").click()
        await unconfirmed(home)
        await page.get_by_role("button", name="Delete role").click()
        await expect(page.get_by_role("link", name="Confirm in another tab")).to_be_visible()
        assert await violations(page) == []


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
