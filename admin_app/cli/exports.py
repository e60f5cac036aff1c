"""``admin-app export``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from admin_app.cli.common import (
    As,
    ResourceName,
    acting_user,
    created_file,
    opened,
    pair,
    progress,
    records_of,
    registry_of,
    resource_of,
    run,
    settings_of,
)
from admin_app.declaration import COMMAND_LINE
from admin_app.records.transfer import Export, Written, format_of


def export_records(
    context: typer.Context,
    resource: ResourceName,
    filters: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD=VALUE]…", help="As in the API: language=en, year__gte=1900, sort=-year."
        ),
    ] = None,
    format_: Annotated[
        Written | None,
        typer.Option("--format", help="Default: what the file's name says, else csv."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Default: standard output."),
    ] = None,
    user: As = None,
) -> None:
    """Write the records of a resource, all or what a filter leaves, for an import to take back."""
    settings = settings_of(context)
    registry = registry_of(settings)
    target = resource_of(registry, resource)
    pairs = [pair(each, "FIELD=VALUE") for each in filters or []]
    written = format_ or _written_as(output)

    async def work(file: IO[bytes]) -> None:
        async with opened(settings) as database:
            actor = await acting_user(database, user)
            records = records_of(settings, database, registry)
            export = Export(
                records,
                actor,
                target,
                pairs,
                origin=COMMAND_LINE,
                about="&".join(filters or []),
            )
            with progress(target.label_plural, None) as advance:
                async for portion in export.portions(written):
                    file.write(portion)
                    advance(portion.count(b"\n") if written != "xlsx" else export.rows)

    with _writing(output) as file:
        run(work(file))


def _written_as(output: Path | None) -> Written:
    """The format that a file's name says."""
    found = format_of(output.name) if output is not None else "csv"
    if found == "json":
        msg = "An export is written as csv, ndjson or xlsx: name the file so, or say --format."
        raise typer.BadParameter(msg)
    return found


@contextmanager
def _writing(output: Path | None) -> Iterator[IO[bytes]]:
    """The output; a file gets its name when it is whole."""
    if output is None:
        with open(sys.stdout.fileno(), "wb", closefd=False) as stream:
            try:
                yield stream
                stream.flush()
            except BrokenPipeError as error:
                # Whoever reads has seen enough. Closing the stream writes once more, to nowhere.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise typer.Exit from error
        return
    draft = output.with_name(f"{output.name}.part")
    try:
        with created_file(draft) as file:
            yield file
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
