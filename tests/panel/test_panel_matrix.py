"""The pages of rights: the matrix of roles, shown and changed, and "Who may do this?"."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from api import allow, forbid, make_role
from conftest import KINDS, FreshSettings
from eyes import DESK, PHONE, violations
from panel import Form, House, library, menagerie
from playwright.async_api import Browser, expect
from sqlalchemy import select, update

from admin_app.access import create_token, create_user
from admin_app.access.tables import Role, RoleGrant, SecurityEvent, Session, Token
from admin_app.declaration import Grant
from admin_app.panel.people.matrix_table import Place
from admin_app.records.trail.changes import Change

MATRIX = "/admin/access/matrix"
EDIT = f"{MATRIX}?edit=1"
EXPLAIN = "/admin/access/explain"
WITHOUT = Grant("book", "read", None, frozenset({"isbn", "pages"}))


@pytest.fixture(params=KINDS)
async def home(
    request: pytest.FixtureRequest, fresh_settings: FreshSettings
) -> AsyncIterator[House]:
    """The library with a role of one's own."""
    async with library(fresh_settings, request.param) as made:
        await make_role(made.database, "clerk", WITHOUT, Grant("book", "update", "own"))
        yield made


@pytest.fixture
async def embedded(fresh_settings: FreshSettings) -> AsyncIterator[House]:
    async with library(fresh_settings, "sqlite") as made:
        await make_role(made.database, "clerk", WITHOUT, Grant("book", "update", "own"))
        yield made


async def rows(home: House, statement: Any) -> list[Any]:
    async def work(connection: Any) -> list[Any]:
        return list((await connection.execute(statement)).all())

    return await home.database.read(work)


async def granted(home: House, role: str = "clerk") -> set[Grant]:
    """What a role grants."""
    found = await rows(
        home,
        select(RoleGrant.resource, RoleGrant.action, RoleGrant.rule, RoleGrant.without).where(
            RoleGrant.role_id == select(Role.id).where(Role.name == role).scalar_subquery()
        ),
    )
    return {Grant(each[0], each[1], each[2], frozenset(each[3] or ())) for each in found}


async def place(home: House, resource: str, action: str, rule: str | None = None) -> str:
    """The value of a box of the clerk."""
    ((role,),) = await rows(home, select(Role.id).where(Role.name == "clerk"))
    return Place(role, resource, action, rule).text()


def ticked(fields: list[tuple[str, str]], *add: str, drop: str = "") -> list[tuple[str, str]]:
    """A form's fields with some boxes ticked and one not any more."""
    kept = [each for each in fields if each != ("grant", drop)]
    return [*kept, *(("grant", each) for each in add)]


def words(answer: httpx.Response) -> str:
    """A page as text."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


async def test_it_shows_everything(home: House) -> None:
    """Every role and resource, what ``*`` gives, rules, and withheld fields with their link."""
    await allow(home.database, "clerk", Grant("book", "delete", "gone"))
    async with home.client() as client:
        page = await client.get(MATRIX)
    text = words(page)
    for role in ("administrator", "clerk", "editor", "viewer"):
        assert f'<th scope="col">{role}</th>' in page.text
    groups = re.findall(r'<th scope="rowgroup"[^>]*><span>([^<]*)', page.text)
    assert groups[0] == "Every declared resource"
    declared = [each.label_plural for each in home.records.registry.values() if not each.own]
    assert groups[1 : len(declared) + 1] == sorted(declared)
    assert len(groups) == len(home.records.registry) + 1
    assert "Rule own" in text
    assert "All rows, as every declared one" in text
    ((key,),) = await rows(home, select(RoleGrant.id).where(RoleGrant.without.is_not(None)))
    assert f'href="/admin/admin_grant/details/{key}">without isbn, pages</a>' in page.text
    assert "Granted, but not declared" in text
    assert "clerk: delete book, rule gone" in text
    assert 'type="checkbox"' not in page.text


async def test_one_role(home: House) -> None:
    """The rights of one role alone, a line a resource, from the role's page, and changed so."""
    ((role,),) = await rows(home, select(Role.id).where(Role.name == "clerk"))
    alone = f"{MATRIX}?role={role}"
    async with home.client() as client:
        assert f'href="{alone}"' in (await client.get(f"/admin/admin_role/details/{role}")).text
        page = await client.get(alone)
        text = words(page)
        assert "Rights of clerk" in text
        assert "read without isbn, pages" in text
        assert "update , rule own" in text
        assert page.text.count('<th scope="row">') == len(home.records.registry) + 1
        form = await client.form(f"{EDIT}&role={role}")
        assert all(Place.read(text)[0].role == role for name, text in form.fields("_csrf"))
        add, drop = await place(home, "author", "read"), await place(home, "book", "update", "own")
        answer = await client.post(f"{EDIT}&role={role}", ticked(form.fields(), add, drop=drop))
        assert (answer.status_code, answer.headers["location"]) == (303, alone)
        assert "All roles" in words(await client.get(f"{MATRIX}?role=999"))
    assert await granted(home) == {WITHOUT, Grant("author", "read")}
    assert await granted(home, "editor")


