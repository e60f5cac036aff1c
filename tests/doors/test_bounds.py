"""Bounds that hold before either door: heads, bodies, hosts, bytes; and a database that is gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from api import Api, zoo_on
from commands import Commands, serving, write_settings
from conftest import KINDS, FreshSettings, Kind, empty
from panel import library, menagerie
from pydantic import SecretStr, ValidationError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.cli.protocol import HEAD_BYTES
from admin_app.database import Database
from admin_app.declaration import Base, Registry
from admin_app.errors import BusyError, InvalidInputError, RequestTimeoutError
from admin_app.middleware import requests as middleware
from admin_app.middleware.requests import _Body
from admin_app.panel.sent_forms import MAX_FILES_BYTES, MAX_FORM_BYTES, MAX_STRANGERS_BYTES
from admin_app.rest.requests import MAX_BODY
from admin_app.settings import DatabaseSection, SecuritySection, ServerSection, Settings

NOT_TEXT = "%ff%fe"


@pytest.mark.parametrize("kind", KINDS)
async def test_a_query_string_is_text(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A query string that is not UTF-8 is refused, not put right in silence."""
    async with zoo_on(fresh_settings, kind) as api:
        assert (await api.call("GET", f"folders?name={NOT_TEXT}")).problem(400)
        assert (await api.call("GET", "folders?name=%D1%84")).status == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_a_form_is_text(fresh_settings: FreshSettings, kind: Kind) -> None:
    """The panel refuses the same in its addresses and in its forms, and stores nothing."""
    async with library(fresh_settings, kind) as home, home.client("ana") as client:
        assert (await client.get(f"/admin/book/list?search={NOT_TEXT}")).status_code == 400
        token = await client.token()
        answer = await client.http.post(
            "/admin/author/create",
            content=f"_csrf={token}&f-name={NOT_TEXT}",
            headers={
                "Sec-Fetch-Site": "same-origin",
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        assert answer.status_code == 400
        assert await home.changes() == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_body_is_counted_as_it_comes(fresh_settings: FreshSettings, kind: Kind) -> None:
    """A body of no stated length is refused once it is too long, however much would follow."""
    async with zoo_on(fresh_settings, kind) as api:
        before = await api.counts()
        taken = 0

        def endless() -> Iterator[bytes]:
            nonlocal taken
            while True:
                taken += 1000
                yield b" " * 1000

        answer = await api.call("POST", "folders", raw=endless())
        answer.problem(413, "content_too_large")
        assert MAX_BODY < taken <= MAX_BODY + 1000
        rest = b" " * (MAX_BODY - len(b'{"name": "x"}'))
        whole = await api.call("POST", "folders", raw=b'{"name": "x"}' + rest)
        assert whole.status == 201
        (await api.call("POST", "folders", raw=b'{"name": "y"} ' + rest)).problem(413)
        assert (await api.counts())["folder"] == before["folder"] + 1


async def test_a_form_is_counted_as_it_comes(fresh_settings: FreshSettings) -> None:
    """How much a form may hold depends on who sends it and on whether its page takes files."""
    encoded, parts = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
    async with library(fresh_settings, "sqlite") as home:
        for name, path, media_type, most in (
            ("", "/admin/login", encoded, MAX_STRANGERS_BYTES),
            ("ana", "/admin/theme", encoded, MAX_FORM_BYTES),
            ("ana", "/admin/theme", parts, MAX_FORM_BYTES),
            ("ana", "/admin/author/create", encoded, MAX_FORM_BYTES),
            ("ana", "/admin/author/create", parts, MAX_FILES_BYTES),
        ):
            taken = 0

            async def endless() -> AsyncIterator[bytes]:
                nonlocal taken
                yield b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
                while taken < most + 2**20:  # noqa: B023 - used up before the next one
                    taken += 2**14
                    yield b"x" * 2**14

            headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": media_type}
            async with home.client(name) as client:
                answer = await client.http.post(path, content=endless(), headers=headers)
            assert (answer.status_code, taken > most) == (413, True), (path, media_type)
            assert f"{most // 1024:,} KB" in answer.text
        assert await home.changes() == []


@pytest.mark.parametrize("kind", KINDS)
async def test_json_is_not_deep(fresh_settings: FreshSettings, kind: Kind) -> None:
    """JSON that nests deeper than 64 levels is refused as that, at the field if it has one."""
    async with zoo_on(fresh_settings, kind) as api:
        for depth, status, pointer in (
            (64, 201, ""),
            (65, 422, "/document"),
            (200, 422, "/document"),
            (201, 400, ""),
            (300, 400, ""),
            (100_000, 400, ""),
        ):
            document = "[" * depth + "]" * depth
            raw = f'{{"short": "x", "document": {document}}}'.encode()
            answer = await api.call("POST", "specimens", raw=raw)
            assert answer.status == status
            if status != 201:
                (error,) = answer.problem(status)["errors"]
                assert (error["pointer"], error["code"]) == (pointer, "too_deep")


@pytest.mark.parametrize("depth", [65, 201, 300, 900, 3000])
def test_data_is_not_deep(depth: int) -> None:
    """The same of data that the panel and the import have read themselves, at any depth."""
    deep: Any = 1
    for _ in range(depth):
        deep = {"a": [deep]} if depth % 2 else [deep]
    schema = Registry.from_base(Base, ["zoo"])["specimen"].create
    with pytest.raises(InvalidInputError) as refused:
        schema.parse({"short": "x", "document": deep})
    assert [(each.path, each.code) for each in refused.value.errors] == [
        (("document",), "too_deep")
    ]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_form_is_not_deep(fresh_settings: FreshSettings, kind: Kind) -> None:
    """The panel says the same at the field of its form, and what was typed stays."""
    async with menagerie(fresh_settings, kind) as home, home.client("ana") as client:
        for depth in (65, 250, 300, 900, 100_000):
            form = await client.form("/admin/specimen/create")
            document = "[" * depth + "]" * depth
            fields = form.changed(short="deep", document=document)
            answer = await client.post("/admin/specimen/create", fields)
            assert answer.status_code == 422, (depth, answer.status_code)
            assert "deep" in answer.text
            assert document in answer.text


async def one_host(api: Api, *hosts: str) -> int:
    answer = await api.call("GET", "/", headers=[("host", each) for each in hosts])
    return answer.status


async def test_one_host_and_no_more(fresh_settings: FreshSettings) -> None:
    """A request names its host once (RFC 9112, 3.2); probes may name any."""
    async with zoo_on(fresh_settings, "sqlite") as api:
        assert await one_host(api, "library.test", "elsewhere.test") == 400
        assert (await api.call("GET", "/healthz", headers=[("host", "10.0.0.1")])).status == 200
        assert (await api.call("HEAD", "/healthz")).status == 200


async def test_the_rest_of_a_body_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that pauses too long is given up; one that is whole is not hurried."""
    monkeypatch.setattr(middleware, "BODY_PATIENCE", 0.05)
    pieces = [{"type": "http.request", "body": b"a", "more_body": True}]

    async def receive() -> Any:
        while not pieces:
            await asyncio.Event().wait()
        return pieces.pop()

    body = _Body(receive)
    assert (await body())["body"] == b"a"
    with pytest.raises(RequestTimeoutError):
        await body()


def test_a_head_is_bounded(fresh_settings: FreshSettings) -> None:
    """A request whose headers never end is refused long before they fill the memory."""
    root = write_settings(fresh_settings("sqlite"))
    with serving(root) as server:
        place = urlsplit(server.address)
        with socket.create_connection((str(place.hostname), place.port or 0), 20) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
            sent, answer = 0, b""
            try:
                while not answer and sent < 100 * HEAD_BYTES:
                    connection.sendall(b"a" * 4096)
                    sent += 4096
                    connection.settimeout(0.01)
                    try:
                        answer = connection.recv(4096)
                    except TimeoutError:
                        connection.settimeout(20)
            except (BrokenPipeError, ConnectionResetError):
                answer = b"HTTP/1.1 400 "
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert sent < 100 * HEAD_BYTES


def test_production_names_its_hosts() -> None:
    """In production every host is no host."""
    secret = SecretStr("kD83nf0aPq7Zr5Wc1Xe9Vb2Tm6Ly4Hu8")
    with pytest.raises(ValidationError, match="allowed_hosts"):
        Settings(
            security=SecuritySection(production=True, secret=secret),
            server=ServerSection(allowed_hosts=("*",)),
        )


async def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    """A server whose socket is gone is busy, not a fault of ours."""
    url = f"postgresql+asyncpg://postgres@/library?host={tmp_path}"
    database = Database(Settings(database=DatabaseSection(url=url)))
    for work in (database.read, database.write):
        with pytest.raises(BusyError):
            await work(lambda each: each.execute(text("SELECT 1")))
    await database.close()


async def test_a_file_that_cannot_be_written(fresh_settings: FreshSettings) -> None:
    """Writing to a read-only SQLite database is refused for now, and reading goes on."""
    database = Database(fresh_settings("sqlite"))

    async def work(session: AsyncSession) -> None:
        await session.execute(text("PRAGMA query_only=ON"))
        await session.execute(text("INSERT INTO admin_role (name, description) VALUES ('x', '')"))

    with pytest.raises(BusyError):
        await database.write(work)
    assert await database.read(lambda each: each.scalar(text("SELECT 1"))) == 1
    await database.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_on_an_empty_database(
    fresh_settings: FreshSettings,
    kind: Kind,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A command that meets a database without tables says so in sentences, without any value."""
    command = Commands(write_settings(fresh_settings(kind, "empty", empty)), capfd, monkeypatch)
    arguments = ("user", "create", "ann", "--role", "viewer", "--password-stdin")
    done = command(*arguments, stdin="a long sentence, say")
    assert done.code == 1
    assert "admin-app db current" in done.err
    assert "argon2" not in done.err


def test_everything_goes_only_when_told_twice(
    fresh_settings: FreshSettings,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``db downgrade base`` asks first, and does nothing without an answer."""
    command = Commands(write_settings(fresh_settings("sqlite")), capfd, monkeypatch)
    assert command("db", "downgrade", "base").code != 0
    assert "library_0004" in command.fine("db", "current")
    done = command("db", "downgrade", "base", "--yes")
    assert (done.code, "admin_app_0001" in done.err) == (0, True)
