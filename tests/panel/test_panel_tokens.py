"""What is true of one's own API tokens in the panel."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from conftest import KINDS, FreshSettings
from eyes import DESK, PHONE, runs_over, violations
from panel import Client, Form, House, library
from playwright.async_api import Browser, expect
from sqlalchemy import update

from admin_app.access import actor_of_token, create_token, list_tokens
from admin_app.access.tables import Session, Token

PAGE = "/admin/account"
SEND = "/admin/account/tokens"


@pytest.fixture(params=KINDS)
async def home(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[House]:
    async with library(fresh_settings, request.param) as made:
        await confirm(made)
        yield made


@pytest.fixture
async def embedded(fresh_settings: FreshSettings) -> AsyncIterator[House]:
    async with library(fresh_settings, "sqlite") as made:
        await confirm(made)
        yield made


async def confirm(made: House, at: datetime | None = None) -> None:
    """Have everybody signed in prove to be there."""
    moment = at or datetime.now(UTC)
    await made.database.write(
        lambda each: each.execute(update(Session).values(confirmed_at=moment))
    )


async def send(client: Client, do: str, *fields: tuple[str, str]) -> httpx.Response:
    token = ("_csrf", await client.token())
    return await client.post(SEND, [token, ("do", do), *fields])


def told(answer: httpx.Response) -> str:
    """The token that a page tells."""
    found = re.search(r'<code class="secret">([^<]+)</code>', answer.text)
    assert found, answer.text
    return found[1]


async def granted(made: House, token: str) -> set[tuple[str, str]] | None:
    actor = await actor_of_token(made.database, token)
    return {(each.resource, each.action) for each in actor.grants} if actor else None


async def test_make(home: House) -> None:
    """A token is made for what is ticked and told once; the page then shows how it begins."""
    async with home.client("ana") as client:
        answer = await send(
            client,
            "make",
            ("name", "till <1>"),
            ("life", "30"),
            ("reach", "ticked"),
            ("scope", "book:read"),
            ("scope", "comment:create comment:update comment:delete"),
        )
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        token = told(answer)
        assert await granted(home, token) == {
            ("book", "read"),
            *(("comment", each) for each in ("create", "update", "delete")),
        }
        (info,) = await list_tokens(home.database)
        assert info.expires_at == info.created_at + timedelta(days=30)
        again = unescape((await client.get(PAGE)).text)
        assert token not in again
        assert f"{token[:12]}…" in again
        assert "till <1>" in again
        assert "book:read comment:create" in again
        form = Form(answer.text)
        assert dict(form.fields())["name"] == ""


async def test_all_that_one_may(home: House) -> None:
    """A token for everything has its owner's rights, except to the application's own records."""
    async with home.client("vic") as client:
        fields = [("name", "x"), ("life", ""), ("reach", "everything"), ("scope", "book:read")]
        token = told(await send(client, "make", *fields))
        assert await granted(home, token) == {("*", "read")}
        assert (await list_tokens(home.database))[0].expires_at is None


async def test_what_is_offered(home: House) -> None:
    """The form offers what one may and nothing else; who may nothing is offered nothing."""
    async with home.client("vic") as client:
        offered = set(re.findall(r'name="scope" value="([^"]+)"', (await client.get(PAGE)).text))
        assert offered == {f"{each}:read" for each in ("author", "book", "comment", "reader")}
    async with home.client("ana") as client:
        offered = set(re.findall(r'name="scope" value="([^"]+)"', (await client.get(PAGE)).text))
        assert {"book:read", "book:create book:update book:delete"} <= offered
        assert {"admin_token:read", "admin_token:issue admin_token:revoke"} <= offered
        for scopes in offered:
            fields = [("name", "x"), ("life", "7"), ("reach", "ticked"), ("scope", scopes)]
            assert (await send(client, "make", *fields)).status_code == 200, scopes
    async with home.client("nob") as client:
        assert 'name="scope"' not in (await client.get(PAGE)).text


BAD_INPUT: tuple[tuple[dict[str, str], str], ...] = (
    ({"name": ""}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": "a\0b"}, "name"),
    ({"life": "5"}, "expires"),
    ({"scope": ""}, "scopes"),
    ({"scope": "bok:read"}, "scopes"),
    ({"scope": "book"}, "scopes"),
    ({"scope": "admin_user:nothing"}, "scopes"),
)


async def test_bad_input(home: House) -> None:
    """What cannot be is refused at its field, what was filled in stays, and no token is made."""
    usual = {"name": "till", "life": "365", "reach": "ticked", "scope": "book:read"}
    async with home.client("ana") as client:
        for fields, field in BAD_INPUT:
            filled = usual | fields
            answer = await send(client, "make", *filled.items())
            assert answer.status_code == 422, fields
            assert f'id="token-{field}-error"' in answer.text
            assert f'aria-describedby="token-{field}-error"' in answer.text
            if field != "name":
                assert 'value="till"' in answer.text
            if field != "expires":
                assert '<option selected value="365">' in answer.text
            if filled["scope"] == "book:read":
                assert re.search(r'value="book:read"[^>]* checked', answer.text)
    assert await list_tokens(home.database) == []


async def test_replace_and_revoke(home: House) -> None:
    """A token is replaced by one like it, told once, and revoked; each by its own button."""
    old = await create_token(home.database, "ana", "till", None, scopes=["book:read"])
    async with home.client("ana") as client:
        answer = await send(client, "rotate", ("token", "1"))
        new = told(answer)
        assert await granted(home, new) == await granted(home, old) == {("book", "read")}
        answer = await send(client, "revoke", ("token", "1"))
        assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
        assert await granted(home, old) is None
        assert await granted(home, new) == {("book", "read")}
        page = (await client.get(PAGE)).text
        assert "Ended" in page
        assert (await send(client, "rotate", ("token", "1"))).status_code == 409


async def test_not_ones_own(home: House) -> None:
    """Nobody reaches another's token here, nor one that is not there, nor presses what is not."""
    token = await create_token(home.database, "ana", "till", None)
    async with home.client("vic") as client:
        assert token[:12] not in (await client.get(PAGE)).text
        for do in ("rotate", "revoke"):
            for which in ("1", "99", "", "-1", "9" * 5000, "x"):
                answer = await send(client, do, ("token", which))
                assert answer.status_code == 404, (do, which)
        assert (await send(client, "burn", ("token", "1"))).status_code == 400
        assert (await client.post(SEND, [("do", "revoke"), ("token", "1")])).status_code == 403
    assert await granted(home, token) is not None


