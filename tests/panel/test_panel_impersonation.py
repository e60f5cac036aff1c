"""What is true of acting as somebody else in the panel."""

from __future__ import annotations

import pytest
from eyes import violations
from helping import OTHER, SIZES, events, id_of, token, tools
from panel import PASSWORD, Client, House
from playwright.async_api import Browser, ViewportSize, expect


async def act_as(made: House, client: Client, name: str, *more: tuple[str, str]) -> None:
    fields = [*await token(client), ("user", await id_of(made, name)), *more]
    answer = await client.post("/admin/impersonate", fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/"), answer.text


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