async def test_who_sees_it(home: House) -> None:
    """Who may read all grants, from the menu; who may not change them gets no form."""
    await home.grant("nob", "admin_grant", "read")
    async with home.client() as client:
        assert f'href="{MATRIX}"' in (await client.get("/admin/")).text
        assert "edit=1" in (await client.get(MATRIX)).text
    for name in ("vic", "nob"):
        async with home.client(name) as client:
            for path in (MATRIX, EDIT, EXPLAIN, f"{EXPLAIN}?user=vic&resource=book&action=read"):
                assert (await client.get(path)).status_code == 403
            assert MATRIX not in (await client.get("/admin/")).text
    async with home.client("") as client:
        assert (await client.get(MATRIX)).status_code == 303
    await forbid(home.database, "administrator", Grant("admin_grant", "delete"))
    async with home.client() as client:
        assert "edit=1" not in (await client.get(MATRIX)).text
        assert (await client.get(EDIT)).status_code == 403
        sent = [("_csrf", await client.token())]
        assert (await client.post(EDIT, sent)).status_code == 403


async def test_saving_what_was_changed(home: House) -> None:
    """Ticked is granted, unticked is taken back, the rest stays, and all of it is told of."""
    async with home.client() as client:
        form = await client.form(EDIT)
        add = await place(home, "author", "read"), await place(home, "admin_role", "read")
        drop = await place(home, "book", "update", "own")
        answer = await client.post(EDIT, ticked(form.fields(), *add, drop=drop))
        assert (answer.status_code, answer.headers["location"]) == (303, MATRIX)
        assert "Saved Rights by role" in words(await client.get(MATRIX))
    assert await granted(home) == {WITHOUT, Grant("author", "read"), Grant("admin_role", "read")}
    changes = await rows(home, select(Change).where(Change.source == "panel"))
    told = sorted((each.resource, each.action) for each in changes)
    assert told == [("admin_grant", each) for each in ("create", "create", "delete")]
    assert len({each.change_set for each in changes}) == 1
    events = select(SecurityEvent.event, SecurityEvent.subject, SecurityEvent.actor_name)
    assert sorted(await rows(home, events.where(SecurityEvent.source == "panel"))) == [
        *((each, "clerk", "ana") for each in ("grant_added", "grant_added", "grant_removed"))
    ]


async def test_saving_nothing(home: House) -> None:
    """A form that was not touched changes nothing, even over what others did meanwhile."""
    async with home.client() as client:
        form = await client.form(EDIT)
        await allow(home.database, "clerk", Grant("author", "read"))
        await forbid(home.database, "clerk", Grant("book", "update", "own"))
        assert (await client.post(EDIT, form.fields())).status_code == 303
    assert await granted(home) == {WITHOUT, Grant("author", "read")}
    assert await home.changes() == []


async def test_somebody_else_was_faster(home: House) -> None:
    """A place that is no longer as shown is told of; nothing is written till it is said again."""
    async with home.client() as client:
        form = await client.form(EDIT)
        read, author = await place(home, "book", "read"), await place(home, "author", "read")
        sent = ticked(form.fields(), author, drop=read)
        await forbid(home.database, "clerk", WITHOUT)
        await allow(home.database, "clerk", Grant("book", "read", None, frozenset({"year"})))
        answer = await client.post(EDIT, sent)
        assert answer.status_code == 409
        text = words(answer)
        assert "Somebody else has changed this meanwhile, so nothing was saved." in text
        assert "clerk, Books, read, all rows: granted now without year." in text
        assert "You wanted it taken away." in text
        assert Grant("author", "read") not in await granted(home)
        again = Form(answer.text)
        assert ("grant", author) in again.fields()
        assert ("grant", read) not in again.fields()
        assert (await client.post(EDIT, again.fields())).status_code == 303
    assert await granted(home) == {Grant("book", "update", "own"), Grant("author", "read")}


