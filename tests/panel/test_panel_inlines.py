"""What is true of records that are written in the form of the record they point to."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from conftest import KINDS, FreshSettings
from panel import SEED, Client, Form, House, house
from playwright.async_api import Browser, expect
from recipes import MANY, prepare

from admin_app.declaration import SYSTEM, Base, DeclarationError, Registry
from admin_app.declaration.schemas import MAX_CHILDREN

SOUP, STEW = "/admin/recipe/edit/1", "/admin/recipe/edit/2"


@pytest.fixture(params=KINDS)
async def kitchen(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[House]:
    """Recipes with their steps and hints."""
    async with house(fresh_settings(request.param, "recipes", prepare), ("recipes",)) as made:
        yield made


@pytest.fixture
async def galley(fresh_settings: FreshSettings) -> AsyncIterator[House]:
    """The same on the embedded default, for what no database decides."""
    async with house(fresh_settings("sqlite", "recipes", prepare), ("recipes",)) as made:
        yield made


async def press(client: Client, path: str, fields: Sequence[tuple[str, str]], act: str) -> Form:
    """The form again after one of the buttons of an inline."""
    answer = await client.post(path, [*fields, ("_inline", f"f-{act}")])
    assert answer.status_code == 200, answer.text
    return Form(answer.text)


def read(form: Form, name: str = "steps") -> list[str]:
    """What the lines of an inline begin with, those that are shut."""
    (part,) = re.findall(
        rf'<fieldset class="inline" id="f-{name}".*?\n</fieldset>', form.html, re.DOTALL
    )
    return re.findall(r'<tr class="shut">\s*<td>(?:<button[^>]*>)?(?:<del>)?([^<]*)', part)


def wrong(html: str) -> dict[str, str]:
    """What is said to be wrong, by the control it is about."""
    found = re.findall(r'id="(f-[^"]*)-error">.*?<span>(.*?)</span>', html, re.DOTALL)
    return dict(found)


async def steps(made: House) -> list[tuple[str, int, int | None]]:
    """The steps of the soup, in their order."""
    resource = made.records.registry["step"]
    query = made.records.query(SYSTEM, resource, [("recipe", "1"), ("sort", "position")])
    rows = (await made.records.page(SYSTEM, resource, query)).rows
    return [(each["text"], each["minutes"], each["position"]) for each in rows]


async def test_an_untouched_form_says_nothing_of_them(kitchen: House) -> None:
    """A form shows the first ten and sends none; saved as it is, it writes nothing."""
    async with kitchen.client() as client:
        form = await client.form(STEW)
        assert read(form) == [f"Stir {at:03}" for at in range(1, 11)]
        assert '<span class="quiet">500</span>' in form.html
        assert len(form.html) < 60_000
        sent = form.fields()
        assert [name for name, _ in sent if name.startswith("f-steps")] == ["f-steps.at"]
        assert (await client.post(STEW, sent)).status_code == 303
        assert await kitchen.changes() == []


async def test_all_of_it_in_one_save(kitchen: House) -> None:
    """Records come, change and go with their record, in one transaction and change set."""
    async with kitchen.client() as client:
        form = await client.form(SOUP)
        fields = form.changed(name="Broth")
        form = await press(client, SOUP, fields, "steps add")
        assert dict(form.fields())["f-name"] == "Broth"
        fields = form.changed(**{"steps.1-text": "Eat"})
        form = await press(client, SOUP, fields, "steps edit k2")
        assert dict(form.fields())["f-steps.2-text"] == "Cut"
        fields = form.changed(**{"steps.2-minutes": "7"})
        form = await press(client, SOUP, fields, "steps remove k1")
        assert "<del>Wash</del>" in form.html
        form = await press(client, SOUP, form.fields(), "hints remove k1")
        assert (await client.post(SOUP, form.fields())).status_code == 303
    assert await steps(kitchen) == [("Cut", 7, 2), ("Cook", 15, 3), ("Eat", 1, 4)]
    changes = await kitchen.changes()
    assert len({each.change_set for each in changes}) == 1
    assert sorted((each.resource, each.action) for each in changes) == [
        ("hint", "delete"),
        ("recipe", "update"),
        ("step", "create"),
        ("step", "delete"),
        ("step", "update"),
    ]


async def test_a_new_record_with_its_own(kitchen: House) -> None:
    """A record and those that point to it are made at once; a row left blank is not there."""
    async with kitchen.client() as client:
        form = await client.form("/admin/recipe/create")
        assert 'name="f-hints.1-text"' in form.html, "it begins with one, as declared"
        form = await press(client, "/admin/recipe/create", form.changed(name="Tea"), "steps add")
        form = await press(client, "/admin/recipe/create", form.fields(), "steps add")
        fields = form.changed(**{"steps.1-text": "Boil", "steps.1-cook": "1"})
        answer = await client.post("/admin/recipe/create", fields)
        assert answer.status_code == 303, answer.text
        text = (await client.get(answer.headers["location"])).text
    assert "Boil" in text
    made = [(each.resource, each.action) for each in await kitchen.changes()]
    assert sorted(made) == [("recipe", "create"), ("step", "create")]


async def test_buttons_that_are_thought_better_of(galley: House) -> None:
    """What is begun, changed or removed can be undone before anything is saved."""
    async with galley.client() as client:
        form = await client.form(SOUP)
        form = await press(client, SOUP, form.fields(), "steps edit k1")
        fields = form.changed(**{"steps.1-text": "Rinse"})
        form = await press(client, SOUP, fields, "steps shut n1")
        assert read(form) == ["Rinse", "Cut", "Cook"]
        form = await press(client, SOUP, form.fields(), "steps edit n1")
        assert dict(form.fields())["f-steps.1-text"] == "Rinse"
        form = await press(client, SOUP, form.fields(), "steps undo n1")
        assert read(form) == ["Wash", "Cut", "Cook"]
        form = await press(client, SOUP, form.fields(), "steps remove k3")
        form = await press(client, SOUP, form.fields(), "steps undo n1")
        form = await press(client, SOUP, form.fields(), "steps add")
        form = await press(client, SOUP, form.changed(**{"steps.1-text": "Eat"}), "steps shut n1")
        assert read(form) == ["Wash", "Cut", "Cook", "Eat"]
        form = await press(client, SOUP, form.fields(), "steps remove n1")
        assert (await client.post(SOUP, form.fields())).status_code == 303
    assert await galley.changes() == []


async def test_many_are_turned_page_by_page(kitchen: House) -> None:
    """Of five hundred ten are shown; what was changed on one page goes along to the others."""
    async with kitchen.client() as client:
        form = await client.form(STEW)
        form = await press(client, STEW, form.fields(), "steps edit k5")
        fields = form.changed(**{"steps.1-text": "Shake"})
        turn = re.search(r'value="f-(steps at [^"]*)"[^>]*data-turn="next"', form.html)
        assert turn is not None
        kitchen.statements.clear()
        form = await press(client, STEW, fields, turn[1])
        assert len(kitchen.statements) <= 10, kitchen.statements
        assert read(form) == ["Shake", *(f"Stir {at:03}" for at in range(11, 21))]
        form = await press(client, STEW, form.fields(), "steps remove k12")
        sent = form.fields()
        assert len([name for name, _ in sent if name.startswith("f-steps")]) == 3
        assert (await client.post(STEW, sent)).status_code == 303
        changes = [(each.action, each.key) for each in await kitchen.changes()]
        assert sorted(changes) == [("delete", "12"), ("update", "5")]
        form = await client.form(STEW)
        again = await press(client, STEW, form.fields(), "steps at nonsense")
        assert read(again)[0] == "Stir 001", "a page that cannot be read is the first one"


async def test_what_is_wrong_is_said_at_its_place(kitchen: House) -> None:
    """A mistake in a row is told at its control and in the summary, and nothing is written."""
    async with kitchen.client() as client:
        form = await client.form(SOUP)
        form = await press(client, SOUP, form.changed(name="Broth"), "steps edit k2")
        form = await press(client, SOUP, form.fields(), "steps add")
        for change, place, words in (
            ({"steps.1-minutes": "-1"}, "f-steps.1-minutes", "minutes"),
            ({"steps.1-minutes": "many"}, "f-steps.1-minutes", "number"),
            ({"steps.2-minutes": "3"}, "f-steps.2-text", "A value is needed."),
            ({"steps.1-cook": "99"}, "f-steps.1-cook", "no such"),
            ({"steps.1-text": "x" * 81}, "f-steps.1-text", "80"),
        ):
            answer = await client.post(SOUP, form.changed(**change))
            assert answer.status_code == 422, (change, answer.status_code)
            assert words in wrong(answer.text)[place], change
            assert f'<a href="#{place}">' in answer.text, "the summary leads there"
            assert dict(Form(answer.text).fields())["f-name"] == "Broth"
    assert await kitchen.changes() == []


async def test_others_change_them_meanwhile(kitchen: House) -> None:
    """What others have changed or deleted is not overwritten; the form says what stands."""
    async with kitchen.client() as client:
        form = await client.form(SOUP)
        form = await press(client, SOUP, form.fields(), "steps edit k2")
        form = await press(client, SOUP, form.fields(), "hints remove k1")
        fields = form.changed(**{"steps.1-minutes": "7"})
        await change(kitchen, "step", "2", {"minutes": 9, "text": "Chop"})
        answer = await client.post(SOUP, fields)
        assert answer.status_code == 412
        assert "Stored now: 9." in wrong(answer.text)["f-steps.1-minutes"]
        form = Form(answer.text)
        assert dict(form.fields())["f-steps.1-text"] == "Chop"
        await change(kitchen, "hint", "1", {"text": "Pepper"})
        answer = await client.post(SOUP, form.fields())
        assert answer.status_code == 412
        assert "Somebody has changed this meanwhile" in answer.text
        answer = await client.post(SOUP, Form(answer.text).fields())
        assert answer.status_code == 303
        form = await press(client, SOUP, (await client.form(SOUP)).fields(), "steps edit k3")
        await delete(kitchen, "step", "3")
        answer = await client.post(SOUP, form.changed(**{"steps.1-minutes": "8"}))
        assert answer.status_code == 404
        assert "There is no such step." in answer.text
        assert "f-name" in dict(Form(answer.text).fields()), "the form itself is there"
    assert await steps(kitchen) == [("Wash", 5, 1), ("Chop", 7, 2)]


async def change(made: House, name: str, key: str, data: dict[str, Any]) -> None:
    """Change a record behind everybody's back."""
    resource = made.records.registry[name]
    record = await made.records.get(SYSTEM, resource, resource.parse_key(key))
    await made.records.update(
        SYSTEM, resource, record.key, data, origin=SEED, if_match=[record.etag]
    )


