"""What forms keep of what was typed: until it is saved, beyond a session, but no secret."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from conftest import FreshSettings
from panel import Form, House, menagerie
from playwright.async_api import Browser, Page, expect


async def test_a_draft_is_shown_again(home: House) -> None:
    """What was kept of a form is shown as typed and written by nothing but a save."""
    path = "/admin/book/edit/1"
    async with home.client() as client:
        form = await client.form(path)
        await client.post(path, (await client.form(path)).changed(year="1950"))
        kept = form.changed(title="Typed", year="1960", authors=["", "3"])
        answer = await client.post(path, [*kept, ("_restore", "1")])
        assert answer.status_code == 200
        sent = Form(answer.text).fields()
        assert ("f-title", "Typed") in sent
        assert ("f-authors", "3") in sent
        assert len(re.findall(r'data-question="\w+" data-changed', answer.text)) == 3
        assert len(await home.changes()) == 1
        answer = await client.post(path, sent)
        assert answer.status_code == 409
        assert "Keep what is stored now" in answer.text
        create = (await client.form("/admin/book/create")).changed(title="Typed")
        answer = await client.post("/admin/book/create", [*create, ("_restore", "1")])
        assert (answer.status_code, "Typed" in answer.text) == (200, True)


async def test_a_form_of_an_ended_session(home: House) -> None:
    """A form leads to the sign-in and back to itself; a script is told; a sign-out clears up."""
    async with home.client() as client, home.client("") as nobody:
        fields = (await client.form("/admin/book/edit/1")).changed(title="Late")
        answer = await nobody.post("/admin/book/edit/1", fields)
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            "/admin/login?next=%2Fadmin%2Fbook%2Fedit%2F1",
        )
        script = {"Accept": "application/json"}
        for path in ("/admin/book/editing/1", "/admin/book/edit/1", "/admin/nowhere"):
            answer = await nobody.post(path, fields, **script)
            assert answer.status_code in {401, 404}, path
            assert answer.json()["code"] == answer.status_code
        answer = await nobody.http.get("/admin/book/ajax/lookup?name=authors", headers=script)
        assert answer.status_code == 401
        assert "not signed in" in answer.json()["detail"]
        answer = await client.post("/admin/logout", [("_csrf", await client.token())])
        assert answer.headers["clear-site-data"] == '"storage"'
    assert await home.changes() == []


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save", exact=True).last.click()


async def kept(page: Page, typed: str) -> str:
    """The one draft, once it has what was typed last: it is kept whenever typing rests."""
    async with asyncio.timeout(30):
        draft: str = await page.evaluate(
            """typed => new Promise(done => {
                const look = () => {
                    const [draft] = Object.values(localStorage);
                    if (draft?.includes(typed)) done(draft);
                    else setTimeout(look, 20);
                };
                look();
            })""",
            typed,
        )
    return draft


async def test_changes_are_counted_and_guarded(embedded: House, browser: Browser) -> None:
    """The bar counts changes, leaving asks first, discarding brings back what was stored."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/edit/1")
        count = page.locator("[data-count]")
        await expect(count).to_be_empty()
        await page.get_by_label("Year").fill("1999")
        await expect(count).to_have_text("1 change")
        await page.get_by_role("button", name="Remove Ann Tre").click()
        await expect(count).to_have_text("2 changes")
        page.once("dialog", lambda dialog: dialog.dismiss())
        async with page.expect_event("dialog") as asked:
            await page.get_by_role("link", name="Home").first.click(no_wait_after=True)
        assert (await asked.value).type == "beforeunload"
        await expect(page.get_by_label("Year")).to_have_value("1999")
        await page.get_by_label("Year").fill("1901")
        await expect(count).to_have_text("1 change")
        async with page.expect_navigation():
            await page.get_by_role("button", name="Discard").click()
        await expect(count).to_be_empty()
        await expect(page.locator("#f-authors .chip")).to_have_count(3)
        await page.get_by_role("link", name="Home").first.click()
        await expect(page).to_have_url(re.compile("/admin/$"))
    assert await embedded.changes() == []


@pytest.mark.slow
async def test_a_draft_survives_the_session(embedded: House, browser: Browser) -> None:
    """What was typed when a session ended is offered after signing in, but for secrets."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/edit/1")
        await page.get_by_label("Title", exact=True).fill("Typed in vain?")
        await page.get_by_role("button", name="Remove Ann Tre").click()
        await page.context.clear_cookies()
        await save(page)
        await page.get_by_label("Name").fill("ana")
        await page.get_by_label("Password").fill("a long sentence, say")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Restore what you typed").click()
        await expect(page.get_by_label("Title", exact=True)).to_have_value("Typed in vain?")
        await expect(page.locator("#f-authors .chip")).to_have_count(2)
        await expect(page.locator("[data-count]")).to_have_text("2 changes")
        await save(page)
        await expect(page.locator(".toast")).to_contain_text("Saved")
        await page.wait_for_load_state()
        await page.goto("/admin/book/edit/1")
        assert await page.evaluate("Object.keys(localStorage).length") == 0
        await page.get_by_label("Year").fill("77")
        await expect(page.locator("[data-count]")).to_have_text("1 change")
        draft = json.loads(await kept(page, "77"))
        assert not {"_csrf", "_once"} & {name for name, _ in draft["fields"]}
        await page.evaluate("document.querySelector(\"form[action$='/logout'] button\").click()")
        await page.get_by_role("heading", name="Sign in").wait_for()
        assert await page.evaluate("Object.keys(localStorage).length") == 0
    assert (await embedded.get("book", "1")).title == "Typed in vain?"


@pytest.mark.slow
async def test_no_secret_is_kept_in_a_browser(
    fresh_settings: FreshSettings, browser: Browser
) -> None:
    """What is typed into a secret field is part of no draft."""
    async with menagerie(fresh_settings, "sqlite") as made, made.page(browser) as page:
        await page.goto("/admin/computing/edit/1")
        await page.get_by_label("Secret").fill("hunter-two-two")
        await page.get_by_label("Price").fill("7.25")
        await kept(page, "7.25")
        stored = await page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
        assert "hunter" not in stored
