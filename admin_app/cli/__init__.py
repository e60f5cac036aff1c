"""The command line: a door like the others. It parses, asks the rooms, prints, and exits honestly.

Exit codes: 0 done, 1 refused or failed (a sentence on stderr says why), 2 a mistyped command.
"""

from __future__ import annotations

import sys

import click
import typer
from sqlalchemy.exc import DBAPIError

from admin_app.cli import (
    access,
    database,
    exports,
    imports,
    openapi,
    people,
    project,
    roles,
    serving,
)
from admin_app.cli.common import options, say
from admin_app.errors import AppError, SetupError

app = typer.Typer(
    name="admin-app",
    help="Serve a project's records through a REST API and a staff panel, and look after it.\n\n"
    "A project is a folder with a settings.toml; `admin-app init DIR` makes one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.callback()(options)
serving.add_to(app)
project.add_to(app)
app.add_typer(database.app)
app.add_typer(people.users)
app.add_typer(people.tokens)
app.add_typer(roles.app)
app.add_typer(access.app)
app.command("import")(imports.import_file)
app.command("export")(exports.export_records)
app.add_typer(openapi.app)


def main() -> None:
    """Run the command line and exit."""
    try:
        app(prog_name="admin-app")
    except (AppError, SetupError) as error:
        say(_sentences(error))
        sys.exit(1)
    except DBAPIError as error:
        said = str(error.orig).partition("\n")[0]
        say(
            f"The database refused: {said}\nadmin-app db current tells whether it lacks a revision."
        )
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)


def _sentences(error: AppError | SetupError) -> str:
    if isinstance(error, SetupError):
        return str(error)
    lines = [error.detail]
    for each in error.errors:
        if each.detail != error.detail:
            path = ".".join(map(str, each.path))
            lines.append(f"  {path}: {each.detail}" if path else f"  {each.detail}")
    return "\n".join(lines)
