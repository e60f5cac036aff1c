"""What the panel refuses, and how: odd addresses, hostile forms, rights, and failures of ours."""

from __future__ import annotations

import pytest
from pages import titles
from panel import SEED, House

from admin_app.declaration import Actor, Grant


async def test_bad_parameters_are_said(home: House) -> None:
    """An address that cannot be read is a page with status 400 that names each mistake."""
    async with home.client() as client:
        for query, word in (
            ("yeer=1", "Did you mean year?"), ("year=x", "Enter a whole number."),
            ("sort=authors", "Cannot sort by authors"), ("cursor=x", "This cursor is not"),
            ("limit=9999", "Between 1 and 200"), ("year=1&year=2", "more than once"),
            ("authors=x", "There is no such author"), ("search=%00", "NUL"),
        ):  # fmt: skip
            answer = await client.get(f"/admin/book/list?{query}")
            assert answer.status_code == 400, query
            assert word in answer.text
            assert "Show all books" in answer.text


async def test_a_forged_notice_is_not_shown(home: House) -> None:
    """The sentence after a write comes from this session's server or is not shown."""
    async with home.client() as client:
        client.http.cookies.set("notice", "WyJzYXZlZCIsICJldmlsIl0=")
        assert "evil" not in (await client.get("/admin/")).text


ODD = (
    "", "%00", "%ff", "%F0%9F", "a/b", "..", "%2e%2e", "~", "~9", "x" * 3000, "-1", "1e9",
    "%0d%0a", "'", "[", "//[", ",,,", "%ED%A0%80", "9223372036854775808",
)  # fmt: skip


ADDRESSES = (
    "book/list?{}", "book/list?year={}", "book/list?cursor={}", "book/list?sort={}",
    "book/list?search={}", "book/list?{}=1", "book/list?authors={}", "book/list?year__in={}",
    "book/list?added_at__gte={}", "book/details/{}", "book/edit/{}", "book/delete?key={}",
    "{}/list", "book/file/{}/1", "book/ajax/lookup?name=authors&term={}", "login?next={}",
    "setup/{}", "statics/{}", "{}",
)  # fmt: skip


@pytest.mark.slow
async def test_odd_addresses(home: House) -> None:
    """Whatever an address holds, the answer is never a failure of ours."""
    async with home.client() as client:
        for address in ADDRESSES:
            for odd in ODD:
                answer = await client.get("/admin/" + address.format(odd))
                assert answer.status_code < 500, (address, odd)


