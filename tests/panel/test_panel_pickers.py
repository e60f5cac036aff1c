"""What is true of look-ups: what they offer, what is made beside them, what links fill in."""

from __future__ import annotations

import asyncio
import re

import pytest
from conftest import KINDS, FreshSettings, Kind
from hands import Hands
from panel import Form, House, house, library
from playwright.async_api import Browser, expect
from recipes import prepare

from admin_app.records.service import LOOKUP_LIMIT

OFFERED = 8


async def test_what_a_lookup_offers(home: House) -> None:
    """A look-up offers eight with details by three statements: who asks, what fits, the best."""
    async with home.client() as client:
        await client.get("/admin/book/ajax/lookup?name=authors&term=ann")
        home.statements.clear()
        answer = await client.get("/admin/book/ajax/lookup?name=authors&term=ann")
        assert len(home.statements) <= 3, home.statements
        offered = [(each["title"], each["detail"]) for each in answer.json()["results"]]
        assert offered == [("Ann Tre", "Russia"), ("Ann Uno", "England")]
        books = (await client.get("/admin/comment/ajax/lookup?name=book&term=book")).json()
        assert len(books["results"]) == OFFERED
        form = await client.form("/admin/comment/create")
        found = await client.post(
            "/admin/comment/create",
            [*form.fields(), ("f-book-term", "book"), ("_find", "f-book")],
        )
        assert found.text.count("data-offer") >= LOOKUP_LIMIT, "without scripts there is no more"


async def test_several_details(fresh_settings: FreshSettings) -> None:
    """A declaration may name several fields that tell namesakes apart."""
    async with (
        house(fresh_settings("sqlite", "recipes", prepare), ("recipes",)) as made,
        made.client() as client,
    ):
        answer = await client.get("/admin/step/ajax/lookup?name=cook&term=ann")
        assert [each["detail"] for each in answer.json()["results"]] == ["Rome, 30"]


async def test_a_form_beside_a_form(home: House) -> None:
    """Beside a form a record is made or changed; what is wrong is said there."""
    async with home.client() as client:
        answer = await client.get("/admin/author/side?name=Zed+New&id=7&nothing=1")
        assert "<html" not in answer.text
        form = Form(answer.text)
        assert dict(form.fields())["s1-name"] == "Zed New"
        sent = [(name, text) for name, text in form.fields() if name != "s1-born"]
        wrong = await client.post("/admin/author/side", [*sent, ("s1-born", "soon")])
        assert (wrong.status_code, "<html" in wrong.text) == (422, False)
        assert 'id="s1-born-error"' in wrong.text
        made = await client.post("/admin/author/side", [*sent, ("s1-born", "1965")])
        assert (made.status_code, made.json()) == (
            200,
            {"key": "4", "title": "Zed New", "detail": "1965"},
        )
        twice = await client.post("/admin/author/side", [*sent, ("s1-born", "1965")])
        assert twice.json()["key"] == "4", "the same form sent again makes nothing"
        form = Form((await client.get("/admin/author/side/4?depth=2")).text)
        changed = [(name, text) for name, text in form.fields() if name != "s2-name"]
        path = "/admin/author/side/4?depth=2"
        saved = await client.post(path, [*changed, ("s2-name", "Zed Old")])
        assert saved.json() == {"key": "4", "title": "Zed Old", "detail": "1965"}
        anew = [(name, text) for name, text in changed if name != "_once"]
        stale = await client.post(path, [*anew, ("s2-name", "Zed Older")])
        assert stale.status_code == 409
        for path, status in (
            ("/admin/author/side?depth=0", 404),
            ("/admin/author/side?depth=10", 404),
            ("/admin/author/side?depth=x", 404),
            ("/admin/author/side/99", 404),
            ("/admin/author/side/x", 404),
        ):
            assert (await client.get(path)).status_code == status, path
    assert [each.action for each in await home.changes()] == ["create", "update"]


async def test_beside_as_far_as_one_may(embedded: House) -> None:
    """Only who may create is offered to; who may not change sees the values."""
    async with embedded.client("vic") as client:
        assert (await client.get("/admin/author/side")).status_code == 403
        seen = await client.get("/admin/author/side/1")
        assert (seen.status_code, "Ann Uno" in seen.text, "<form" in seen.text) == (
            200,
            True,
            False,
        )
        assert (await client.post("/admin/author/side/1", [])).status_code == 403
    for resource in ("book", "author"):
        await embedded.grant("nob", resource, "read")
    await embedded.grant("nob", "book", "update")
    async with embedded.client("nob") as client:
        assert "data-new" not in (await client.form("/admin/book/edit/1")).html
        await embedded.grant("nob", "author", "create")
        assert 'data-new="author"' in (await client.form("/admin/book/edit/1")).html


async def test_an_address_fills_a_form_in(home: House) -> None:
    """A link fills in what a form asks for; what it does not ask for, and no key, it leaves out."""
    async with home.client() as client:
        path = (
            "/admin/comment/create?book=2&text=Read+it.&id=7&version=9&nothing=x&reader=x&stars=9"
        )
        fields = dict((await client.form(path)).fields())
        assert (fields["f-book"], fields["f-text"]) == ("2", "Read it.")
        assert (fields["f-stars"], fields["f-reader"]) == ("9", "")
        many = await client.form("/admin/book/create?authors=1&authors=2&authors=1&title=%00")
        assert [text for name, text in many.fields() if name == "f-authors" and text] == ["1", "2"]
        answer = await client.post(path, list(fields.items()))
        assert answer.status_code == 422, "it is checked when it is sent, as all is"