async def delete(made: House, name: str, key: str) -> None:
    """Delete a record behind everybody's back."""
    resource = made.records.registry[name]
    await made.records.delete(SYSTEM, resource, resource.parse_key(key), origin=SEED)


async def test_they_are_moved(kitchen: House) -> None:
    """Up and down change places with the neighbour; only what has moved is written."""
    async with kitchen.client() as client:
        form = await client.form(SOUP)
        form = await press(client, SOUP, form.fields(), "steps up k3")
        assert read(form) == ["Wash", "Cook", "Cut"]
        form = await press(client, SOUP, form.fields(), "steps add")
        form = await press(client, SOUP, form.changed(**{"steps.3-text": "Eat"}), "steps shut n3")
        form = await press(client, SOUP, form.fields(), "steps up n3")
        assert read(form) == ["Wash", "Cook", "Eat", "Cut"]
        assert (await client.post(SOUP, form.fields())).status_code == 303
    assert await steps(kitchen) == [("Wash", 5, 1), ("Cook", 15, 2), ("Eat", 1, 3), ("Cut", 10, 4)]
    assert "1" not in {each.key for each in await kitchen.changes() if each.resource == "step"}


async def test_rights_of_their_own(kitchen: House) -> None:
    """They are shown, changed, added and removed as far as one may; the others are not there."""
    for action in ("read", "update"):
        await kitchen.grant("nob", "recipe", action)
    async with kitchen.client("nob") as client:
        assert "f-steps" not in (await client.form(SOUP)).html
        await kitchen.grant("nob", "step", "read", "quick")
        assert "f-steps" not in (await client.form(SOUP)).html, "nothing to be done here"
        await kitchen.grant("nob", "step", "update", "quick")
        form = await client.form(SOUP)
        assert read(form) == ["Wash"]
        assert "steps add" not in form.html
        assert "steps remove" not in form.html
        unseen = await press(client, SOUP, form.fields(), "steps edit k2")
        absent = await press(client, SOUP, form.fields(), "steps edit k9999")
        assert "There is no such step." in unseen.html
        assert "There is no such step." in absent.html
        form = await press(client, SOUP, form.fields(), "steps edit k1")
        fields = form.changed(**{"steps.1-text": "Rinse"})
        forged = [
            (name, text.replace('"key":"1"', '"key":"2"') if name == "f-steps.rows" else text)
            for name, text in fields
        ]
        answer = await client.post(SOUP, forged)
        assert (answer.status_code, "There is no such step." in answer.text) == (404, True)
        gone = [
            (name, text.replace('"gone":false', '"gone":true') if name == "f-steps.rows" else text)
            for name, text in fields
        ]
        assert (await client.post(SOUP, gone)).status_code == 403
        assert (await client.post(SOUP, fields)).status_code == 303
    assert [text for text, *_ in await steps(kitchen)] == ["Rinse", "Cut", "Cook"]


