"""What is true of the panel's door: who gets in, where to, and what nobody else can do."""

from __future__ import annotations

from urllib.parse import quote

from conftest import FreshSettings
from crossing import CROSS
from panel import PASSWORD, Form, House, house, library, prepare_library

from admin_app.access import new_setup_link
from admin_app.settings import ServerSection


async def test_anonymous_is_sent_to_sign_in_and_back(home: House) -> None:
    """Who asks for a page without being known signs in and comes to that page."""
    wanted = "/admin/book/list?sort=-year&language=eng"
    async with home.client("") as client:
        answer = await client.get(wanted)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/admin/login?next=" + quote(wanted, safe="")
        form = await client.form(answer.headers["location"])
        signed = [("name", "ana"), ("password", PASSWORD)]
        answer = await client.post("/admin/login", form.fields("name", "password") + signed)
        assert (answer.status_code, answer.headers["location"]) == (303, wanted)
        assert (await client.get(wanted)).status_code == 200


PAGES = (
    "/admin/", "/admin/book/list", "/admin/book/details/1", "/admin/book/edit/1",
    "/admin/book/create", "/admin/book/delete?key=1", "/admin/nothing/list", "/admin/what",
    "/admin/book/ajax/lookup?name=authors", "/admin/book/file/title/1",
    "/admin/book/export/csv", "/admin/book/1/title/download/", "/admin/book/1/title/preview/",
)  # fmt: skip


async def test_nothing_is_shown_to_nobody(home: House) -> None:
    """Every page, present or not, sends somebody unknown to the sign-in."""
    async with home.client("") as client:
        for path in PAGES:
            answer = await client.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/admin/login")


async def test_anonymous_post_writes_nothing(home: House) -> None:
    """A form sent without a session leads to the sign-in and writes nothing."""
    async with home.client("") as client:
        answer = await client.post("/admin/author/create", [("f-name", "x")])
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/admin/login?next=")
    assert await home.changes() == []


OFF_SITE = (
    "https://evil.example/", "//evil.example/admin/", "/\\evil.example", "/admin/../evil",
    "/admin/%2e%2e/evil", "javascript:alert(1)", "/adminevil", "/api/v1/books", "/admin//evil",
    "\t//evil.example", "//[", "http://[x", "/admin/login", "/admin/logout", "", "https:/admin/",
    "///admin/", "////admin/book/list",
)  # fmt: skip


async def test_next_never_leads_away(fresh_settings: FreshSettings) -> None:
    """Where a sign-in leads is always a page of the panel."""
    async with library(fresh_settings, "sqlite") as made:
        for wanted in OFF_SITE:
            async with made.client("") as client:
                form = await client.form("/admin/login?next=" + quote(wanted, safe=""))
                assert dict(form.fields())["next"] == "/admin/"
            async with made.client("ana") as client:
                answer = await client.get("/admin/login?next=" + quote(wanted, safe=""))
                assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")
        async with made.client("") as client:
            form = await client.form("/admin/login")
            fields = [*form.fields("name", "password", "next"), ("next", "//evil.example/")]
            signed = [("name", "ana"), ("password", PASSWORD)]
            answer = await client.post("/admin/login", fields + signed)
            assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")


async def test_wrong_password(home: House) -> None:
    """A wrong password keeps the name that was typed, says one sentence and lets nobody in."""
    async with home.client("") as client:
        answer = await client.sign_in('a"<na>', "wrong")
        assert answer.status_code == 401
        assert "The name or the password is not right." in answer.text
        assert 'value="a&#34;&lt;na&gt;"' in answer.text
        assert "session" not in client.http.cookies


async def test_guessing_is_throttled(home: House) -> None:
    """After some failures the form says how long to wait, with status 429."""
    async with home.client("") as client:
        for _ in range(5):
            assert (await client.sign_in("ana", "wrong")).status_code == 401
        answer = await client.sign_in("ana", "wrong")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "Try again in" in answer.text