async def test_one_has_to_be_there(home: House) -> None:
    """Who has not proved lately to be there is asked to, and nothing is made or ended."""
    token = await create_token(home.database, "ana", "till", None)
    await confirm(home, datetime.now(UTC) - timedelta(hours=1))
    fields = [("name", "x"), ("life", "7"), ("reach", "everything"), ("token", "1")]
    async with home.client("ana") as client:
        assert "/admin/confirm?next=" in (await client.get(PAGE)).text
        for do in ("make", "rotate", "revoke"):
            answer = await send(client, do, *fields)
            assert answer.status_code == 403
            assert "/admin/confirm?next=" in answer.text
    assert len(await list_tokens(home.database)) == 1
    assert await granted(home, token) is not None


@pytest.mark.slow
async def test_in_a_browser(embedded: House, browser: Browser) -> None:
    """With a browser's own controls a token is made, replaced and revoked; axe finds no fault."""
    async with embedded.page(browser, viewport=DESK) as page:
        await page.goto(PAGE)
        await page.get_by_label("What it is for").fill("Till")
        await page.get_by_label("Read: Books").check()
        await page.get_by_role("button", name="Make the token").click()
        token = await page.locator("code.secret").inner_text()
        assert await granted(embedded, token) == {("book", "read")}
        assert await violations(page) == []
        await page.get_by_role("button", name="Replace Till").click()
        await expect(page.locator("code.secret")).not_to_have_text(token)
        await page.get_by_role("button", name=f"Revoke Till, {token[:12]}").click()
        await expect(page.get_by_text("Ended (1)")).to_be_visible()
        assert await granted(embedded, token) is None
        await page.get_by_text("Ended (1)").click()
        await page.get_by_label("What it is for").fill("Bad")
        await page.get_by_role("button", name="Make the token").click()
        await expect(page.get_by_text("Tick what it may do.")).to_be_visible()
        assert await violations(page) == []


async def test_on_a_phone(embedded: House, browser: Browser) -> None:
    """However long names and scopes are, nothing runs over the edge, and fingers find the ticks."""
    scopes: list[Any] = [
        f"{each}:{action}" for each in ("book", "admin_security_event") for action in ("read", "*")
    ]
    await create_token(embedded.database, "ana", "w" * 100, None, scopes=scopes)
    await create_token(embedded.database, "ana", "many words " * 9, timedelta(days=1))
    await embedded.database.write(
        lambda each: each.execute(
            update(Token).where(Token.id == 2).values(revoked_at=datetime.now(UTC))
        )
    )
    async with embedded.page(browser, viewport=PHONE) as page:
        await page.goto(PAGE)
        heights = await page.locator("#tokens .tick").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().height)"
        )
        assert min(heights) >= 43.5
        assert await runs_over(page, PAGE) == []
