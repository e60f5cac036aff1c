"""``admin-app openapi``: the API's document without a server, and what has changed in it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from admin_app.cli.common import acting_user, opened, records_of, registry_of, run, settings_of
from admin_app.cli.contract import Change, compare
from admin_app.errors import SetupError
from admin_app.rest import document_of
from admin_app.settings import Settings

app = typer.Typer(
    name="openapi",
    help="The API's document (OpenAPI 3.1): write it, and tell what has changed in it.",
    invoke_without_command=True,
)


@app.callback()
def write(
    context: typer.Context,
    user: Annotated[
        str | None,
        typer.Option("--as", "--user", metavar="USER", help="What this user may see and do of it."),
    ] = None,
) -> None:
    """Write the API's document to standard output; no server has to run.

    All of it, unless --as names a user. `admin-app openapi diff OLD` tells what has changed.
    """
    if context.invoked_subcommand is None:
        document = json.loads(run(_document(settings_of(context), user)))
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


@app.command("diff")
def diff(
    context: typer.Context,
    old: Annotated[Path, typer.Argument(help="The document as it was.", show_default=False)],
    new: Annotated[
        Path | None, typer.Argument(help="As it is; without it, what the project makes now.")
    ] = None,
) -> None:
    """Tell what has changed in the API, breaking changes first; exit 1 when one is breaking.

    A line for CI, with the document of the last release in git. A change breaks when a client that
    was generated from OLD may send what is no longer taken, or read what it does not know.
    """
    before = _read(old)
    after = json.loads(run(_document(settings_of(context), None))) if new is None else _read(new)
    try:
        found = compare(before, after)
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"{old} and what it is compared with are not both OpenAPI documents: {error!r}"
        raise SetupError(msg) from error
    breaking = [each for each in found if each.breaking]
    _print("Breaking", breaking)
    _print("Safe", [each for each in found if not each.breaking])
    if not found:
        typer.echo("Nothing has changed.")
    if breaking:
        raise typer.Exit(1)


def _print(title: str, changes: Iterable[Change]) -> None:
    by_place: dict[str, list[str]] = {}
    for each in changes:
        by_place.setdefault(each.where, []).append(each.what)
    if by_place:
        typer.echo(f"{title}: {sum(len(each) for each in by_place.values())}")
    for where, told in by_place.items():
        typer.echo(f"  {where}")
        for what in told:
            typer.echo(f"    {what}")


async def _document(settings: Settings, user: str | None) -> bytes:
    registry = registry_of(settings)
    async with opened(settings) as database:
        actor = await acting_user(database, user)
        records = records_of(settings, database, registry)
        return document_of(records, actor, settings.app.title, settings.server.root_path)


def _read(file: Path) -> Any:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{file} cannot be read as a document: {error}"
        raise SetupError(msg) from error
    if not isinstance(found, dict) or "paths" not in found:
        msg = f"{file} is no OpenAPI document."
        raise SetupError(msg)
    return found