async def test_session_cookie(home: House) -> None:
    """The cookie is out of scripts' and other sites' reach, and new at each sign-in."""
    async with home.client("") as client:
        answer = await client.sign_in("ana")
        cookies = answer.headers.get_list("set-cookie")
        (cookie,) = [each for each in cookies if each.startswith("session=")]
        attributes = {each.strip().lower() for each in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= attributes
        first = client.http.cookies["session"]
        form = await client.http.get("/admin/login")
        assert form.status_code == 303
        http = client.http
        http.cookies.delete("session")
        await client.sign_in("ana")
        assert http.cookies["session"] != first


async def test_cookies_on_https(fresh_settings: FreshSettings) -> None:
    """Behind https the cookies are secure, and of a name that no other host can set."""
    proxied = ServerSection(trusted_proxies=("127.0.0.1",))
    settings = fresh_settings("sqlite", "panel_library", prepare_library)
    settings = settings.model_copy(update={"server": proxied})
    async with house(settings) as made, made.client("") as client:
        https = {"X-Forwarded-Proto": "https", "Sec-Fetch-Site": "same-origin"}
        answer = await client.http.get("/admin/login", headers=https)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-form=")
        assert {"Secure", "HttpOnly", "Path=/"} <= {each.strip() for each in cookie.split(";")}
        fields = {**dict(Form(answer.text).fields()), "name": "ana", "password": PASSWORD}
        sent = https | {"Cookie": cookie.partition(";")[0]}
        answer = await client.http.post("/admin/login", data=fields, headers=sent)
        (session,) = [
            each
            for each in answer.headers.get_list("set-cookie")
            if each.startswith("__Host-session=")
        ]
        assert "Secure" in session
        sent = https | {"Cookie": session.partition(";")[0]}
        assert (await client.http.get("/admin/", headers=sent)).status_code == 200
        plain = {"Cookie": session.partition(";")[0]}
        assert (await client.http.get("/admin/", headers=plain)).status_code == 303


async def test_sign_out(home: House) -> None:
    """Signing out is a POST, and ends the session on the server: its cookie opens nothing."""
    async with home.client() as client:
        secret = client.http.cookies["session"]
        assert (await client.get("/admin/logout")).status_code == 405
        answer = await client.post("/admin/logout", [("_csrf", await client.token())])
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/login")
        client.http.cookies.set("session", secret)
        assert (await client.get("/admin/")).status_code == 303


async def test_cross_site_post(fresh_settings: FreshSettings) -> None:
    """A form of another origin changes nothing, even with the right token."""
    async with library(fresh_settings, "sqlite") as made:
        for headers in CROSS:
            await attack(made, headers)
        assert await made.changes() == []


async def attack(made: House, headers: dict[str, str]) -> None:
    async with made.client() as client:
        token = ("_csrf", await client.token())
        book = await made.get("book", "1")
        targets: list[tuple[str, list[tuple[str, str]]]] = [
            ("/admin/author/create", [("f-name", "evil")]),
            ("/admin/author/edit/1", [("f-name", "evil"), ("_opened", "{}"), ("_etag", '"1"')]),
            ("/admin/book/delete", [("key", "1"), ("_etag", book.etag)]),
            ("/admin/theme", [("theme", "dark")]),
            ("/admin/logout", []),
        ]
        for path, fields in targets:
            answer = await client.post(path, [*fields, token], **headers)
            assert answer.status_code == 403, path
            assert "did not come from a page of the panel" in answer.text
        assert (await client.get("/admin/")).status_code == 200
        async with made.client("") as stranger:
            form = await stranger.form("/admin/login")
            fields = [*form.fields("name", "password"), ("name", "ana"), ("password", PASSWORD)]
            assert (await stranger.post("/admin/login", fields, **headers)).status_code == 403


async def test_missing_token(fresh_settings: FreshSettings) -> None:
    """Without this session's token nothing is written, wherever the form says it comes from."""
    targets: list[tuple[str, list[tuple[str, str]]]] = [
        ("/admin/author/create", [("f-name", "evil")]),
        ("/admin/book/delete", [("key", "1"), ("_etag", '"1"')]),
        ("/admin/logout", []),
    ]
    tokens: list[list[tuple[str, str]]] = [
        [],
        [("_csrf", "")],
        [("_csrf", "x" * 64)],
        [("_csrf", "é")],
    ]
    async with library(fresh_settings, "sqlite") as made, made.client() as client:
        for path, fields in targets:
            for token in tokens:
                answer = await client.post(path, fields + token)
                assert answer.status_code == 403, path
        async with made.client("vic") as other:
            stolen = [("_csrf", await other.token())]
        answer = await client.post("/admin/author/create", [("f-name", "evil"), *stolen])
        assert answer.status_code == 403
        assert (await client.get("/admin/")).status_code == 200
        assert await made.changes() == []


async def test_origin_alone_is_enough(fresh_settings: FreshSettings) -> None:
    """A browser that sends only its origin, as over plain http, can use the panel."""
    async with library(fresh_settings, "sqlite") as made, made.client() as client:
        fields = [("theme", "dark"), ("_csrf", await client.token())]
        answer = await client.post("/admin/theme", fields, Sec_Fetch_Site="", Origin=made.url)
        assert answer.status_code == 303


async def test_login_form_token(fresh_settings: FreshSettings) -> None:
    """The sign-in form carries a token of its own: without its cookie nobody is signed in."""
    async with library(fresh_settings, "sqlite") as made, made.client("") as client:
        form = await client.form("/admin/login")
        client.http.cookies.clear()
        fields = [*form.fields("name", "password"), ("name", "ana"), ("password", PASSWORD)]
        answer = await client.post("/admin/login", fields)
        assert answer.status_code == 403
        assert 'value="ana"' in answer.text
        assert "session" not in client.http.cookies


async def test_setup_link(fresh_settings: FreshSettings) -> None:
    """The setup page makes the first administrator once, signs in, and is gone."""
    async with house(fresh_settings("sqlite")) as made:
        secret = await new_setup_link(made.database)
        path = f"/admin/setup/{secret}"
        async with made.client("") as client:
            assert (await client.get("/admin/setup/wrong")).status_code == 404
            page = await client.get(path)
            # The address holds the secret: the page's own files are not asked for with it.
            assert page.headers["referrer-policy"] == "strict-origin"
            form = Form(page.text)
            bad = [*form.fields("name", "password"), ("name", "eva"), ("password", "short")]
            answer = await client.post(path, bad)
            assert answer.status_code == 422
            assert 'value="eva"' in answer.text
            assert 'id="password-error"' in answer.text
            good = [*form.fields("name", "password"), ("name", "eva"), ("password", PASSWORD)]
            answer = await client.post(path, good)
            assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")
            assert (await client.get("/admin/book/create")).status_code == 200
            assert (await client.get(path)).status_code == 404


async def test_theme(fresh_settings: FreshSettings) -> None:
    """The choice of colours is kept in a cookie and applied by the server, before any paint."""
    async with library(fresh_settings, "sqlite") as made, made.client() as client:
        assert '<html lang="en" dir="ltr">' in (await client.get("/admin/")).text
        fields = [("theme", "dark"), ("next", "/admin/book/list"), ("_csrf", await client.token())]
        answer = await client.post("/admin/theme", fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/book/list")
        assert '<html lang="en" dir="ltr" data-theme="dark">' in (await client.get("/admin/")).text
        client.http.cookies.clear()
        assert 'data-theme="dark"' not in (await client.get("/admin/login")).text


async def test_no_store_and_headers(fresh_settings: FreshSettings) -> None:
    """Pages are kept by no cache; files may be kept for ever, because their address changes."""
    async with library(fresh_settings, "sqlite") as made, made.client() as client:
        page = await client.get("/admin/book/list")
        assert page.headers["cache-control"] == "no-store"
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        for path in Form.assets(page.text):
            asset = await client.get(path)
            assert asset.status_code == 200
            assert "immutable" in asset.headers["cache-control"]
        assert (await client.get("/admin/statics/../panel.py")).status_code == 404
        assert (await client.get("/admin/statics/none.css")).status_code == 404