async def test_the_same_was_done_already(home: House) -> None:
    """What somebody else has done in the same way is no conflict, and is not done twice."""
    async with home.client() as client:
        form = await client.form(EDIT)
        author = await place(home, "author", "read")
        drop = await place(home, "book", "update", "own")
        await allow(home.database, "clerk", Grant("author", "read"))
        await forbid(home.database, "clerk", Grant("book", "update", "own"))
        answer = await client.post(EDIT, ticked(form.fields(), author, drop=drop))
        assert answer.status_code == 303
    assert await granted(home) == {WITHOUT, Grant("author", "read")}
    assert await home.changes() == []


async def test_at_the_same_time(home: House) -> None:
    """Of many who save at once each change is done once, and whoever came late is told or done."""
    async with home.client() as client:
        form = await client.form(EDIT)
        author = await place(home, "author", "read")
        drop = await place(home, "book", "update", "own")
        sent = ticked(form.fields(), author, drop=drop)
        answers = await asyncio.gather(*(client.post(EDIT, sent) for _ in range(6)))
    assert {each.status_code for each in answers} <= {303, 409}
    assert 303 in {each.status_code for each in answers}
    assert await granted(home) == {WITHOUT, Grant("author", "read")}
    assert sorted(each.action for each in await home.changes()) == ["create", "delete"]


async def test_what_the_guards_refuse(home: House) -> None:
    """Nobody gives here what they do not have, nor changes the administrator's; nothing is kept."""
    delegate = [Grant("admin_grant", each) for each in ("read", "create", "delete")]
    held = (Grant("author", "read"), Grant("admin_role", "read"), *delegate)
    for each in held:
        await home.grant("nob", each.resource, each.action)
    before = await granted(home)
    async with home.client("nob") as client:
        form = await client.form(EDIT)
        author = await place(home, "author", "read")
        comment = await place(home, "comment", "read")
        answer = await client.post(EDIT, ticked(form.fields(), author, comment))
        assert answer.status_code == 403
        assert "You cannot give or take what you do not have yourself." in words(answer)
        assert ("grant", author) in Form(answer.text).fields()
        assert await granted(home) == before
        assert (await client.post(EDIT, ticked(form.fields(), author))).status_code == 303
        assert await granted(home) == {*before, Grant("author", "read")}
    async with home.client() as client:
        form = await client.form(EDIT)
        ((role,),) = await rows(home, select(Role.id).where(Role.name == "administrator"))
        assert not any(value.startswith(f"{role},") for _, value in form.fields())
        for sent in (
            [*form.fields(), ("grant", f"{role},author,read,~4")],
            [*form.fields(), ("was", f"{role},*,read,~4")],
        ):
            answer = await client.post(EDIT, sent)
            assert answer.status_code == 409
            assert "The role administrator stays as it is" in words(answer)
    assert Grant("*", "read") in await granted(home, "administrator")


NONSENSE: tuple[tuple[str, str, int], ...] = (
    ("grant", "", 400),
    ("grant", "nonsense", 400),
    ("was", "1,book,read", 400),
    ("grant", "1,b~9k,read,~4", 400),
    ("grant", "x,book,read,~4", 422),
    ("grant", "99999999999999999999999,book,read,~4", 422),
    ("grant", "4711,book,read,~4", 422),
    ("grant", "2,nothing,read,~4", 422),
    ("grant", "2,book,shred,~4", 422),
    ("grant", "2,book,read,nothing", 422),
    ("grant", "2,bo\0ok,read,~4", 422),
    ("was", "4711,book,read,~4", 303),
    ("was", "2,nothing,read,~4", 303),
)


async def test_nonsense(home: House) -> None:
    """A form that is not ours is refused, and nothing is written."""
    stored = select(RoleGrant.__table__).order_by(RoleGrant.id)
    before = await rows(home, stored)
    async with home.client() as client:
        form = await client.form(EDIT)
        for name, value, status in NONSENSE:
            answer = await client.post(EDIT, [*form.fields(), (name, value)])
            assert answer.status_code == status, (name, value)
            assert await rows(home, stored) == before


