"""What a page of the panel may weigh and cost at most, and that axe finds no fault in any kind."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import pytest
from eyes import DESK, PHONE, violations
from hands import press
from panel import Client, Form, House
from playwright.async_api import Browser, FilePayload, Page, expect

from admin_app.access import actor_of_user
from admin_app.desk import begin_work, choose, keep_upload, tell_work
from admin_app.errors import Conflict
from admin_app.panel.record.undo_task import KIND

KIB = 1024
LIST = "/admin/book/list"
HTML = 60 * KIB
ASSETS = 120 * KIB
FILES = 4
NODES = 700
STATEMENTS = 6
ROWS = 15
CARDS = 7

Act = Callable[[Page], Awaitable[Any]]


async def test_a_list_is_light(home: House) -> None:
    """A list of 25 rows: its bytes, its files and theirs, no font, and few statements."""
    async with home.client() as client:
        await client.get(LIST)
        home.statements.clear()
        answer = await client.get(LIST)
        statements = asked(home)
        assert answer.text.count('<tr data-key="') == 25
        assert len(answer.content) <= HTML
        assert len(statements) <= STATEMENTS, statements
        files = {each.partition("?")[0]: each for each in Form.assets(answer.text)}
        assert len(files) <= FILES
        bodies = {name: (await client.get(url)).text for name, url in files.items()}
    code = {name: len(body.encode()) for name, body in bodies.items() if not name.endswith(".svg")}
    assert sum(code.values()) <= ASSETS, code
    assert not re.search(r"@font-face|\.woff|\.ttf|base64", "".join(bodies.values()))


@pytest.mark.parametrize("code", ["en", "ru"])
async def test_scripts_and_styles_are_light(embedded: House, code: str) -> None:
    """In no language are they heavier."""
    async with embedded.client() as client:
        sent = {"Accept-Language": code}
        html = (await client.http.get(LIST, headers=sent)).text
        assets = [each for each in Form.assets(html) if ".svg" not in each]
        assert any(f".{code}.js" in each for each in assets)
        assert sum([len((await client.get(each)).content) for each in assets]) <= ASSETS


async def test_pages_ask_little(home: House) -> None:
    """What other pages ask of the database at most, once they have been asked for."""
    most = {
        LIST: STATEMENTS,
        f"{LIST}?search=book": STATEMENTS,
        f"{LIST}?year__gte=1910&format=ebook&sort=-year,title": STATEMENTS,
        "/admin/book/create": 4,
        "/admin/book/edit/2": 8,
        "/admin/book/details/2": 10,
        "/admin/book/history/2": 8,
        "/admin/author/delete?key=2": 9,
        "/admin/book/ajax/lookup?name=authors&term=ann": 4,
    }
    found = {}
    async with home.client() as client:
        for path, allowed in most.items():
            await client.get(path)
            home.statements.clear()
            assert (await client.get(path)).status_code == 200, path
            if len(asked(home)) > allowed:
                found[path] = asked(home)
    assert found == {}


async def test_a_list_on_a_desk_and_on_a_phone(embedded: House, browser: Browser) -> None:
    """Fifteen rows and every column whole on a desk, seven cards on a phone, in few nodes."""
    script = """([row, floor]) => [...document.querySelectorAll(row)]
        .map(each => each.getBoundingClientRect())
        .filter(({top, bottom}) => top >= 0 && bottom <= floor()).length"""
    count = script.replace("[row, floor]", "row").replace(
        "floor()",
        """Math.min(innerHeight, ...[...document.querySelectorAll('.turn, nav.bottom')]
        .filter(each => each.checkVisibility()).map(each => each.getBoundingClientRect().top))""",
    )
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto(LIST)
        assert await page.evaluate(count, "tbody tr") >= ROWS
        assert await page.evaluate("document.querySelectorAll('*').length") <= NODES
        heads = "[...document.querySelectorAll('thead th')].filter(e => e.textContent.trim())"
        whole = f"{heads}.map(e => [e.textContent.trim(), e.getBoundingClientRect().right <= 1280"
        columns = await page.evaluate(f"{whole} && e.scrollWidth <= e.clientWidth])")
        assert columns
        assert len(columns) == len(embedded.records.registry["book"].list)
        assert all(fits for _, fits in columns), columns
    async with embedded.page(browser, viewport=PHONE, has_touch=True) as page:
        await page.goto(LIST)
        assert await page.evaluate(count, "tbody tr") >= CARDS


def asked(house: House) -> list[str]:
    """The statements so far; on SQLite alone a transaction begins with one."""
    return [each for each in house.statements if each != "BEGIN"]


def click(*names: str, shows: str = "h1") -> Act:
    """Click what is called so, one after the other, and wait for what is shown then."""

    async def act(page: Page) -> None:
        for name in names:
            await page.locator(name).first.click()
        await page.wait_for_load_state()
        await page.locator(shows).first.wait_for()

    return act


def key(name: str, shows: str) -> Act:
    """Press a key, and wait for what is shown then."""

    async def act(page: Page) -> None:
        await press(page, name)
        await page.locator(shows).first.wait_for()

    return act


async def stay(_: Page) -> None:
    """Do nothing."""


async def stale(page: Page) -> None:
    """Save over what somebody else has saved meanwhile."""
    async with await page.context.new_page() as other:
        await other.goto("/admin/book/edit/3")
        await other.get_by_label("Year").fill("1700")
        await other.get_by_label("Year").press("Enter")
        await other.wait_for_url("**/details/**")
    await page.get_by_label("Year").fill("1600")
    await page.get_by_label("Year").press("Enter")
    await page.get_by_text("changed this meanwhile").wait_for()


async def cell(page: Page) -> None:
    """Edit a value in the list itself."""
    await page.locator("td.editable[data-field=year]").first.focus()
    await page.keyboard.press("Enter")
    await page.locator(".cell-form").wait_for()


async def aside(page: Page) -> None:
    """Open the form of a missing author beside that of a book."""
    await page.get_by_role("combobox", name="Authors").fill("zed")
    await page.locator(".options .make").click()
    await page.locator("dialog.side form").wait_for()


STEPS = {
    "mapped": "form.transfer .primary",
    "tried": "[name=look]",
    "refused": ".shown a[href*=refused]",
    "done": "form.transfer .primary",
}
"""What is clicked to come to each step of an import from the one before."""


def sent(last: str) -> Act:
    """Send a file, and go on with it to a step."""

    async def act(page: Page) -> None:
        content = b"Title;Year;Authors\nFresh;2001;Ann Uno\nBook 04;1999;Ann Uno\nBad;soon;\n"
        file: FilePayload = {"name": "books.csv", "mimeType": "text/csv", "buffer": content}
        await page.locator("#file").set_input_files(file)
        for step, name in STEPS.items():
            await page.locator(name).first.click()
            if step == last:
                break
        await page.wait_for_load_state()
        # A page of what is still going on would be loaded again meanwhile.
        await expect(page.locator("[data-importing]")).to_have_count(0)

    return act


async def token(page: Page) -> None:
    """Make a token, which is shown once."""
    await page.locator("#token-name").fill("Web shop")
    await page.locator("[name=reach][value=everything]").check()
    await page.locator("[value=make]").click()
    await page.locator(".secret").wait_for()


KINDS: dict[str, tuple[str, Act]] = {
    "home": ("/admin/", stay),
    "list": (LIST, stay),
    "list, filtered": (f"{LIST}?year__gte=1910&format=ebook&search=book", stay),
    "list of nothing": (f"{LIST}?search=zebra", stay),
    "filters": (LIST, click(".toolbar [data-pop] > summary:has-text('Filter')", shows=".offers")),
    "one filter": ("/admin/book/filter?field=year", stay),
    "conditions": ("/admin/book/advanced", stay),
    "views": (LIST, click(".toolbar summary[title='Views']", shows=".save-view")),
    "columns": (LIST, click(".toolbar summary[title='Columns']", shows=".chooser")),
    "calls": (LIST, click(".toolbar summary[title='The same by the API']", shows=".call")),
    "selection": (LIST, click("thead .pick input")),
    "a cell": (LIST, cell),
    "palette": (LIST, key("Control+k", "#palette-hits a")),
    "shortcuts": (LIST, key("?", "dialog.peek")),
    "search": ("/admin/search?term=book", stay),
    "record": ("/admin/book/details/2", stay),
    "history": ("/admin/book/history/2", stay),
    "compare": ("/admin/book/history/2", click("#compare button")),
    "change set": ("/admin/book/details/2", click(".past .quiet a, .past a")),
    "create": ("/admin/book/create", stay),
    "edit": ("/admin/book/edit/2", stay),
    "merge": ("/admin/book/edit/3", stale),
    "inline": ("/admin/book/edit/1", click("[data-inline] .opener", shows=".opened")),
    "side panel": ("/admin/book/create", aside),
    "delete": ("/admin/author/delete?key=2", stay),
    "bulk edit": (
        "/admin/book/bulk/edit?key=2&key=3",
        click("[name=set][value=language]", shows=".often"),
    ),
    "bulk delete": ("/admin/book/bulk/delete?key=2&key=3", stay),
    "bulk restore": ("/admin/comment/bulk/restore?all=1&list=trash%3Donly", stay),
    "action": ("/admin/book/action/mark-lost?key=2", stay),
    "trash": ("/admin/comment/list?trash=only", stay),
    "in the trash": ("/admin/comment/details/3?trash=only", stay),
    "export": ("/admin/book/export", stay),
    "import": ("/admin/book/import", stay),
    "import, mapped": ("/admin/book/import", sent("mapped")),
    "import, tried": ("/admin/book/import", sent("tried")),
    "import, refused": ("/admin/book/import", sent("refused")),
    "import, done": ("/admin/book/import", sent("done")),
    "account": ("/admin/account", stay),
    "a new token": ("/admin/account", token),
    "second factor": (
        "/admin/account",
        click("#second_factor [value=begin]", "#second_factor img"),
    ),
    "confirm": ("/admin/confirm", stay),
    "user": ("/admin/admin_user/details/2", stay),
    "password link": ("/admin/admin_user/details/2", click(".user-tools button", "#link")),
    "role": ("/admin/admin_role/details/2", stay),
    "rights of a role": ("/admin/access/matrix?role=2", stay),
    "rights of a role, edited": ("/admin/access/matrix?edit=1&role=2", stay),
    "may": ("/admin/access/explain?user=vic&action=read&resource=book&key=2", stay),
    "sessions": ("/admin/admin_session/list", stay),
    "tokens": ("/admin/admin_token/list", stay),
    "an event": ("/admin/admin_security_event/details/1", stay),
    "matrix": ("/admin/access/matrix", stay),
    "matrix, edited": ("/admin/access/matrix?edit=1", stay),
    "explain": ("/admin/access/explain?resource=book&key=2", stay),
    "bad list": (f"{LIST}?yeer=1", stay),
    "empty trash": ("/admin/comment/list?trash=only&search=zebra", stay),
    "not found": ("/admin/book/details/999", stay),
    "log": ("/admin/admin_security_event/list", stay),
    "grants": ("/admin/admin_grant/list", stay),
}
"""Every kind of page or state of one: where it is, and what is done there."""
WIDE = {"calls", "selection", "a cell"}
"""Those a phone has not, or has in another way."""


async def lived_in(client: Client) -> None:
    """Leave some traces: versions of a book, and a comment in the trash."""
    for year in ("1801", "1802"):
        form = await client.form("/admin/book/edit/2")
        assert (await client.post("/admin/book/edit/2", form.changed(year=year))).is_redirect
    form = await client.form("/admin/comment/delete?key=3")
    assert (await client.post("/admin/comment/delete", form.fields())).is_redirect


@pytest.fixture
async def used(embedded: House) -> House:
    """A library where something has been done."""
    await embedded.grant("ana", "book", "mark-lost")
    async with embedded.client() as client:
        await lived_in(client)
    return embedded


async def undoings(used: House) -> dict[str, tuple[str, Act]]:
    """The pages of an undoing that takes long: on its way, stopped, and up to what has changed."""
    actor = await actor_of_user(used.database, "ana")
    changed = Conflict(
        "book", "2", "Book 02", "changed", "It has been changed since.", "year", 1, 2, 3
    )
    found: dict[str, tuple[str, Act]] = {}
    for name, outcome in (
        ("undoing", {"rows": 700, "total": 12_000}),
        ("undoing, stopped", {"done": True, "stopped": "Try again.", "rows": 7, "total": 12}),
        (
            "undoing, changed",
            {"done": True, "conflicts": [asdict(changed)], "count": 1, "changes": 0},
        ),
    ):
        wanted = await keep_upload(used.database, actor, KIND, str(uuid.uuid4()), b"")
        await choose(used.database, actor, wanted, {"back": LIST, "skip": False})
        await begin_work(used.database, actor, wanted)
        await tell_work(used.database, actor, wanted, outcome)
        found[name] = (f"/admin/undoing/{wanted}", stay)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_axe_on_every_kind_of_page(
    used: House, browser: Browser, size: dict[str, int]
) -> None:
    """Axe has no complaint about any, in light and in dark, wide and narrow."""
    found = {}
    desk = size == DESK
    async with used.page(browser, viewport=size) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        for kind, (path, act) in {**KINDS, **await undoings(used)}.items():
            if not desk and kind in WIDE:
                continue
            await page.emulate_media(color_scheme="light", reduced_motion="reduce")
            await page.goto(path)
            await act(page)
            faults = await violations(page)
            if faults:
                found[kind] = faults
    assert found == {}


@pytest.mark.slow
async def test_axe_on_refusals(
    used: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor about a refusal of any kind: 403, 404, 409, 500."""

    def broken(*_: Any) -> None:
        raise RuntimeError

    async with used.page(browser, "nob", viewport=DESK) as page:
        answer = await page.goto(LIST)
        assert answer
        assert answer.status == 403
        assert await violations(page) == []
    monkeypatch.setattr("admin_app.panel.house.home.cards", broken)
    async with used.page(browser, viewport=DESK) as page:
        answer = await page.goto("/admin/")
        assert answer
        assert answer.status == 500
        assert await violations(page) == []