async def test_what_points_to_a_record(home: House) -> None:
    """A record's page has short tables of what points to it, their count, and where to add."""
    async with home.client() as client:
        text = (await client.get("/admin/book/details/1")).text
        (part,) = re.findall(r'<section class="panel children".*?</section>', text, re.DOTALL)
        heads = re.findall(r'<th scope="col"[^>]*>([^<]*)', part)
        assert heads == ["Text", "Reader", "Stars", "Posted at"]
        assert part.count('<th scope="row">') == 10
        assert 'Comments <span class="quiet">12</span>' in part
        assert "Show all 12" in part
        assert 'href="/admin/comment/create?book=1"' in part
        none = (await client.get("/admin/book/details/2")).text
        assert "None" in none
    async with home.client("vic") as client:
        assert "comment/create" not in (await client.get("/admin/book/details/1")).text


async def test_the_statements_of_a_form(home: House) -> None:
    """A form takes few statements, however many records its relations could hold."""
    async with home.client() as client:
        for path, most in (("/admin/book/edit/1", 10), ("/admin/comment/create", 4)):
            await client.get(path)
            home.statements.clear()
            answer = await client.get(path)
            assert len(home.statements) <= most, home.statements
            assert len(answer.content) < 100_000


@pytest.mark.slow
async def test_a_book_with_a_new_author(embedded: House, browser: Browser) -> None:
    """A book with an author who is not there yet takes three clicks and eighteen keys."""
    async with embedded.page(browser) as page:
        hands = Hands(page)
        await page.goto("/admin/book/list")
        await hands.click(page.get_by_role("link", name="New book").first)
        await page.wait_for_url("**/create")
        await hands.click(page.locator("#f-title"))
        await hands.type("New Book")
        await hands.click(page.locator("#f-authors-combo"))
        await hands.type("Zed New")
        await expect(page.locator(".options .make")).to_have_text("Create “Zed New”…")
        await hands.press("Enter")
        await expect(page.locator("#s1-name")).to_have_value("Zed New")
        await hands.press("Enter")
        await expect(page.locator(".chip")).to_contain_text("Zed New")
        await expect(page.locator("#f-authors-combo")).to_be_focused()
        await expect(page.locator("#f-title")).to_have_value("New Book")
        await hands.press("Control+Enter")
        await page.wait_for_url("**/details/31")
    assert hands.clicks <= 3
    assert hands.keys <= 18
    book = await embedded.get("book", "31")
    assert (book.title, book.values["authors"]) == ("New Book", [4])


async def test_the_panel_at_the_side(embedded: House, browser: Browser) -> None:
    """A chip opens its record beside the form; leaving asks twice, and focus comes back."""
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/edit/1")
        await page.fill("#f-title", "Otherwise")
        chip = page.get_by_role("button", name="Bea Due", exact=True)
        await chip.click()
        side = page.get_by_role("dialog", name="Bea Due")
        await side.get_by_label("Name").fill("")
        await side.get_by_role("button", name="Save").click()
        await expect(side.get_by_role("alert")).to_contain_text("A value is needed.")
        await side.get_by_label("Name").fill("Bea Tre")
        await page.keyboard.press("Escape")
        await expect(side.get_by_role("status").first).to_contain_text("not saved")
        await side.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        renamed = page.get_by_role("button", name="Bea Tre", exact=True)
        await expect(renamed).to_be_focused()
        await renamed.click()
        await expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(renamed).to_be_focused()
        await expect(page.locator("#f-title")).to_have_value("Otherwise")
        # The page is left on purpose.
        page.on("dialog", lambda each: each.accept())


async def test_what_is_pressed_is_what_was_seen(embedded: House, browser: Browser) -> None:
    """An offer is taken that is clicked before there is an answer to the latest text."""
    never = asyncio.Event()
    async with embedded.page(browser) as page:
        await page.goto("/admin/book/create")
        await page.locator("#f-authors-combo").focus()
        make = page.locator(".options .make")
        await expect(make).to_be_visible()
        await page.route("**/ajax/lookup*", lambda _: never.wait())
        await page.keyboard.type("Zed")
        await make.click()
        await expect(page.locator("#s1-name")).to_have_value("Zed")
        never.set()


@pytest.mark.parametrize("kind", KINDS)
async def test_adding_from_a_record(
    kind: Kind, fresh_settings: FreshSettings, browser: Browser
) -> None:
    """What points to a record is added beside its page, which then shows it."""
    async with library(fresh_settings, kind) as made, made.page(browser) as page:
        await page.goto("/admin/book/details/2")
        await page.get_by_role("link", name="Add comment").click()
        side = page.get_by_role("dialog", name="New comment")
        await expect(side.locator(".chip")).to_contain_text("Book 02")
        await side.get_by_label("Text").fill("Said here")
        await side.get_by_role("button", name="Create comment").click()
        await expect(page.locator(".children")).to_contain_text("Said here")