async def test_it_asks_who_it_is(home: House) -> None:
    """To change rights one confirms to be there first; what was ticked is not lost."""
    async with home.client() as client:
        form = await client.form(EDIT)
        author = await place(home, "author", "read")
        long_ago = update(Session).values(confirmed_at=datetime.now(UTC) - timedelta(hours=1))
        await home.database.write(lambda each: each.execute(long_ago))
        assert (await client.get(MATRIX)).status_code == 200
        asked = await client.get(EDIT)
        assert asked.status_code == 303
        assert asked.headers["location"].startswith("/admin/confirm?next=")
        answer = await client.post(EDIT, ticked(form.fields(), author))
        assert answer.status_code == 403
        assert ("grant", author) in Form(answer.text).fields()
        assert 'href="/admin/confirm?next=' in answer.text
    assert Grant("author", "read") not in await granted(home)


@pytest.mark.slow
async def test_by_hand(embedded: House, browser: Browser) -> None:
    """Without scripts a box is ticked and saved, and the page then says so."""
    async with embedded.page(browser, viewport=DESK, java_script_enabled=False) as page:
        await page.goto("/admin/")
        await page.get_by_role("link", name="Rights by role").click()
        await page.get_by_role("link", name="Edit", exact=True).click()
        await page.get_by_label("clerk, Authors, read: All rows").check()
        await page.get_by_label("clerk, Books, update: Rule own").uncheck()
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("status")).to_contain_text("Saved Rights by role")
    assert await granted(embedded) == {WITHOUT, Grant("author", "read")}


PAGES = (
    *(MATRIX, EDIT, f"{MATRIX}?role=2", f"{EDIT}&role=2"),
    *(EXPLAIN, f"{EXPLAIN}?user=vic&resource=book&action=update&key=1"),
    *(f"{EXPLAIN}?resource=book&key=1", f"{EXPLAIN}?user=leo&resource=bok&action=x"),
)


@pytest.mark.slow
async def test_axe_and_width(embedded: House, browser: Browser) -> None:
    """The pages have no fault that axe knows, and scroll sideways within their tables only."""
    for number in range(12):
        await make_role(embedded.database, f"role {number}", Grant("book", "read"))
    for viewport in (DESK, PHONE):
        async with embedded.page(browser, viewport=viewport) as page:
            for path in PAGES:
                await page.goto(path)
                assert await violations(page) == [], path
                wide = await page.evaluate("document.documentElement.scrollWidth")
                assert wide <= viewport["width"], path
            await page.goto(EDIT)
            table = page.get_by_role("region", name="Rights by role")
            left = "each => each.querySelector('tbody th[scope=row]').getBoundingClientRect().left"
            before = await table.evaluate(left)
            await table.evaluate("each => each.scrollLeft = 400")
            assert await table.evaluate("each => each.scrollLeft") == 400
            assert await table.evaluate(left) == before


async def test_grants_and_tokens_in_words(home: House) -> None:
    """They name resources as the menu does; what is not declared keeps the name that is stored."""
    ((role,),) = await rows(home, select(Role.id).where(Role.name == "clerk"))
    await allow(home.database, "clerk", Grant("*", "read"), Grant("bygone", "read"))
    cells = r"<td[^>]*>([^<]*)</td>"
    async with home.client() as client:
        listed = (await client.get("/admin/admin_grant/list?limit=100")).text
        assert ">Every declared resource</a>" in listed
        assert ">Books</a>" in listed
        assert ">bygone</a>" in listed
        assert ">book</a>" not in listed
        assert "read" in re.findall(cells, listed)
        assert ">Books</a>" in (await client.get(f"/admin/admin_role/details/{role}")).text
        ((key,),) = await rows(home, select(RoleGrant.id).where(RoleGrant.without.is_not(None)))
        page = await client.get(f"/admin/admin_grant/details/{key}")
        assert "<h1>Books</h1>" in page.text
        assert "Resource Books" in words(page)
        assert "Action read" in words(page)
        assert "Without the fields ISBN, Pages" in words(page)
        ((key,),) = await rows(home, select(RoleGrant.id).where(RoleGrant.resource == "bygone"))
        assert "<h1>bygone</h1>" in (await client.get(f"/admin/admin_grant/details/{key}")).text
        scopes = ["book:read", "comment:*", "*:update", "bygone:read"]
        await create_token(home.database, "vic", "till", None, scopes=scopes)
        ((key,),) = await rows(home, select(Token.id).where(Token.name == "till"))
        told = "Books: read, Comments: every action, Every declared resource: update, bygone: read"
        for path in (f"details/{key}", "list"):
            assert told in words(await client.get(f"/admin/admin_token/{path}"))


