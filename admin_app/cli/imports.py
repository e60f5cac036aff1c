"""``admin-app import``."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Annotated, BinaryIO

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
    say,
    settings_of,
)
from admin_app.declaration import Origin
from admin_app.errors import AppError, SetupError
from admin_app.records.transfer import (
    SAMPLE,
    Dialect,
    Encoding,
    Failure,
    Format,
    Import,
    Mode,
    Request,
    Table,
    encoding_of,
    format_of,
    plan,
    read_pair,
    read_request,
    read_table,
    report_header,
    report_line,
)

SHOWN = 20
"""Bad rows that are printed; ``--errors`` has them all."""

_File = Annotated[Path, typer.Argument(help="CSV, XLSX, JSON or NDJSON; - for standard input.")]
_Mapped = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=COLUMN[|STEP]…",
        help="Which column a field comes from, and how: trim, integer, split:SEPARATOR, "
        "by:FIELD, create, constant:VALUE, default:VALUE, keep. May be repeated.",
    ),
]
_Mapping = Annotated[
    Path | None, typer.Option(metavar="TOML", help="A file with the mapping.", dir_okay=False)
]
_Match = Annotated[
    str | None,
    typer.Option(
        metavar="FIELD[,FIELD]",
        help="What says which record a row is about: it is updated if it is there. "
        "Default: the key, if the file has it.",
    ),
]
_Skip = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="A column to pass over. May be repeated."),
]
_Errors = Annotated[
    Path | None, typer.Option(metavar="CSV", help="Write the rows that were refused here.")
]
_Format = Annotated[
    Format | None, typer.Option("--format", help="Default: what the file's name tells.")
]
_Encoding = Annotated[Encoding | None, typer.Option(help="Default: what the file's bytes tell.")]
_Sheet = Annotated[str, typer.Option(metavar="NAME", help="Of a workbook; default: the first.")]
_Mode = Annotated[Mode | None, typer.Option(help="Create and update (both), or one of the two.")]
_Atomic = Annotated[
    bool, typer.Option("--atomic", help="Keep nothing at all if any row is refused.")
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Tell what it would do, and keep nothing.")
]


def import_file(
    context: typer.Context,
    resource: ResourceName,
    file: _File,
    mapped: _Mapped = None,
    mapping: _Mapping = None,
    match: _Match = None,
    skip: _Skip = None,
    errors: _Errors = None,
    format_: _Format = None,
    encoding: _Encoding = None,
    sheet: _Sheet = "",
    mode: _Mode = None,
    user: As = None,
    *,
    atomic: _Atomic = False,
    dry_run: _DryRun = False,
) -> None:
    """Take records in from a file: create what is new, update what is not.

    Without a mapping each column goes to the field of its name, or of what people call it, so an
    export comes back as it is.
    Rows that are refused are reported with line and reason, and the rest is kept. With --match, or
    a key in the file, importing the same file again creates nothing twice.

    `admin-app import book books.csv --match source_id --map source_id=id --map title=title
    --map 'authors=authors|split:,|by:name|create'`
    """
    settings = settings_of(context)
    registry = registry_of(settings)
    target = resource_of(registry, resource)
    request = _request(mapping, mapped or [], match, skip or [], mode)
    table_format = format_ or format_of(file.name)
    total: Counter[str] = Counter()

    async def work(source: BinaryIO) -> None:
        async with opened(settings) as database:
            actor = await acting_user(database, user)
            dialect = Dialect(table_format, encoding or _encoding(file), sheet=sheet)
            table = read_table(source, dialect)
            records = records_of(settings, database, registry)
            seen = records.registry_for(actor)
            whole = Import(
                records,
                actor,
                plan(seen[target.name], seen, request, table.columns),
                table_format,
                origin=Origin("import", reason=file.name),
                atomic=atomic,
                keep=not dry_run,
            )
            with progress(target.label_plural, _rows_about(file)) as advance:
                await _run(whole, table, errors, total, advance)

    try:
        with _reading(file) as source:
            run(work(source))
    except AppError:
        if total:
            say(f"Stopped; until then: {_counts(total)}")
        raise
    nothing = dry_run or (atomic and total["refused"])
    kept = "; nothing was kept" if nothing else ""
    typer.echo((_counts(total) or "The file has no rows") + kept)
    if total["refused"]:
        raise typer.Exit(1)


async def _run(
    whole: Import,
    table: Table,
    errors: Path | None,
    total: Counter[str],
    advance: Callable[[int], None],
) -> None:
    """Import the rows of a table; ``total`` counts as far as they are kept."""
    with ExitStack() as stack:
        report = _Report(table, errors, stack)
        async for part in whole.run(table.rows):
            total.update(
                created=part.created,
                changed=part.changed,
                unchanged=part.unchanged,
                refused=len(part.failures),
            )
            report.add(part.failures)
            advance(part.rows)


def _counts(total: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in total.items())


class _Report:
    """Bad rows: the first on stderr, all in a file where one is wanted."""

    def __init__(self, table: Table, path: Path | None, stack: ExitStack) -> None:
        self._columns = table.columns
        self._path = path
        self._stack = stack
        self._file: IO[bytes] | None = None
        self._count = 0

    def add(self, failures: list[Failure]) -> None:
        for each in failures:
            self._count += 1
            if self._count <= SHOWN:
                say(f"line {each.row.line}: {'; '.join(each.reasons)}")
            elif self._count == SHOWN + 1:
                say("… and more: --errors FILE has them all")
            if self._path is not None:
                self._write(self._path, each)

    def _write(self, path: Path, failure: Failure) -> None:
        if self._file is None:
            self._file = self._stack.enter_context(created_file(path))
            self._file.write(report_header(self._columns))
        self._file.write(report_line(self._columns, failure))


def _encoding(file: Path) -> Encoding:
    """What the beginning of a file is written in, as far as it can be looked at twice."""
    if not file.is_file():
        return "utf-8"
    with file.open("rb") as stream:
        return encoding_of(stream.read(SAMPLE + 1))


def _request(
    file: Path | None,
    mapped: list[str],
    match: str | None,
    skip: list[str],
    mode: Mode | None,
) -> Request:
    try:
        written = read_request(file.read_text("utf-8")) if file else Request()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file} cannot be read: {error}."
        raise SetupError(msg) from error
    more = dict(_mapped(each) for each in mapped)
    fields = (
        tuple(each.strip() for each in match.split(",")) if match is not None else written.match
    )
    fitted = {**written.fields, **more}
    return Request(fitted, fields, (*written.skip, *skip), mode or written.mode)


def _mapped(text: str) -> tuple[str, str]:
    """A field and where it comes from."""
    return read_pair(text) or pair(text, "FIELD=COLUMN")


@contextmanager
def _reading(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        opened_file = file.open("rb")
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror}."
        raise SetupError(msg) from error
    with opened_file:
        yield opened_file


def _rows_about(file: Path) -> int | None:
    """How many rows a file has, as far as its lines tell."""
    if not file.is_file() or not os.isatty(sys.stderr.fileno()):
        return None
    with file.open("rb") as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(2**20), b""))
