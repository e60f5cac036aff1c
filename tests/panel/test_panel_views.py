"""Views that are saved of lists: addresses under a name, seen under the policy."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

from listed import LIST, _actor, chosen, heads, names, save
from panel import Client, House

from admin_app.desk import list_views


async def act(client: Client, what: str, **fields: str) -> int:
    """Press a button of the list of views."""
    data = {"_csrf": await client.token(), "act": what, **fields}
    return (await client.post("/admin/book/views", list(data.items()))).status_code


async def test_a_view_is_an_address(embedded: House) -> None:
    """A saved view leads to the list it was saved of, and says when it is not that any more."""
    async with embedded.client() as client:
        location = await save(client, "Old <b>", "year__lt=1910&sort=-year&cursor=x&place=26")
        assert dict(parse_qsl(urlsplit(location).query))["view"] == "1"
        listed = (await client.get("/admin/book/views?year__lt=1910&sort=-year&view=1")).text
        found = re.search(r'<a href="([^"]*)" aria-current="true">Old &lt;b&gt;', listed)
        assert found is not None
        url = unescape(found[1])
        assert url == f"{LIST}?year__lt=1910&sort=-year&view=1"
        text = (await client.get(url)).text
        assert names(text) == [f"Book 0{number}" for number in range(9, 0, -1)]
        assert "Old &lt;b&gt; · Books" in text
        assert "(changed)" not in text
        changed = (await client.get(f"{url}&language=eng")).text
        assert "(changed)" in changed
        assert await act(client, "replace:1", list="year__lt=1905&view=1") == 303
        listed = (await client.get("/admin/book/views")).text
        assert f'{LIST}?year__lt=1905&amp;view=1"' in listed
        assert await act(client, "rename:1", **{"name-1": "Older"}) == 303
        assert ">Older</a>" in (await client.get("/admin/book/views?sheet=1")).text
        for view in ("7", "x", "9" * 40, "%00", "none"):
            assert (await client.get(f"{LIST}?view={view}")).status_code == 200
        assert await act(client, "remove:1") == 303
        assert (await client.get(url)).status_code == 200
        assert await act(client, "remove:1") == 404
        assert await act(client, "nonsense:1") == 404


async def test_views_keep_columns(embedded: House) -> None:
    """A view saved with columns of one's own shows them to whoever it is shared with."""
    async with embedded.client() as client, embedded.client("vic") as other:
        await chosen(client, column=["title", "pages"])
        await save(client, "Pages", "sort=-pages", shared="1")
        listed = (await other.get("/admin/book/views")).text
        assert "shared by ana" in listed
        found = re.search(r'<a href="([^"]*)">Pages', listed)
        assert found is not None
        assert heads((await other.get(unescape(found[1]))).text) == ["title", "pages"]
        assert await act(other, "remove:1") == 404
        assert await act(other, "rename:1", **{"name-1": "x"}) == 404
        await save(other, "Theirs", "year=1900", shared="1")
        assert 'value="rename:2"' in (await client.get("/admin/book/views")).text
        assert 'value="rename:1"' not in (await other.get("/admin/book/views")).text
        assert await act(client, "unshare:2") == 303
        assert "Theirs" not in (await client.get("/admin/book/views")).text


async def test_a_view_opens_the_list(home: House) -> None:
    """One view of one's own choice stands at the plain address; all records stay within reach."""
    async with home.client() as client, home.client("vic") as other:
        await save(client, "Ebooks", "format=ebook", opens="1")
        answer = await client.get(LIST)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"{LIST}?format=ebook&view=1"
        text = (await client.get(answer.headers["location"])).text
        assert len(names(text)) == 15
        assert f'href="{LIST}?view=none"' in text
        assert len(names((await client.get(f"{LIST}?view=none")).text)) == 25
        assert (await other.get(LIST)).status_code == 200
        assert await act(client, "unopen:1") == 303
        assert (await client.get(LIST)).status_code == 200
        await save(client, "All", "", opens="1")
        answer = await client.get(LIST)
        assert (await client.get(answer.headers["location"])).status_code == 200


async def test_pinned_views_stand_in_the_menu(home: House) -> None:
    """Pinned views stand in the menu of every page; what each holds is asked for afterwards."""
    async with home.client() as client, home.client("vic") as other:
        await save(client, "Ebooks", "format=ebook", pinned="1", shared="1")
        await save(client, "Broken", "nothing=1", pinned="1")
        entry = f'<a href="{LIST}?format=ebook&amp;view=1"'
        for path in ("/admin/", "/admin/author/list", "/admin/book/details/1"):
            assert entry in (await client.get(path)).text
        counts = await client.get("/admin/views/pinned")
        assert counts.json() == {"1": "15"}
        # Others' menus are theirs: a shared view is in them when they say so.
        assert entry not in (await other.get("/admin/")).text
        assert (await other.get("/admin/views/pinned")).json() == {}
        assert await act(other, "pin:1") == 303
        assert entry in (await other.get("/admin/")).text
        assert await act(client, "unpin:1") == 303
        assert entry not in (await client.get("/admin/")).text
        assert (await other.get("/admin/views/pinned")).json() == {"1": "15"}
        assert await act(client, "unshare:1") == 303
        assert entry not in (await other.get("/admin/")).text
        assert (await other.get("/admin/views/pinned")).json() == {}


async def test_views_are_seen_under_the_policy(home: House) -> None:
    """A shared view tells nobody what they may not read: no records, fields or counts."""
    async with home.client() as client, home.client("nob") as other:
        await save(client, "By one", "authors=1&columns=title,authors", shared="1")
        assert (await other.get("/admin/book/views")).status_code == 403
        assert await act(other, "pin:1") == 403
        await home.limit("nob", "book", "own")
        assert await act(other, "pin:1") == 303
        listed = (await other.get("/admin/")).text
        assert "By one" in listed
        assert (await other.get("/admin/views/pinned")).json() == {}
        answer = await other.get(f"{LIST}?authors=1&columns=title,authors&view=1")
        assert answer.status_code == 400
        assert "Ann" not in answer.text
        assert await act(other, "open:1") == 303
        assert (await other.get(LIST)).headers["location"].startswith(f"{LIST}?authors=1")
        assert "Show all books" in answer.text
    assert [each.name for each in await list_views(home.database, await _actor(home, "nob"))]


async def test_hostile_views_and_columns(home: House) -> None:
    """Whatever is sent to be kept, the answer is never a failure of ours, nor is the next page."""
    odd = ("\0", "x" * 6000, "%", "a=1&" * 300, "columns=\0", "💥" * 50)
    async with home.client() as client:
        for text in odd:
            token = ("_csrf", await client.token())
            given = text.encode("utf-8", "replace").decode()
            for path, name in (
                ("views", "name"), ("views", "list"), ("views", "act"), ("columns", "list"),
                ("columns", "order"), ("columns", "column"), ("columns", "sort"),
                ("columns", "width:title"), ("columns", "up"), ("columns", "beyond"),
                ("widths", "widths"),
            ):  # fmt: skip
                rest = {"act": "save", "name": "n", "add": "1"} if name == "beyond" else {}
                rest |= {"act": "save", "name": "n"} if path == "views" else {}
                data = {**rest, name: given}
                answer = await client.post(f"/admin/book/{path}", [token, *data.items()])
                assert answer.status_code < 500, (path, name, text)
                if answer.status_code == 303:
                    follow = await client.get(answer.headers["location"])
                    assert follow.status_code < 500, (path, name, text)
        assert (await client.get("/admin/")).status_code == 200
        assert (await client.get(f"{LIST}?view=none")).status_code == 200
