"""What clumsy and hostile people send to the panel: they are told, and nothing breaks."""

from __future__ import annotations

import asyncio
import io
import os
import random
from collections.abc import Iterator

import httpx
import pytest
import xlsxwriter
from accounts import enter
from api import make_role
from callers import callers
from conftest import KINDS, FreshSettings, Kind
from panel import PASSWORD, Client, House, house, library, menagerie, prepare_library, session_of
from routes import TABLE
from stored import stored
from stranger import LEFT_OUT, PAGES, PART, TOKEN, Stranger
from test_panel_transfer import send, tried

from admin_app.access import create_user, csrf_token
from admin_app.declaration import Grant
from admin_app.settings import Settings

SEEDS = range(int(os.environ.get("HOSTILE_SEEDS", "1")))
NONE = "00000000-0000-0000-0000-000000000000"
PARTS = {
    "identity": "book",
    "pk": "2",
    "field": "title",
    "relation": "comments",
    "action": "mark-lost",
    "section": "tokens",
    "id": "2",
    "secret": "x",
    "upload": NONE,
    "change_set": NONE,
}
"""What stands in the address of every page that takes a form."""


def some_grants(made: House, chance: random.Random) -> Iterator[Grant]:
    """Rights of any shape: on some rows or all, with fields and relations withheld."""
    for name, resource in made.records.registry.items():
        keys = {each.name for each in resource.key}
        names = sorted({*resource.fields, *resource.relations} - keys)
        for action in ("read", "create", "update", "delete"):
            if not resource.own and chance.random() < 0.8:
                most = len(names) // 2 if action != "delete" else 0
                without = frozenset(chance.sample(names, chance.randint(0, most)))
                rule = chance.choice([None, *resource.options.rules])
                yield Grant(name, action, None if action == "create" else rule, without)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("who", ["ana", "una"])
@pytest.mark.parametrize("kind", KINDS)
async def test_any_request_is_answered(
    fresh_settings: FreshSettings, kind: Kind, who: str, seed: int
) -> None:
    """Whatever is sent to whichever page, by whom, the answer says what is wrong with it."""
    async with (
        menagerie(fresh_settings, kind) as made,
        httpx.AsyncClient(base_url=made.url, timeout=60) as http,
    ):
        chance = random.Random(seed)
        await make_role(made.database, "some", *some_grants(made, chance))
        await create_user(made.database, "una", PASSWORD, ["some"])
        secret = session_of(who) if who == "ana" else await enter(made.database, who)
        stranger = Stranger(made, http, secret, seed)
        await stranger.look_around()
        for _ in range(10):
            for pattern, method in PAGES:
                if pattern not in LEFT_OUT:
                    await stranger.ask(pattern, method)
        answer = await http.get("/admin/", headers={"Cookie": f"session={stranger.secret}"})
        assert answer.status_code == 200
    assert not stranger.faults, "\n".join(["", *stranger.faults])


async def test_no_page_is_forged(embedded: House) -> None:
    """No page takes a form without its token, or from another site; nothing is written then."""
    patterns = [path for path, method in PAGES if method == "POST"]
    paths = [PART.sub(lambda found: PARTS[found[1]], each) for each in patterns]
    own, alien = [("_csrf", TOKEN)], [("_csrf", csrf_token("another"))]
    async with embedded.client() as client:
        before = await stored(embedded)
        for path in paths:
            for fields, site in ((own, "cross-site"), (own, "same-site"), (alien, ""), ([], "")):
                headers = {"Sec-Fetch-Site": site} if site else {}
                answer = await client.post(f"/admin{path}", fields, **headers)
                # Who is not signed in is told on the form's own page, if there is one.
                strange = not site and path.startswith(("/setup/", "/password/"))
                assert answer.status_code in ({404, 422} if strange else {403}), (path, fields)
        assert await stored(embedded) == before


async def test_a_form_is_text(embedded: House) -> None:
    """Parts in an encoding that knows half of a surrogate pair are refused."""
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
    body = part.format("_csrf", TOKEN) + part.format("f-name", "+2AA-") + "--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; charset =utf-7; boundary=x"}
    async with embedded.client() as client:
        answer = await client.http.post(
            "/admin/author/create",
            content=body,
            headers={**headers, "Sec-Fetch-Site": "same-origin"},
        )
        assert answer.status_code == 400, answer.text
        assert "not UTF-8" in answer.text


