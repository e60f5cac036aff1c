"""``admin-app db …``: revisions of the database, and copies of it."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import ArgumentError

from admin_app.cli.common import answer_table, on_records, registry_of, run, say, settings_of
from admin_app.database.migrations import Migrations
from admin_app.database.moving import move as moved
from admin_app.declaration import Base
from admin_app.errors import SetupError
from admin_app.records.advice.report import MOST_ROWS
from admin_app.settings import Settings
from admin_app.startup import migrations

app = typer.Typer(
    name="db",
    help="The database's revisions, copies of it, and what it lacks.",
    no_args_is_help=True,
)


def _runner(context: typer.Context) -> Migrations:
    settings = settings_of(context)
    registry_of(settings)  # for the tables that its modules declare
    return migrations(settings)


@app.command()
def upgrade(
    context: typer.Context,
    revision: Annotated[str, typer.Argument(help="How far; default: to the newest.")] = "heads",
) -> None:
    """Apply the revisions that the database lacks."""
    _tell("applied", run(_runner(context).upgrade(revision)), "The database is up to date.")


@app.command(context_settings={"ignore_unknown_options": True})  # or -1 would be one
def downgrade(
    context: typer.Context,
    revision: Annotated[
        str, typer.Argument(help="A revision, -N for N steps back, or base for an empty database.")
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before everything goes.")] = False,
) -> None:
    """Take revisions back. Data of tables and columns that go is lost: make a copy first."""
    if revision == "base" and not yes:
        typer.confirm("This deletes every record, user and change. Go on?", abort=True, err=True)
    _tell("taken back", run(_runner(context).downgrade(revision)), "Nothing to take back.")


@app.command()
def revision(
    context: typer.Context,
    message: Annotated[
        str, typer.Option("--message", "-m", help="What it is about; also its file's name.")
    ],
    *,
    empty: Annotated[bool, typer.Option(help="Write one without changes, to fill in.")] = False,
    ours: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Write the revision that brings the database to the models.

    Read what it wrote, mend it where you know better, then `admin-app db upgrade`.
    """
    runner = _runner(context)
    if settings_of(context).embedded:
        # It looks after itself, so the first revision of a new project needs no other command.
        run(runner.upgrade_embedded())
    written = run(runner.revision(message, empty=empty, ours=ours))
    if written is None:
        say("Models and database agree: there is nothing to write.")
    else:
        typer.echo(str(written))


@app.command()
def current(context: typer.Context) -> None:
    """Print the revisions the database has; tell of those it lacks and of unknown ones."""
    state = run(_runner(context).current())
    for each in state.applied:
        typer.echo(each)
    for each in state.pending:
        say(f"lacks {each}")
    for each in state.newer:
        say(f"unknown to this code: {each}")


@app.command()
def check(context: typer.Context) -> None:
    """Fail if the database is not what the models declare."""
    differences = run(_runner(context).check())
    if differences:
        raise SetupError("\n".join(differences))
    say("Models and database agree.")


@app.command()
def advise(
    context: typer.Context,
    *,
    rows: Annotated[int, typer.Option(min=0, help="Leave out tables of fewer rows.")] = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Fail where something is missing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Print the indexes that are missing, and the line of a declaration that adds each.

    For the declared lists, filters, searches, rules and foreign keys, by the plans that this
    database makes for them, whatever there is in it now.
    """
    found = on_records(context, lambda records: records.advise(rows))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2, ensure_ascii=False))
    elif found:
        answer_table(
            ("TABLE", "ROWS", "FOR", "ADD"),
            [(each.table, _rows(each.rows), "; ".join(each.why), each.add) for each in found],
        )
    else:
        say("Whatever is declared to be read by has its index.")
    if check and found:
        raise SetupError(f"Missing: {len(found)}. Each is one line more in a declaration.")


def _rows(number: int) -> str:
    return f"{number:,}{'+' if number >= MOST_ROWS else ''}"


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; must not exist yet.")],
) -> None:
    """Copy the embedded database, whole and consistent, while it is in use."""
    settings = settings_of(context)
    if not settings.embedded:
        raise SetupError("This copies the embedded database. For PostgreSQL use pg_dump.")
    _copy(settings, file)
    say(f"Copied to {file} ({file.stat().st_size:,} bytes).")


@app.command()
def move(
    context: typer.Context,
    url: Annotated[str, typer.Argument(help="postgresql+asyncpg://…, with nothing in it yet.")],
) -> None:
    """Put all that is in the embedded database into a new PostgreSQL, which is made ready first.

    Records keep their keys and versions; users, tokens and the history go along. Nothing is
    changed here. Have the server read-only meanwhile (server.read_only): what is written later
    stays behind.
    """
    settings = settings_of(context)
    registry_of(settings)  # for the tables that its modules declare
    section = settings.database.model_copy(update={"url": url})
    to = settings.model_copy(update={"database": section})
    try:
        right = settings.embedded and not to.embedded
    except ArgumentError as error:
        raise SetupError("This is not a database URL.") from error
    if not right:
        raise SetupError("This goes from the embedded database to a PostgreSQL, no other way.")
    counts = run(moved(settings, to, Base.metadata))
    say(f"Put {sum(counts.values()):,} rows of {len(counts)} tables there. Now set database.url.")


def _copy(settings: Settings, file: Path) -> None:
    source = Path(settings.database_url.database or "")
    if not source.exists():
        raise SetupError(f"There is no database yet: {source.name}.")
    try:
        # What is in it signs people in, so it is nobody else's to read.
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError as error:
        raise SetupError(f"{file} exists already; nothing was written.") from error
    except OSError as error:
        raise SetupError(f"{file} cannot be written: {error.strerror}.") from error
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(file)) as new:
            # In one step: in several, each write of others would start the copy anew.
            old.backup(new, pages=-1)
            found = new.execute("PRAGMA quick_check").fetchone()[0]
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        file.unlink()
        raise SetupError(f"No copy was made: {error}.") from error
    if found != "ok":
        file.unlink()
        raise SetupError(f"No copy was made, the database is damaged: {found}.")


def _tell(done: str, revisions: tuple[str, ...], nothing: str) -> None:
    for each in revisions:
        say(f"{done}: {each}")
    if not revisions:
        say(nothing)
