"""What is true when two people change one record: nothing is lost, and nobody decides unasked."""

from __future__ import annotations

import re

import pytest
from conftest import FreshSettings
from panel import Client, Form, House, menagerie
from parity import person
from playwright.async_api import Browser, expect

from admin_app.declaration import Grant

EDIT = "/admin/book/edit/1"


def rows(html: str) -> list[list[str]]:
    """The table rows of a merge: label, before, after."""
    found = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", html, re.DOTALL)
    cells = [re.split(r"</?t[hd][^>]*>", each) for each in found]
    return [[re.sub(r"<[^>]*>", "", cell) for cell in each if cell.strip()] for each in cells]


def said(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


async def test_both_sides_and_what_they_began_with(home: House) -> None:
    """A stale save shows before, theirs and yours, and asks for what both sides changed."""
    async with home.client() as client:
        mine, theirs = await client.form(EDIT), await client.form(EDIT)
        other = theirs.changed(year="1950", pages="100", authors=["", "1", "2"])
        assert (await client.post(EDIT, other)).status_code == 303
        fields = mine.changed(year="1960", language="por", authors=["", "1", "2", "3"])
        answer = await client.post(EDIT, fields)
        assert answer.status_code == 409
        assert "ana changed this meanwhile" in answer.text
        assert ["Pages", "\N{EN DASH}", "100"] in rows(answer.text)
        assert ["Language", "eng", "por"] in rows(answer.text)
        assert ["Authors", "Ann Uno, Bea Due, Ann Tre", "Ann Uno, Bea Due"] in rows(answer.text)
        assert "It was 1901 Keep what is stored now: 1950 Take yours: 1960" in said(answer.text)
        form = Form(answer.text)
        kept = dict(form.fields())
        assert (kept["f-year"], kept["f-language"], kept["f-pages"]) == ("1960", "por", "100")
        assert "f-year-keep" not in kept
        undecided = await client.post(EDIT, form.fields())
        assert undecided.status_code == 422
        assert "Choose which of the two is to be kept." in undecided.text
        assert "It was 1901 Keep what is stored now: 1950" in said(undecided.text)
        assert (await home.get("book", "1")).values["year"] == 1950
        form = Form(undecided.text)
        chosen = [*form.changed(year="1961"), ("f-year-keep", "mine")]
        assert (await client.post(EDIT, chosen)).status_code == 303
    values = (await home.get("book", "1")).values
    assert (values["year"], values["language"], values["pages"]) == (1961, "por", 100)
    assert values["authors"] == [1, 2]


async def test_theirs_can_be_kept(home: House) -> None:
    """Who keeps what is stored writes nothing of that field, and of the others what was typed."""
    async with home.client() as client:
        mine, theirs = await client.form(EDIT), await client.form(EDIT)
        await client.post(EDIT, theirs.changed(year="1950"))
        answer = await client.post(EDIT, mine.changed(year="1960", language="por"))
        chosen = [*Form(answer.text).fields(), ("f-year-keep", "theirs")]
        assert (await client.post(EDIT, chosen)).status_code == 303
    *_, last = await home.changes()
    assert last.after == {"language": "por"}


async def test_a_merge_that_is_overtaken(home: House) -> None:
    """What changes while somebody merges is shown again; what was decided stays decided."""
    async with home.client() as client:
        mine, theirs = await client.form(EDIT), await client.form(EDIT)
        await client.post(EDIT, theirs.changed(year="1950", pages="7"))
        first = await client.post(EDIT, mine.changed(year="1960", pages="8"))
        between = await client.form(EDIT)
        await client.post(EDIT, between.changed(year="1970"))
        chosen = [*Form(first.text).fields(), ("f-year-keep", "mine"), ("f-pages-keep", "mine")]
        second = await client.post(EDIT, chosen)
        assert second.status_code == 409
        assert "It was 1950 Keep what is stored now: 1970 Take yours: 1960" in said(second.text)
        assert dict(Form(second.text).fields()).get("f-year-keep") is None
        assert ["Pages", "7", "8"] in rows(second.text)
        done = [*Form(second.text).fields(), ("f-year-keep", "theirs")]
        assert (await client.post(EDIT, done)).status_code == 303
    values = (await home.get("book", "1")).values
    assert (values["year"], values["pages"]) == (1970, 8)


async def test_changes_to_other_fields_are_shown_before_they_meet(home: House) -> None:
    """Where nobody changed the same field, both sides are listed and one more save does it."""
    async with home.client() as client:
        mine, theirs = await client.form(EDIT), await client.form(EDIT)
        await client.post(EDIT, theirs.changed(pages="100"))
        answer = await client.post(EDIT, mine.changed(language="por"))
        assert answer.status_code == 409
        assert "Your changes are to other fields" in answer.text
        assert (await client.post(EDIT, Form(answer.text).fields())).status_code == 303
    values = (await home.get("book", "1")).values
    assert (values["pages"], values["language"]) == (100, "por")


async def test_what_one_may_not_see_is_in_no_merge(home: House) -> None:
    """What others changed of a field that is hidden is not shown, and stays."""
    hidden = frozenset({"pages"})
    grants = [Grant("book", action, None, hidden) for action in ("read", "update")]
    async with home.client() as client, person(home, "half", grants) as half:
        other = Client(half.panel)
        mine = await other.form(EDIT)
        theirs = (await client.form(EDIT)).changed(year="1950", pages="54321")
        assert (await client.post(EDIT, theirs)).status_code == 303
        answer = await other.post(EDIT, mine.changed(year="1960"))
        assert answer.status_code == 409
        assert "Keep what is stored now: 1950" in said(answer.text)
        assert "54321" not in answer.text
        assert "Pages" not in {label for label, *_ in rows(answer.text)}
        decided = [*Form(answer.text).fields(), ("f-year-keep", "mine")]
        assert (await other.post(EDIT, decided)).status_code == 303
    values = (await home.get("book", "1")).values
    assert (values["year"], values["pages"]) == (1960, 54321)


async def test_what_is_out_of_sight_is_not_merged(home: House) -> None:
    """A save of a record that is out of sight is answered as one of a record that is absent."""
    await home.limit("nob", "book", "own")
    async with home.client() as client, home.client("nob") as other:
        answer = await other.post(EDIT, (await client.form(EDIT)).fields("_csrf"))
        assert answer.status_code == 403
        token = ("_csrf", await other.token())
        answer = await other.post(EDIT, [*(await client.form(EDIT)).fields("_csrf"), token])
        assert answer.status_code == 404
        assert "Book 01" not in answer.text


async def test_forged_merges(home: House) -> None:
    """Whatever a merge claims, nothing is written over a change that was not shown."""
    async with home.client() as client:
        mine, theirs = await client.form(EDIT), await client.form(EDIT)
        await client.post(EDIT, theirs.changed(year="1950"))
        for more in (
            [("_base", "{}")], [("_base", "[")], [("_base", '{"year": 1}')],
            [("_conflict", "year"), ("f-year-keep", "mine")], [("_conflict", "nothing")],
            [("_base", '{"nothing": "x"}'), ("_conflict", "year"), ("f-year-keep", "x")],
            [("_base", "{}"), ("_find", "f-authors"), ("f-authors-term", "ann")],
        ):  # fmt: skip
            answer = await client.post(EDIT, [*mine.changed(year="1960"), *more])
            assert answer.status_code in {200, 409, 422}, more
    assert (await home.get("book", "1")).values["year"] == 1950


async def test_every_kind_of_value_can_be_merged(fresh_settings: FreshSettings) -> None:
    """What it was is found for values of every kind, so that three columns stand side by side."""
    theirs = {
        "small": "1", "exact": "9.5", "ratio": "0.5", "name": "theirs", "flag": "false",
        "day": "2001-01-01", "clock": "01:01:01", "local": "2001-01-01T01:01:01",
        "instant": "2001-01-01T01:01:01", "lapse": "PT5M", "document": '{"a": 1}', "tags": '["t"]',
    }  # fmt: skip
    mine = theirs | {
        "small": "2", "exact": "8.5", "ratio": "1.5", "name": "mine", "flag": "",
        "day": "2002-02-02", "clock": "02:02:02", "local": "2002-02-02T02:02:02",
        "instant": "2002-02-02T02:02:02", "lapse": "PT6M", "document": "[]", "tags": '["m"]',
    }  # fmt: skip
    path = "/admin/specimen/edit/1"
    async with menagerie(fresh_settings, "sqlite") as made, made.client() as client:
        first, second = await client.form(path), await client.form(path)
        assert (await client.post(path, first.changed(**theirs))).status_code == 303
        answer = await client.post(path, second.changed(**mine))
        assert answer.status_code == 409
        asked = set(re.findall(r'name="_conflict" value="(\w+)"', answer.text))
        assert asked == mine.keys()
        assert "no longer known" not in answer.text
        keep = [(f"f-{name}-keep", "mine") for name in asked]
        answer = await client.post(path, [*Form(answer.text).fields(), *keep])
        assert answer.status_code == 303
        values = (await made.get("specimen", "1")).values
        assert (values["small"], values["name"], values["tags"]) == (2, "mine", ["m"])


async def test_who_else_is_here(home: House) -> None:
    """Whoever has a form open hears who else has; nobody hears of records out of sight."""
    path = "/admin/book/editing/1"
    async with home.client("vic") as reader:
        token = [("_csrf", await reader.token())]
        assert (await reader.post(path, token)).status_code == 403, "who may only read it"
    await home.grant("vic", "book", "update")
    async with home.client() as ana, home.client("vic") as vic, home.client("nob") as nob:
        tokens = {each: [("_csrf", await each.token())] for each in (ana, vic, nob)}
        script = {"Accept": "application/json"}
        assert (await ana.post(path, tokens[ana], **script)).json() == {"words": ""}
        answer = await vic.post(path, tokens[vic], **script)
        assert answer.json() == {"words": "Open at ana as well"}
        assert (await ana.post(path, tokens[ana])).json() == {"words": "Open at vic as well"}
        await vic.post(path, [*tokens[vic], ("left", "1")])
        assert (await ana.post(path, tokens[ana])).json() == {"words": ""}
        assert (await nob.post(path, tokens[nob], **script)).status_code == 403
        assert (await ana.post("/admin/book/editing/9999", tokens[ana])).status_code == 404
        assert (await ana.post(path, [], **script)).status_code == 403


@pytest.mark.slow
async def test_merge_in_a_browser(embedded: House, browser: Browser) -> None:
    """The merge takes the focus; typing once more takes one's own; saving ends it."""
    from eyes import violations  # noqa: PLC0415 - it brings axe along

    async with embedded.page(browser) as page, embedded.client() as other:
        await page.goto(EDIT)
        form = await other.form(EDIT)
        await other.post(EDIT, form.changed(year="1950", authors=["", "2"]))
        await page.get_by_label("Year").fill("1960")
        await page.get_by_role("button", name="Remove Ann Tre").click()
        await page.get_by_role("button", name="Save", exact=True).last.click()
        await expect(page.locator("#problems")).to_be_focused()
        year = page.get_by_role("group", name="Year")
        await expect(year.get_by_label("Keep what is stored now: 1950")).to_be_visible()
        assert await violations(page) == []
        await year.get_by_label("Year", exact=False).last.fill("1962")
        await expect(year.get_by_label("Take yours")).to_be_checked()
        authors = page.get_by_role("group", name="Authors").first
        await authors.get_by_label("Take yours").check()
        await page.get_by_role("button", name="Save", exact=True).last.click()
        await expect(page.locator(".toast")).to_contain_text("Saved")
    values = (await embedded.get("book", "1")).values
    assert (values["year"], values["authors"]) == (1962, [1, 2])


@pytest.mark.slow
async def test_somebody_else_is_hinted_in_a_browser(embedded: House, browser: Browser) -> None:
    """A form says who else has the record open, and says so no more when they have left."""
    await embedded.grant("vic", "book", "update")
    async with embedded.page(browser, "vic") as theirs:
        async with theirs.expect_response("**/editing/1"):
            await theirs.goto(EDIT)
        async with embedded.page(browser) as page:
            async with page.expect_response("**/editing/1"):
                await page.goto(EDIT)
            await expect(page.locator("[data-here]")).to_contain_text("Open at vic as well")
            await theirs.goto("/admin/")
            here = "Open at vic as well"
            while here:
                async with page.expect_response("**/editing/1") as answer:
                    await page.reload()
                here = (await (await answer.value).json())["words"]
            await expect(page.locator("[data-here]")).to_be_hidden()