@pytest.mark.parametrize("kind", KINDS)
async def test_texts_beside_records(fresh_settings: FreshSettings, kind: Kind) -> None:
    """NUL in a reason or in a file's name is left out, on both databases."""
    async with library(fresh_settings, kind) as made, made.client() as client:
        form = (await client.form("/admin/author/create")).changed(name="New")
        answer = await client.post("/admin/author/create", [*form, ("_reason", "so\0so")])
        assert answer.status_code == 303, answer.text
        assert (await made.changes())[-1].reason == "so so"
        where = await send(client, "author", "a.csv", b"name\nx\n")
        body = b'--x\r\nContent-Disposition: form-data; name="_csrf"\r\n\r\n' + TOKEN.encode()
        body += b'\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a\0b.csv"'
        answer = await client.http.post(
            "/admin/author/import",
            content=body + b"\r\n\r\nname\nx\n\r\n--x--\r\n",
            headers={
                "Content-Type": "multipart/form-data; boundary=x",
                "Sec-Fetch-Site": "same-origin",
            },
        )
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"] != where
        assert "ab.csv" in (await client.get(answer.headers["location"])).text


@pytest.mark.parametrize("kind", KINDS)
async def test_views_at_once(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A view that is saved twice at once is one; of two that take one name at once, one does."""

    async def sent(client: Client, *fields: tuple[str, str]) -> httpx.Response:
        return await client.post("/admin/author/views", [*fields, ("_csrf", TOKEN)])

    async with library(fresh_settings, kind) as made, made.client() as client:
        same = [sent(client, ("act", "save"), ("name", "Same")) for _ in range(4)]
        answers = await asyncio.gather(*same)
        assert {each.status_code for each in answers} == {303}
        assert len({each.headers["location"] for each in answers}) == 1
        made_ = [await sent(client, ("act", "save"), ("name", f"V{at}")) for at in range(4)]
        ids = [each.headers["location"].rpartition("=")[2] for each in made_]
        renamed = [sent(client, ("act", f"rename:{id_}"), (f"name-{id_}", "One")) for id_ in ids]
        statuses = sorted(each.status_code for each in await asyncio.gather(*renamed))
        assert statuses == [303, 409, 409, 409]


async def test_names_of_views(embedded: House) -> None:
    """A name can be seen, is text wherever it stands, and turns no other text round."""
    async with embedded.client() as client:

        async def named(name: str) -> int:
            fields = [("act", "save"), ("name", name), ("pinned", "1"), ("_csrf", TOKEN)]
            return (await client.post("/admin/author/views", fields)).status_code

        for name in ("", " ", "\u200b", "\u202e\u2066", "\0", "a\0b", "x" * 101):
            assert await named(name) == 400, name
        for name in ("<b onclick=alert(1)>", "\u202egnp\u2069.view", "\N{OWL}"):
            assert await named(name) == 303, name
        page = (await client.get("/admin/")).text
        assert "<span>gnp.view</span>" in page
        assert "<span>&lt;b onclick=alert(1)&gt;</span>" in page


async def test_odd_files(embedded: House) -> None:
    """Files of any ends of lines, depth and width are read, or refused in words."""
    deep = b"[" + b"[" * 985 + b"]" * 985 + b"]"
    files = (
        (b"name,country\rAnn,Rome\rBea,Oslo\r", "Ann", ""),
        (b'name,country\r\n"A\rB",Rome\n', "Rome", ""),
        (b"x" * 200_000, "x", ""),
        (b'[{"name": ["a", {"b": 1}]}, {"name": "Ann"}]', "Ann", ""),
        (deep, "", "NDJSON"),
        (b"," * 16_384 + b"\n", "", "at most 16,384 columns"),
    )
    async with embedded.client() as client:
        for content, seen, refused in files:
            where = await send(client, "author", "a.csv", content)
            page = await client.get(where)
            assert page.status_code == 200, (content[:40], page.text)
            assert seen in page.text, content[:40]
            assert refused in page.text, content[:40]


async def test_a_sheet_of_any_name(embedded: House) -> None:
    """The name of a sheet that nobody could have given is none of the workbook's."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    book.add_worksheet().write_row(0, 0, ["name"])
    book.close()
    async with embedded.client() as client:
        where = await send(client, "author", "a.xlsx", file.getvalue())
        for name in ("x" * 200_000, "a\0b", "--names", "\u202e"):
            fields = [("_csrf", TOKEN), ("sheet", name)]
            assert (await client.post(where, fields)).status_code == 303
            page = await client.get(where)
            assert page.status_code == 200
            assert "There is no such sheet." in page.text, name[:9]


async def test_figures_of_what_is_hidden(embedded: House) -> None:
    """A widget whose condition is about a hidden field is not there, instead of being slow."""
    await make_role(embedded.database, "some", Grant("book", "read", None, frozenset({"lost_on"})))
    await create_user(embedded.database, "una", PASSWORD, ["some"])
    cookie = await enter(embedded.database, "una")
    async with embedded.client("") as client:
        client.http.cookies.set("session", cookie, domain="127.0.0.1")
        page = (await client.get("/admin/")).text
        assert "Books by language" in page
        assert "Lost books" not in page
        assert "in time" not in page


async def test_undone_and_back_to_nowhere(embedded: House) -> None:
    """Who asks to come back to a page they may not see is told of the undoing all the same."""
    grants = [Grant("author", each) for each in ("read", "update")]
    await make_role(embedded.database, "authors", *grants)
    await create_user(embedded.database, "una", PASSWORD, ["authors"])
    cookie = await enter(embedded.database, "una")
    token = ("_csrf", csrf_token(cookie))
    async with embedded.client("") as client:
        client.http.cookies.set("session", cookie, domain="127.0.0.1")
        form = (await client.form("/admin/author/edit/1")).changed(name="Other")
        assert (await client.post("/admin/author/edit/1", form)).status_code == 303
        change_set = (await embedded.changes())[-1].change_set
        fields = [token, ("next", "/admin/admin_user/details/1")]
        answer = await client.post(f"/admin/undo/{change_set}", fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")
    assert (await embedded.get("author", "1")).title == "Ann Uno"


def read_only(fresh: FreshSettings) -> Settings:
    """Settings under which no record changes."""
    settings = fresh("sqlite", "panel_library", prepare_library)
    server = settings.server.model_copy(update={"read_only": True})
    return settings.model_copy(update={"server": server})


async def test_a_file_waits(fresh_settings: FreshSettings) -> None:
    """In read-only mode a file is looked at and not taken in; it can be when that is over."""
    async with house(read_only(fresh_settings)) as made, made.client() as client:
        where = await send(client, "author", "a.csv", b"name\nNew\n")
        page = await tried(client, where)
        assert "Import 1 row" in page
        for _ in range(2):
            answer = await client.post(f"{where}/run", [("_csrf", TOKEN)])
            assert answer.status_code == 503
            assert "read-only mode" in answer.text
        assert (await client.get(f"{where}/preview")).status_code == 200


async def test_read_only_by_every_route(fresh_settings: FreshSettings) -> None:
    """In read-only mode no request of any route changes a record, or a role or what it grants."""
    async with house(read_only(fresh_settings)) as made, callers(made) as asking:
        before = await stored(made)
        for line in TABLE:
            if line.method not in {"GET", "QUERY"}:
                answer = await asking.ask(line, "ana")
                assert answer.status_code in {*range(200, 500), 503}, line
        after = await stored(made)
    changed = {name for name in after if after[name] != before[name]}
    assert {each for each in changed if not each.startswith("admin_")} == set()
    assert changed.isdisjoint({"admin_change", "admin_role", "admin_grant", "admin_user_role"})


async def test_a_list_of_both(embedded: House) -> None:
    """Nothing is done with all of a list that has records in the trash among others."""
    async with embedded.client() as client:
        for page in ("edit", "delete"):
            answer = await client.get(f"/admin/comment/bulk/{page}?all=1&list=trash%3Dwith")
            assert answer.status_code == 400, page
