"""The builder of trees of conditions: in words, by buttons, by keys."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from eyes import DESK, violations
from narrowed import LIST, chips, links, rows
from panel import Form, House
from playwright.async_api import Browser, expect

TREES: list[tuple[Any, str]] = [
    (
        {"_or": [{"language": "fra"}, {"_and": [{"year": {"lt": 1905}}, {"format": "ebook"}]}]},
        "Language is fra or (Year below 1905 and Format is Ebook)",
    ),
    ({"_not": {"_or": [{"year": {"gt": 1903}}]}}, "not (Year above 1903)"),
    ({"_not": {"_and": [{"year": 1903}, {"language": "eng"}]}},
     "not (Year is 1903 and Language is eng)"),
    ({"_not": {"year": 1903}}, "not (Year is 1903)"),
    (
        {"authors": {"some": {"name": {"contains": "Due"}, "country": {"isnull": True}}}},
        "Authors with (Name contains Due and Country is empty)",
    ),
    ({"authors": {"none": {"name": "Ann Uno"}}}, "no Authors with Name is Ann Uno"),
    ({"comments": {"all": {"stars": {"gte": 4}}}}, "all Comments with Stars from 4"),
    ({"authors": {"in": [1, 3]}}, "Authors is one of Ann Uno, Ann Tre"),
    ({"authors": 2, "year": {"between": [1902, 1909]}},
     "Authors is Bea Due and Year from 1902 to 1909"),
    ({"authors.name__ilike": "bea%"}, "Authors with Name matches bea%"),
    ({"comments.reader.name": "Rea"}, "Comments with Reader with Name is Rea"),
    ({"year": {"nin": [1901, 1902]}, "rating": {"eq": "4.5"}},
     "Year is none of 1901, 1902 and Rating is 4.5"),
    ({"added_at": {"gte": "month-1m"}}, "Added at from the month 1 month ago"),
    ({"title": {"in": ["Book 01", "a, b"]}}, "Title is one of Book 01, a, b"),
    ({"_and": [{"_or": [{"year": 1901}, {"year": 1902}]}, {"language": ""}]},
     "(Year is 1901 or Year is 1902) and Language is Empty text"),
]  # fmt: skip


async def test_trees_in_words_and_in_the_builder(embedded: House) -> None:
    """A filter of an address is a sentence, opens in the builder, and comes out as it was."""
    async with embedded.client() as client:
        for tree, words in TREES:
            path = f"{LIST}?sort=-year&filter={quote(json.dumps(tree))}"
            page = (await client.get(path)).text
            assert chips(page) == [words]
            builder = (await client.get(links(page)[words])).text
            fields = [*Form(builder).fields(), ("do", "apply")]
            answer = await client.get(f"/admin/book/advanced?{urlencode(fields)}")
            assert answer.status_code == 303, (tree, answer.text)
            again = (await client.get(answer.headers["location"])).text
            assert rows(again) == rows(page)
            assert sorted(chips(again)[0].replace("(", "").replace(")", "")) == sorted(
                words.replace("(", "").replace(")", "")
            )
            assert "sort=-year" in answer.headers["location"]


async def test_the_buttons_of_the_builder(embedded: House) -> None:
    """Conditions and groups are added, filled in, moved and removed by buttons alone."""
    async with embedded.client() as client:

        async def press(page: str, do: str, **changed: str) -> str:
            given = {**dict(Form(page).fields()), **changed, "do": do}
            answer = await client.get(f"/admin/book/advanced?{urlencode(given)}")
            if answer.status_code == 303:
                return str(answer.headers["location"])
            assert answer.status_code == (400 if do == "apply" else 200), answer.text
            return answer.text

        page = (await client.get("/admin/book/advanced?list=language%3Deng")).text
        assert "Remove this filter" not in page
        refused = await press(page, "apply")
        assert "Give a value, or remove this condition." in refused
        page = await press(page, "refresh", **{"of-0.0": "year", "op-0.0": "lt"})
        page = await press(page, "group:0", **{"v-0.0": "1905"})
        assert '<span class="quiet">4 books</span>' in page
        page = await press(page, "refresh", **{"of-0.1.0": "format"})
        page = await press(page, "row:0.1", **{"op-0.1.0": "null"})
        page = await press(page, "refresh", **{"of-0.1.1": "comments", "op-0.1.1": "some"})
        assert 'name="rel-0.1.1" value="comments"' in page
        page = await press(page, "refresh", **{"of-0.1.1.0": "text", "op-0.1.1.0": "endswith"})
        href = await press(page, "apply", **{"v-0.1.1.0": "11"})
        shown = (await client.get(href)).text
        words = "Year below 1905 and (Format is empty or Comments with Text ends with 11)"
        assert chips(shown) == ["Language is eng", words]
        assert sorted(rows(shown)) == ["Book 01", "Book 02", "Book 04"]
        page = (await client.get(links(shown)[words])).text
        moved = await press(page, "out:0.1.0")
        assert "Year below 1905 and Comments with Text ends with 11 and Format is empty" in (
            re.sub(r"\(|\)", "", moved)
        )
        grouped = await press(page, "in:0.0")
        assert 'name="join-0.0"' in grouped
        page = await press(page, "remove:0.1")
        page = await press(page, "remove:0.0")
        assert "Year below" not in re.sub(r"<option.*?</option>", "", page)
        bad = await press(page, "apply", **{"of-0.0": "year", "op-0.0": "eq", "v-0.0": "soon"})
        assert "Enter a whole number." in bad


async def test_hostile_forms(embedded: House) -> None:
    """Nothing that can be sent to the builder fails, however it is made up."""
    deep = [(f"join-{'.'.join(['0'] * n)}", "all") for n in range(1, 30)]
    wide = [(f"of-0.{n}", "year") for n in range(400)]
    statuses = set()
    async with embedded.client() as client:
        for given in (
            [("join-0", "x"), ("of-0.0", "nothing"), ("op-0.0", "nothing"), ("v-0.0", "\x00")],
            [("join-0", "any"), ("of-0.0", "authors"), ("op-0.0", "in"), ("v-0.0", "x" * 999)],
            [("join-0", "any"), ("of-0.0", "authors"), ("op-0.0", "all"), ("do", "in:0")],
            [("join-0", "all"), ("join-0.0", "all"), ("rel-0.0", "nothing"), ("of-0.0.0", "year")],
            [("join-0", "all"), ("rel-0", "authors"), ("of-0.0", "name"), ("v-0.0", "a")],
            [("of-0", "year"), ("op-0", "eq"), ("v-0", "1")],
            [("join-0", "all"), ("do", "remove:0"), ("of-0.5", "year"), ("v-0.5", "9" * 4000)],
            [("join-0", "all"), ("do", "out:0.0"), ("of-0.0", "added_at"), ("v-0.0", "today-9y")],
            [*deep, ("do", "group:0.0.0.0.0.0.0.0")], [*wide, ("join-0", "all")],
            [("join-0", "all"), *wide, ("do", "row:0")], [("list", "filter={&" + "a=b&" * 3000)],
            [("list", "filter=%5B%5D")], [("join-0", "none"), ("do", "x:" + "0." * 500)],
            [("join-\u0660", "all"), ("of-0.x", "year"), ("v-..", "")],
        ):  # fmt: skip
            for do in ([], [("do", "apply")]):
                sent = urlencode([*given, *do], errors="replace")
                answer = await client.get(f"/admin/book/advanced?{sent}")
                assert answer.status_code in {200, 303, 400}, (given[:5], answer.text)
                statuses.add(answer.status_code)
                if answer.status_code == 303:
                    assert (await client.get(answer.headers["location"])).status_code == 200
    assert statuses == {200, 303, 400}


@pytest.mark.slow
async def test_the_builder_in_the_browser(embedded: House, browser: Browser) -> None:
    """The builder is used by keys alone, keeps its place, and is free of barriers."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto("/admin/book/advanced")
        await page.get_by_label("What").select_option("Year")
        await expect(page.get_by_label("How", exact=True)).to_have_value("eq")
        await page.get_by_label("How", exact=True).select_option("below")
        await expect(page.get_by_label("How", exact=True)).to_be_focused()
        await page.get_by_label("Value").fill("1904")
        await page.get_by_role("button", name="Group", exact=True).focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".group .group")).to_be_visible()
        await page.get_by_role("button", name="Condition", exact=True).first.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator('[name="of-0.1.1"]')).to_be_focused()
        assert await violations(page) == []
        await page.get_by_role("button", name="Remove the group").click()
        await expect(page.locator(".sentence")).to_contain_text("Year below 1904")
        await page.get_by_role("button", name="Apply").click()
        await expect(page.locator(".chips .chip")).to_contain_text("Year below 1904")
        await expect(page.locator("tbody tr")).to_have_count(3)