def carried(rows: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [("f-steps.rows", json.dumps(each)) for each in rows]


async def test_hundreds_are_changed_at_once(galley: House) -> None:
    """As many as one write takes can be changed in one save; one more is refused as a whole."""
    async with galley.client() as client:
        form = await client.form(STEW)
        form = await press(client, STEW, form.fields(), "steps edit k4")
        row = json.loads(dict(form.fields())["f-steps.rows"])
        base = (await client.form(STEW)).fields()
        texts = {"text": "Fold", "minutes": "1", "cook": "[]"}
        rows = [
            {**row, "n": at, "key": str(at + 3), "texts": {**texts, "position": str(at)}}
            for at in range(1, MANY + 1)
        ]
        answer = await client.post(STEW, [*base, *carried(rows)])
        assert answer.status_code == 303
        assert len(await galley.changes()) == MANY
        new = {
            "key": "",
            "etag": "",
            "opened": {},
            "gone": False,
            "texts": {**texts, "position": ""},
        }
        rows = [{**new, "n": at} for at in range(1, MAX_CHILDREN + 2)]
        base = (await client.form(STEW)).fields()
        answer = await client.post(STEW, [*base, *carried(rows)])
        assert answer.status_code == 422
        assert "At most 1000" in answer.text
        assert len(await galley.changes()) == MANY


CARRIED = {"n": 1, "key": "2", "etag": '"1"', "opened": {}, "texts": None, "gone": False}


async def test_what_no_form_has_sent(galley: House) -> None:
    """Rows that cannot have come from a form are refused, and write nothing."""
    sound = {"text": "a", "minutes": "b", "cook": "c", "position": "d"}
    rows: list[Any] = [
        "", "{", "[]", "null", "\0", "1" * 5000, "[" * 5000,
        json.dumps(CARRIED), json.dumps({**CARRIED, "n": -1}), json.dumps({**CARRIED, "n": 1e99}),
        json.dumps({**CARRIED, "opened": sound, "texts": {**sound, "cook": "{"}}),
        json.dumps({**CARRIED, "opened": sound, "texts": {**sound, "cook": '["\ud800"]'}}),
        json.dumps({**CARRIED, "key": "", "texts": {"text": "x"}}),
        json.dumps({**CARRIED, "more": 1}),
    ]  # fmt: skip
    async with galley.client() as client:
        base = (await client.form(SOUP)).fields()
        for row in rows:
            answer = await client.post(SOUP, [*base, ("f-steps.rows", row)])
            assert answer.status_code in {400, 422}, (row, answer.status_code)
        gone = json.dumps({**CARRIED, "opened": sound, "gone": True, "key": "nonsense"})
        assert (await client.post(SOUP, [*base, ("f-steps.rows", gone)])).status_code == 404
        twice = json.dumps({**CARRIED, "opened": sound})
        answer = await client.post(SOUP, [*base, *[("f-steps.rows", twice)] * 2])
        assert answer.status_code == 422
        acts = [
            "",
            " add x",
            " edit",
            " edit n9",
            " edit kx",
            " up k9",
            " fly k1",
            " at \0",
            " undo k1",
        ]
        begun = (await press(client, SOUP, base, "steps add")).fields()
        for number in ("9" * 4300, "9" * 5000, f"-{'9' * 4299}", "1e5"):
            sent = [(name, number if name.endswith("-position") else text) for name, text in begun]
            for act in ("add", "up n1", "down k1", "shut n1"):
                answer = await client.post(SOUP, [*sent, ("_inline", f"f-steps {act}")])
                assert answer.status_code == 200, (number[:9], act)
        for act in (*(f"steps{each}" for each in acts), "nothing add"):
            answer = await client.post(SOUP, [*base, ("_inline", f"f-{act}")])
            assert answer.status_code in {200, 303}, (act, answer.status_code)
        token = await client.token()
        for path, status in (
            ("/admin/recipe/inline/steps/1", 200),
            ("/admin/recipe/inline/steps", 200),
            ("/admin/recipe/inline/nothing/1", 404),
            ("/admin/recipe/inline/name/1", 404),
            ("/admin/recipe/inline/steps/99", 404),
        ):
            sent = [("f-steps.at", ""), ("_inline", "f-steps add"), ("_csrf", token)]
            assert (await client.post(path, sent)).status_code == status, path
    assert await galley.changes() == []


def test_mistakes_are_reported() -> None:
    """Inlines of what is no one-to-many relation, and wrong names in them, are reported."""
    with pytest.raises(DeclarationError) as caught:
        Registry.from_base(Base, ["mistaken_inlines"])
    text = str(caught.value)
    for words in (
        "inlines names 'pags', which is no relation of it; did you mean 'pages'?",
        "inlines names 'shelf', whose records do not point to it by a foreign key alone",
        "inlines names 'pages' twice",
        "inlines names 'pages': 'txt' is no field of it; did you mean 'text'?",
        "inlines names 'pages': 'binder' is given by the record that they are written with",
        "inlines names 'pages': extra must be between 0 and 10",
        "inlines names 'pages': style must be 'table' or 'stack', not 'pile'",
        "inlines names 'pages': order_by 'text' is no whole number that can be changed",
        "inlines names 'sheets': order_by 'number' is unique, so no two records can change places",
    ):
        assert words in text, words


@pytest.mark.slow
async def test_by_keyboard_in_place(galley: House, browser: Browser) -> None:
    """With scripts a row opens and moves where it stands, and the keyboard goes on there."""
    async with galley.page(browser) as page:
        await page.goto(SOUP)
        await page.fill("#f-name", "Broth")
        await page.get_by_role("button", name="Cut", exact=True).focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("textarea:focus, input:focus")).to_have_value("Cut")
        await page.keyboard.press("End")
        await page.keyboard.type(" it")
        await page.get_by_role("group", name="Cut").get_by_role("button", name="Done").click()
        await expect(page.get_by_role("button", name="Cut it")).to_be_focused()
        await page.get_by_role("button", name="Move Cut down").press("Enter")
        await expect(page.locator(".inline-rows .opener").nth(2)).to_have_text("Cut it")
        await page.get_by_role("button", name="Add step").click()
        await expect(
            page.get_by_role("group", name="New step").get_by_label("Text")
        ).to_be_focused()
        await page.keyboard.type("Eat")
        await page.get_by_role("button", name="Remove Wash").click()
        await page.get_by_role("button", name="Undo what was done to Wash").click()
        await page.get_by_role("button", name="Remove Wash").click()
        await expect(page.locator("#f-name")).to_have_value("Broth")
        async with page.expect_navigation():
            await page.locator("[data-save]").first.click()
    assert await steps(galley) == [("Cook", 15, 2), ("Cut it", 10, 3), ("Eat", 1, 4)]
