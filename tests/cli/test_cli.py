"""The command line: what each command does, prints, and exits with."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import typer.main
from commands import Commands, start, write_settings
from conftest import PROJECT, FreshSettings, empty
from intake import BOOKS

from admin_app.access import actor_of_token
from admin_app.cli import app
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Origin, Registry
from admin_app.declaration.base import Base
from admin_app.records import Records
from admin_app.records.transfer.mapping import STEPS
from admin_app.settings import Settings, load_settings

MAPS = (
    "--match=source_id",
    "--map=source_id=number",
    "--map=title",
    "--map=year=published|integer",
    "--map=authors=authors|split:,|by:name|create",
)


@pytest.fixture
def admin_app(
    settings: Settings, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Commands:
    """Commands of a project whose database is migrated, on each kind in turn."""
    return Commands(write_settings(settings), capfd, monkeypatch)


@pytest.fixture
def empty_project(
    fresh_settings: FreshSettings,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Commands:
    """Commands of a project whose PostgreSQL database has no table yet."""
    settings = fresh_settings("postgresql", "empty", empty)
    return Commands(write_settings(settings), capfd, monkeypatch)


@pytest.fixture
def embedded(
    fresh_settings: FreshSettings,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Commands:
    """Commands of a project with the embedded database."""
    return Commands(write_settings(fresh_settings("sqlite")), capfd, monkeypatch)


def test_import_and_export(admin_app: Commands, tmp_path: Path) -> None:
    """A file is taken in by a mapping on the command line, and the export comes back unchanged."""
    (tmp_path / "books.csv").write_text(BOOKS, "utf-8")
    taken = admin_app("import", "book", str(tmp_path / "books.csv"), *MAPS)
    assert (taken.code, taken.out) == (0, "4 created, 0 changed, 0 unchanged, 0 refused\n")
    again = admin_app("import", "books", "-", *MAPS, stdin=BOOKS)
    assert again.out == "0 created, 0 changed, 4 unchanged, 0 refused\n"
    out = tmp_path / "out.csv"
    assert admin_app.fine("export", "book", "--output", str(out)) == ""
    assert admin_app.fine("export", "book") == out.read_bytes().decode()
    back = admin_app("import", "book", str(out))
    assert (back.code, back.out) == (0, "0 created, 0 changed, 4 unchanged, 0 refused\n")
    lines = admin_app.fine("export", "author", "--format", "ndjson", "name=Cy Poe").splitlines()
    assert len(lines) == 1
    assert '"name":"Cy Poe"' in lines[0]


def test_workbooks_trials_and_modes(admin_app: Commands, tmp_path: Path) -> None:
    """A workbook comes back unchanged; a trial keeps nothing; a mode refuses the other rows."""
    tried = admin_app("import", "author", "-", "--dry-run", stdin="name\nAda\n")
    assert tried.out == "1 created, 0 changed, 0 unchanged, 0 refused; nothing was kept\n"
    cyrillic = tmp_path / "a.csv"
    cyrillic.write_bytes("name;country\nЮлия;Дания\n".encode("cp1251"))
    assert admin_app.fine("import", "author", str(cyrillic)).startswith("1 created")
    out = tmp_path / "out.xlsx"
    admin_app.fine("export", "author", "--output", str(out))
    back = admin_app("import", "author", str(out))
    assert (back.code, back.out) == (0, "0 created, 0 changed, 1 unchanged, 0 refused\n")
    assert "Юлия" in admin_app.fine("export", "author")
    done = admin_app("import", "author", str(out), "--mode", "create")
    assert (done.code, "There is such a record already" in done.err) == (1, True)
    wrong = admin_app("import", "author", str(out), "--sheet", "none")
    assert (wrong.code, "no such sheet" in wrong.err) == (1, True)


def test_import_by_a_mapping_file(admin_app: Commands, tmp_path: Path) -> None:
    """A mapping can stand in a file; the command line has the last word."""
    mapping = tmp_path / "books.toml"
    mapping.write_text(
        'match = "source_id"\n[fields]\nsource_id = "number"\ntitle = "nowhere"\n', "utf-8"
    )
    arguments = ("import", "book", "-", "--mapping", str(mapping))
    refused = admin_app(*arguments, stdin=BOOKS)
    assert (refused.code, refused.out) == (1, "")
    assert "title: The file has no column 'nowhere'" in refused.err
    assert admin_app.fine(*arguments, "--map", "title", stdin=BOOKS).startswith("4 created")
    mapping.write_text("matches = 1\nfields = 3", "utf-8")
    refused = admin_app(*arguments, stdin=BOOKS)
    assert "matches: unknown" in refused.err
    assert "fields: a table" in refused.err


def test_refused_rows_can_be_mended_and_taken_in(admin_app: Commands, tmp_path: Path) -> None:
    """Refused rows are told of, exit 1, and stand in a file that can be mended and imported."""
    errors = tmp_path / "errors.csv"
    content = "name,born,bio\nAda,1990,\nBen,soon,'=1+1\nCy,1,2,3\n"
    done = admin_app("import", "author", "-", "--errors", str(errors), stdin=content)
    assert (done.code, done.out) == (1, "1 created, 0 changed, 0 unchanged, 2 refused\n")
    assert "line 3: born: Enter a whole number." in done.err
    rows = list(csv.reader(errors.read_text("utf-8").splitlines()))
    assert rows == [
        ["name", "born", "bio", "import_line", "import_reason"],
        ["Ben", "soon", "'=1+1", "3", "born: Enter a whole number."],
        ["Cy", "1", "2", "4", "4 cells where the header has 3."],
    ]
    mended = errors.read_text("utf-8").replace("soon", "1991")
    assert admin_app.fine("import", "author", "-", stdin=mended).startswith("2 created")
    assert "'=1+1" in admin_app.fine("export", "author", "name=Ben")


def test_an_atomic_import_says_that_nothing_was_kept(admin_app: Commands) -> None:
    """With ``--atomic`` one bad row means exit 1 and no record."""
    done = admin_app("import", "author", "-", "--atomic", stdin="name,born\nAda,1\nBen,x\n")
    assert done.code == 1
    assert done.out == "0 created, 0 changed, 0 unchanged, 1 refused; nothing was kept\n"
    assert admin_app.fine("export", "author").count("\n") == 1


def test_import_as_a_user(admin_app: Commands) -> None:
    """``--as`` gives an import the rights of that user, and no more."""
    admin_app.fine("user", "create", "vic", "--role", "viewer", "--no-password")
    done = admin_app("import", "author", "-", "--as", "vic", stdin="name\nAda\n")
    assert (done.code, done.err) == (1, "line 2: You may not create authors.\n")
    assert admin_app("export", "author", "--as", "nobody").err == "There is no user 'nobody'.\n"


def test_users_and_tokens(admin_app: Commands) -> None:
    """People and tokens are made, listed, ended; a token is all that its command prints."""
    password = "a long enough password\n"
    admin_app.fine("user", "create", "Ana", "--role", "editor", "--password-stdin", stdin=password)
    token = admin_app.fine("token", "create", "ana", "--name", "till", "--expires", "30d")
    assert token.count("\n") == 1
    assert acting(admin_app.root, token.strip()) == "Ana"
    assert "Ana" in admin_app.fine("token", "list")
    admin_app.fine("user", "disable", "ana")
    assert acting(admin_app.root, token.strip()) is None
    assert "disabled" in admin_app.fine("user", "list")
    admin_app.fine("user", "enable", "ana")
    assert acting(admin_app.root, token.strip()) == "Ana"
    admin_app.fine("token", "revoke", token[:12])
    assert acting(admin_app.root, token.strip()) is None
    assert "revoked" in admin_app.fine("token", "list", "ana")
    token = admin_app.fine("token", "create", "ana").strip()
    admin_app.fine("user", "password", "ana", "--password-stdin", stdin=password)
    assert acting(admin_app.root, token) is None


def test_password_link(admin_app: Commands) -> None:
    """A link is all that its command prints; it is made for nobody who cannot sign in."""
    admin_app.fine("user", "create", "ana", "--role", "editor", "--no-password")
    link = admin_app.fine("user", "link", "Ana")
    assert re.fullmatch(r"/admin/password/[\w-]{43}\n", link)
    admin_app.fine("user", "disable", "ana")
    done = admin_app("user", "link", "ana")
    assert (done.code, done.out) == (1, "")
    assert "ana is disabled" in done.err


def test_scopes_and_rotation(admin_app: Commands) -> None:
    """A token is narrowed by scopes, which its list shows, and rotated by its number."""
    admin_app.fine("user", "create", "till", "--role", "editor", "--service")
    scopes = ("--scope", "book:read", "--scope", "comment:*")
    old = admin_app.fine("token", "create", "till", "--expires", "30d", *scopes).strip()
    assert "book:read comment:*" in admin_app.fine("token", "list")
    new = admin_app.fine("token", "rotate", "1", "--overlap", "2h").strip()
    for token in (old, new):
        assert acting(admin_app.root, token) == "till"
    third = admin_app.fine("token", "rotate", new[:12], "--overlap", "0h").strip()
    assert acting(admin_app.root, new) is None
    assert acting(admin_app.root, third) == "till"
    listed = admin_app.fine("token", "list").splitlines()
    assert [line.split()[-1] for line in listed[2:3]] == ["expired"]
    assert all("book:read comment:*" in line for line in listed[1:])
    refused = admin_app("token", "create", "till", "--scope", "bok:read", "--scope", "nothing")
    assert (refused.code, refused.out) == (1, "")
    assert "There is no resource bok. Did you mean book?" in refused.err


def acting(root: Path, token: str) -> str | None:
    """Whom a token acts for."""

    async def ask() -> str | None:
        database = Database(load_settings(root))
        try:
            found = await actor_of_token(database, token)
        finally:
            await database.close()
        return None if found is None else found.name

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["user", "create", "x", "--role", "nobody", "--no-password"], 1, "There is no role"),
        (["user", "create", "x", "--role", "editor", "--password-stdin"], 1, "12 characters"),
        (["user", "create", "x", "--role", "editor"], 2, "--password-stdin"),
        (["user", "create", "x", "--role", "editor", "--service", "--password-stdin"], 2, "alone"),
        (["user", "disable", "nobody"], 1, "There is no user"),
        (["user", "reset-second-factor", "nobody"], 1, "There is no user"),
        (["token", "create", "nobody"], 1, "There is no user"),
        (["token", "create", "nobody", "--expires", "soon"], 2, "30d"),
        (["token", "revoke", "99"], 1, "There is no token"),
        (["token", "revoke", "9" * 5000], 1, "There is no token"),
        (["token", "rotate", "99"], 1, "There is no token"),
        (["token", "rotate", "99", "--overlap", "31d"], 1, "30 days"),
        (["token", "create", "nobody", "--scope", "book"], 1, "resource:action"),
        (["import", "bok", "-"], 1, "Did you mean book?"),
        (["import", "book", "/nowhere.csv"], 1, "cannot be read"),
        (["import", "book", "-"], 1, "no header"),
        (["import", "book", "-", "--map", "=x"], 2, "FIELD=COLUMN"),
        (["export", "book", "yeer=1"], 1, "Did you mean year"),
        (["export", "book", "year"], 2, "FIELD=VALUE"),
        (["export", "book", "--output", "/nowhere/file"], 1, "cannot be written"),
        (["export", "book", "--output", "books.json"], 2, "ndjson"),
        (["db", "upgrade", "nowhere"], 1, "nowhere"),
        (["db", "revision"], 2, "--message"),
        (["serve", "--port", "70000"], 2, "65535"),
        (["nothing"], 2, "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refusal_is_a_sentence(
    embedded: Commands, arguments: list[str], code: int, words: str
) -> None:
    """What cannot be done exits 1, what is mistyped 2; both say why on stderr, and only there."""
    done = embedded(*arguments)
    assert (done.code, done.out) == (code, "")
    assert words in " ".join(done.err.split())


def test_every_command_has_help() -> None:
    """Every command and option says what it does."""
    group = typer.main.get_command(app)
    commands = dict(group.commands)  # type: ignore[attr-defined]
    for name, each in group.commands.items():  # type: ignore[attr-defined]
        commands |= {f"{name} {sub}": one for sub, one in getattr(each, "commands", {}).items()}
    assert len(commands) == 40
    silent = [
        f"{name} {each.name}"
        for name, command in commands.items()
        for each in [command, *command.params]
        if not each.help and not getattr(each, "hidden", False)
    ]
    assert silent == []


def test_check_reports_every_mistake_at_once(
    embedded: Commands, fresh_settings: FreshSettings
) -> None:
    """Mistakes in declarations come together, exit 1; a plain Numeric is only warned of."""
    (embedded.root / "wrong_models.py").write_text(
        "from admin_app import Record, ResourceOptions\n"
        "from sqlalchemy.orm import Mapped\n"
        "class Wrong(Record):\n"
        "    __resource__ = ResourceOptions(list=['nam'], sort=['x'])\n"
        "    name: Mapped[str]\n",
        "utf-8",
    )
    (embedded.root / "wise_models.py").write_text(
        "from decimal import Decimal\n"
        "from sqlalchemy import Numeric\n"
        "from sqlalchemy.orm import Mapped, mapped_column\n"
        "from admin_app import Record\n"
        "class Priced(Record):\n"
        "    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))\n",
        "utf-8",
    )
    file = embedded.root / "settings.toml"
    written = file.read_text("utf-8")
    file.write_text(written.replace("admin_app.models", "wrong_models"), "utf-8")
    wrong = start(embedded.root, "check")
    assert (wrong.code, len(wrong.err.splitlines())) == (1, 2)
    file.write_text(written.replace("admin_app.models", "wise_models"), "utf-8")
    wise = start(embedded.root, "check")
    assert wise.code == 0
    assert "warning: Priced.price" in wise.err


def test_database_commands(empty_project: Commands) -> None:
    """Upgrade, current, check and downgrade tell what they did; check fails on a difference."""
    lacking = empty_project("db", "current")
    assert (lacking.code, lacking.out) == (0, "")
    assert "lacks library_0001" in lacking.err
    assert empty_project("db", "check").code == 1
    assert "applied: library_0001" in empty_project("db", "upgrade").err
    assert empty_project("db", "upgrade").err == "The database is up to date.\n"
    assert "library_0004" in empty_project.fine("db", "current")
    assert empty_project("db", "check").code == 0
    none = empty_project("db", "revision", "-m", "Nothing")
    assert (none.code, none.out) == (0, "")
    assert "taken back: library_0004" in empty_project("db", "downgrade", "-1").err


def test_moving_to_postgresql(embedded: Commands, fresh_settings: FreshSettings) -> None:
    """All that is embedded goes to an empty PostgreSQL, once; every other way is refused."""
    for url, said in (
        ("sqlite+aiosqlite:///other.db", "no other way"),
        ("other", "not a database URL"),
    ):
        refused = embedded("db", "move", url)
        assert (refused.code, said in refused.err) == (1, True)
    assert embedded("db", "upgrade").code == 0
    url = fresh_settings("postgresql", "empty", empty).database.url
    assert "Now set database.url" in embedded("db", "move", url).err
    assert "something in that database already" in embedded("db", "move", url).err


def test_serving_refuses_a_database_that_lacks_a_revision(empty_project: Commands) -> None:
    """On PostgreSQL ``serve`` migrates nothing: it exits 1 and says which command to run."""
    done = empty_project("serve", "--port", "0")
    assert done.code == 1
    assert "admin-app db upgrade" in done.err
    backup = empty_project("db", "backup", "copy")
    assert (backup.code, "pg_dump" in backup.err) == (1, True)


@pytest.mark.slow
def test_a_backup_while_others_write(
    fresh_settings: FreshSettings, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A copy made in the middle of writes is whole: each record has its change."""
    settings = fresh_settings("sqlite")
    root = write_settings(settings)
    copy = tmp_path / "copy.db"

    async def both() -> tuple[int, int]:
        database = Database(settings)
        registry = Registry.from_base(Base, ["admin_app.models"])
        records = Records(database, registry, b"secret")
        done, written = False, 0

        async def write() -> None:
            nonlocal written
            while not done:
                name = {"name": f"Author {written}"}
                await records.create(SYSTEM, registry["author"], name, origin=Origin("import"))
                written += 1

        writer = asyncio.create_task(write())
        backed = await asyncio.to_thread(start, root, "db", "backup", str(copy))
        done = True
        await writer
        await database.close()
        assert backed.code == 0, backed
        return written, backed.code

    written, _ = asyncio.run(both())
    with closing(sqlite3.connect(copy)) as connection:
        authors, changes = (
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("author", "admin_change")
        )
    assert authors == changes
    assert 0 < authors <= written
    assert copy.stat().st_mode & 0o077 == 0
    refused = start(root, "db", "backup", str(copy))
    assert (refused.code, "exists already" in refused.err) == (1, True)


@pytest.mark.slow
def test_a_closed_pipe_is_no_failure(embedded: Commands) -> None:
    """``admin-app export … | head`` ends without a word."""
    rows = io.StringIO()
    rows.write("name\n")
    rows.writelines(f"Author {each}\n" for each in range(5000))
    embedded.fine("import", "author", "-", stdin=rows.getvalue())
    process = subprocess.Popen(
        [sys.executable, "-m", "admin_app", "export", "author"],
        cwd=embedded.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert (process.wait(30), process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_the_operating_page_names_every_command() -> None:
    """Every command stands in the documentation."""
    text = (PROJECT / "docs" / "operating.md").read_text("utf-8")
    for name, each in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert f"`admin-app {name}" in text
        for sub in getattr(each, "commands", {}):
            assert f"`{sub}`" in text or f"`admin-app {name} {sub}" in text


def test_the_importing_page_names_every_step() -> None:
    """Every step of a mapping stands in the documentation."""
    text = (PROJECT / "docs" / "importing.md").read_text("utf-8")
    for step, valued in STEPS.items():
        assert re.search(rf"^\| `{step}{':' if valued else '`'}", text, re.MULTILINE), step