async def test_asking(home: House) -> None:
    """The form's answer: verdict, grants and fields, each with a link to its grant."""
    await create_user(home.database, "cleo", None, ["clerk"])
    async with home.client() as client:
        empty = await client.get(EXPLAIN)
        assert empty.status_code == 200
        assert "Fields" not in words(empty)
        page = await client.get(f"{EXPLAIN}?user=cleo&resource=book&action=read&key=")
        text = words(page)
        assert "Allowed cleo may read books: the role clerk allows it on every row." in text
        assert "ISBN isbn Hidden Withheld by what the role clerk grants." in text
        assert len(re.findall(r'href="/admin/admin_grant/details/\d+"', page.text)) == 3
        page = await client.get(f"{EXPLAIN}?user=cleo&resource=book&action=update&key=1")
        assert "Denied" in words(page)
        assert "rule own, not true for it" in words(page)
        page = await client.get(f"{EXPLAIN}?user=cleo&resource=book&action=read&key=4711")
        assert (page.status_code, "There is no such book." in words(page)) == (200, True)
        page = await client.get(f"{EXPLAIN}?user=leo&resource=bok&action=read")
        assert (page.status_code, "Did you mean book?" in words(page)) == (400, True)


async def test_everybody(home: House) -> None:
    """A record's page leads to what everybody may do to it, and that to each explanation."""
    async with home.client() as client:
        record = await client.get("/admin/book/details/1")
        link = f"{EXPLAIN}?resource=book&amp;key=1"
        assert f'href="{link}"' in record.text
        page = await client.get(unescape(link))
        text = words(page)
        assert "ana yes yes yes administrator nob no no no" in text
        assert "vic yes no no viewer" in text
        one = f"{EXPLAIN}?user=vic&amp;action=update&amp;resource=book&amp;key=1"
        assert f'href="{one}"' in page.text
        assert "Denied" in words(await client.get(unescape(one)))
        for path in ("resource=book&key=4711", "resource=book&key=x"):
            assert (await client.get(f"{EXPLAIN}?{path}")).status_code == 404
        assert (await client.get(f"{EXPLAIN}?resource=bok&key=1")).status_code == 400
    async with home.client("vic") as client:
        assert EXPLAIN not in (await client.get("/admin/book/details/1")).text


@pytest.mark.slow
async def test_the_zoo(fresh_settings: FreshSettings) -> None:
    """Whatever the declarations, all of them stand in the matrix, and each record can be asked."""
    async with menagerie(fresh_settings, "sqlite") as home, home.client() as client:
        await make_role(home.database, "clerk", Grant("ruled", "read", "own"))
        form = await client.form(EDIT)
        registry = home.records.registry
        ((role,),) = await rows(home, select(Role.id).where(Role.name == "clerk"))
        every = [
            Place(role, each.name, action, None).text()
            for each in registry.values()
            for action in each.actions
        ]
        assert (await client.post(EDIT, ticked(form.fields(), *every))).status_code == 303
        found = await granted(home)
        assert {each.resource for each in found} == {*registry}
        for resource in registry.values():
            listed = (await client.get(f"/admin/{resource.name}/list")).text
            for record in re.findall(r'<th scope="row"[^>]*><a [^>]*href="([^"]*)"', listed)[:1]:
                page = await client.get(unescape(record))
                ((link),) = re.findall(rf'href="({EXPLAIN}[^"]*)"', page.text)
                assert (await client.get(unescape(link))).status_code == 200


async def test_what_a_model_adds(fresh_settings: FreshSettings) -> None:
    """The administrator's role may be given the actions that models declare, and nothing else."""
    async with menagerie(fresh_settings, "sqlite") as zoo, zoo.client() as client:
        ((role,),) = await rows(zoo, select(Role.id).where(Role.name == "administrator"))
        box = Place(role, "lamp", "turn-up", None).text()
        form = await client.form(EDIT)
        assert (await client.post(EDIT, ticked(form.fields(), box))).status_code == 303
        assert Grant("lamp", "turn-up") in await granted(zoo, "administrator")
        form = await client.form(EDIT)
        wider = Place(role, "lamp", "update", "own").text()
        assert (await client.post(EDIT, ticked(form.fields(), wider))).status_code == 409
        fields = [each for each in form.fields() if each != ("grant", box)]
        assert (await client.post(EDIT, fields)).status_code == 303
        assert Grant("lamp", "turn-up") not in await granted(zoo, "administrator")
