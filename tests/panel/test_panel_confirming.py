"""What is true of confirming at the panel that one is still there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from enrolled import change, enrolled, press, rows
from eyes import violations
from fastapi import FastAPI
from panel import PASSWORD, Form, House, session_of
from playwright.async_api import Browser, expect
from sqlalchemy import select, update
from starlette.requests import Request

from admin_app.access import actor_of_session
from admin_app.access.tables import SecurityEvent, Session, User
from admin_app.access.throttle import FREE_AT_ADDRESS
from admin_app.declaration import Base, Registry
from admin_app.errors import ConfirmationRequiredError
from admin_app.panel.admin import StaffAdmin
from admin_app.panel.refusals import app_error_page
from admin_app.settings import Settings


async def unconfirmed(made: House) -> None:
    """Move everybody's last confirmation into the past."""
    past = datetime.now(UTC) - timedelta(hours=1)
    await change(made, update(Session).values(confirmed_at=past))


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