async def test_hostile_forms(home: House) -> None:
    """Whatever a form is filled with, the answer is a page, never a failure."""
    async with home.client() as client:
        token = ("_csrf", await client.token())
        opened = (await client.form("/admin/book/edit/1")).fields()
        hostile: list[list[tuple[str, str]]] = [
            [], [("f-title", "")], [("f-title", "x\0y")], [("f-title", "x" * 400)],
            [("f-title", "x" * 2_000_000)], [("f-title", "a"), ("f-year", "9" * 100_000)],
            [("f-title", "a"), ("f-authors", "x")], [("f-title", "a"), ("f-authors", "99")],
            [("f-title", "a"), *[("f-authors", str(n)) for n in range(3000)]],
            [("f-title", "a"), ("f-format", "vinyl")], [("f-title", "a"), ("f-rating", "1e9999")],
            [("_find", "f-authors"), ("f-authors-term", "\0")],
            [("f-title", "a"), ("f-added_at", "x")],
        ]  # fmt: skip
        for fields in hostile:
            answer = await client.post("/admin/book/create", [*fields, token])
            assert 400 <= answer.status_code < 500 or "_find" in dict(fields), fields[:1]
            assert "<form" in answer.text
            changed = dict(fields)
            rest = [each for each in opened if each[0] not in changed]
            answer = await client.post("/admin/book/edit/1", [*rest, *fields])
            assert answer.status_code < 500
        for fields in ([("_opened", "[1]")], [("_opened", "{")], [("_opened", '{"title": 1}')]):
            rest = [each for each in opened if each[0] != "_opened"]
            assert (await client.post("/admin/book/edit/1", [*rest, *fields])).status_code == 400
        huge = "f-title=" + "x" * (33 * 1024 * 1024)
        answer = await client.http.post(
            "/admin/book/create",
            content=huge,
            headers={
                "Sec-Fetch-Site": "same-origin",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        assert answer.status_code == 413
        for kind, content in (
            ("multipart/form-data", b"x"), ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
            ("application/json", b"{}"), ("", b"\xff\xfe"),
        ):  # fmt: skip
            answer = await client.http.post(
                "/admin/book/create",
                content=content,
                headers={"Sec-Fetch-Site": "same-origin", "Content-Type": kind},
            )
            assert 400 <= answer.status_code < 500


async def test_rights(home: House) -> None:
    """Who may not do something sees no button for it, and is refused in words when trying."""
    async with home.client("vic") as client:
        text = (await client.get("/admin/book/details/1")).text
        assert "/admin/book/edit/" not in text
        assert "/admin/book/delete" not in text
        assert "/admin/book/create" not in (await client.get("/admin/book/list")).text
        token = ("_csrf", await client.token())
        for path in ("/admin/book/create", "/admin/book/edit/1", "/admin/book/delete?key=1"):
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "You may not" in answer.text
            answer = await client.post(path, [token, ("key", "1"), ("f-title", "x")])
            assert answer.status_code == 403
    async with home.client("nob") as client:
        for path in ("/admin/book/list", "/admin/book/details/1", "/admin/book/details/9999"):
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "Book 01" not in answer.text
    assert await home.changes() == []


async def test_rows_out_of_sight(home: House) -> None:
    """What a rule hides is on no page: not listed, not named, not offered, not found, not taken."""
    await home.limit("nob", "book", "own")
    for resource in ("author", "comment"):
        for action in ("read", "create", "update"):
            await home.grant("nob", resource, action)
    registry = home.records.registry
    nob = Actor(user_id=3, name="nob", grants=frozenset({Grant("book", "create")}))
    own = await home.records.create(nob, registry["book"], {"title": "My own"}, origin=SEED)
    async with home.client("nob") as client:
        assert titles((await client.get("/admin/book/list")).text) == ["My own"]
        assert (await client.get(f"/admin/book/details/{own.key_text}")).status_code == 200
        for path in ("/admin/book/details/1", "/admin/book/edit/1", "/admin/book/delete?key=1"):
            answer = await client.get(path)
            assert answer.status_code in {403, 404}
            assert "Book 01" not in answer.text
        for path in ("/admin/comment/list", "/admin/comment/details/1", "/admin/comment/edit/1"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert "Book 01" not in answer.text
            assert "/admin/book/details" not in answer.text
        found = (await client.get("/admin/comment/ajax/lookup?name=book&term=book")).json()
        assert found == {"results": []}
        form = await client.form("/admin/comment/create")
        answer = await client.post("/admin/comment/create", form.changed(text="x", book="1"))
        assert answer.status_code == 422
        assert "There is no such book." in answer.text
        form = await client.form("/admin/comment/edit/1")
        answer = await client.post("/admin/comment/edit/1", form.changed(text="still there"))
        assert answer.status_code == 303
        assert (await home.get("comment", "1")).values["book_id"] == 1


async def test_refusals_are_pages(home: House) -> None:
    """What is not there, or not allowed, is a page in the chrome with the request's number."""
    async with home.client() as client:
        for path in (
            "/admin/book/details/9999", "/admin/book/details/abc", "/admin/book/edit/1,2",
            "/admin/book/details/01", "/admin/book/delete?key=x", "/admin/book/delete",
            "/admin/none/list", "/admin/none", "/admin/book/export/csv", "/admin/book/details/a/b",
            "/admin/book/1/title/download/", "/admin/book/1/title/preview/",
            "/admin/book/action/x?pks=1", "/admin/book/details/9223372036854775808",
        ):  # fmt: skip
            answer = await client.get(path)
            assert answer.status_code == 404, path
            assert "<h1>Nothing here</h1>" in answer.text
            assert 'aria-label="Resources"' in answer.text
            assert answer.headers["x-request-id"] in answer.text
        for path in ("/admin/logout", "/admin/theme"):
            answer = await client.get(path)
            assert answer.status_code == 405, path
            assert "This cannot be done this way" in answer.text
        assert (await client.http.delete("/admin/book/delete?pks=1")).status_code == 405
        assert (await client.get("/admin")).headers["location"] == "/admin/"


async def test_failure_is_a_page(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure of ours is a page in the chrome with the number to quote, and nothing inner."""

    async def broken(*_: object) -> None:
        msg = "a secret of the inside"
        raise RuntimeError(msg)

    async with home.client() as client:
        monkeypatch.setattr("admin_app.panel.house.home.cards", broken)
        answer = await client.get("/admin/")
        assert answer.status_code == 500
        assert "Something went wrong on our side" in answer.text
        assert answer.headers["x-request-id"] in answer.text
        assert "secret of the inside" not in answer.text
        assert 'aria-label="Resources"' in answer.text


async def test_values_are_escaped(home: House) -> None:
    """Markup in values is text on every page."""
    evil = "<script>alert(1)</script>\"'"
    author = await home.add("author", {"name": evil, "country": evil})
    await home.add("book", {"title": evil, "authors": [author.key[0]], "description": evil})
    async with home.client() as client:
        for path in (
            "/admin/author/list", "/admin/book/list?search=script", "/admin/author/details/4",
            "/admin/author/edit/4", "/admin/author/delete?key=4", "/admin/book/details/31",
            "/admin/book/edit/31", "/admin/book/list?authors=4",
            "/admin/book/list?search=%3Cscript",
        ):  # fmt: skip
            text = (await client.get(path)).text
            assert "<script>alert" not in text, path
