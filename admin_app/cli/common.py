"""What the commands share: which project, how to open it, how to talk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from admin_app.access import actor_of_user
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor, Base, Registry, Resource
from admin_app.errors import BadRequestError, NotFoundError, SetupError
from admin_app.records import Records
from admin_app.secret import installation_secret
from admin_app.settings import SETTINGS_FILE, AppSection, Settings, load_settings
from admin_app.suggestions import meant

T = TypeVar("T")

_ROOT = Path()

ResourceName = Annotated[str, typer.Argument(help="Such as book.", show_default=False)]
As = Annotated[
    str | None,
    typer.Option("--as", metavar="USER", help="Act as this user, with no more rights than that."),
]


def options(
    context: typer.Context,
    project: Annotated[
        Path,
        typer.Option(
            "--project",
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="The project's folder, where settings.toml is.",
        ),
    ] = _ROOT,
) -> None:
    """Take the options that every command has."""
    context.obj = project.resolve()


def settings_of(context: typer.Context) -> Settings:
    """The settings of the project that the command is about."""
    root: Path = context.obj
    # A project's models are found from its folder, as Python itself finds modules.
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return load_settings(root)


def say_whose(settings: Settings) -> None:
    """Say that this is the example library, where somebody may have missed a project's folder."""
    found = (settings.root / SETTINGS_FILE).exists()
    if not found and settings.app.models == AppSection().models:
        say(
            f"There is no {SETTINGS_FILE} in {settings.root}: this is the example library. "
            "admin-app init DIR makes a project, --project DIR names one."
        )


def registry_of(settings: Settings) -> Registry:
    """The project's resources. Raises ``DeclarationError``."""
    return Registry.from_base(Base, settings.app.models)


def resource_of(registry: Registry, name: str) -> Resource:
    """The resource of a name, singular or plural. Raises ``SetupError`` naming the nearest."""
    found = registry.get(name) or registry.by_plural(name)
    if found is None:
        known = ", ".join(registry)
        msg = f"There is no resource {name!r}.{meant(name, registry)} Known: {known}."
        raise SetupError(msg)
    return found


def role_of(known: Mapping[str, int], name: str) -> int:
    """The id of the role of a name. Raises ``NotFoundError`` naming the nearest."""
    if name not in known:
        msg = f"There is no role {name!r}.{meant(name, known)} Known: {', '.join(known)}."
        raise NotFoundError(msg)
    return known[name]


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The project's database, closed at the end."""
    database = Database(settings)
    try:
        yield database
    finally:
        await database.close()


def records_of(settings: Settings, database: Database, registry: Registry) -> Records:
    """The project's records."""
    return Records(database, registry, installation_secret(settings))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end."""
    return asyncio.run(work)


def on_database(context: typer.Context, work: Callable[[Database], Awaitable[T]]) -> T:
    """Run ``work`` on the database of the command's project."""

    async def whole() -> T:
        async with opened(settings_of(context)) as database:
            return await work(database)

    return run(whole())


def on_records(context: typer.Context, work: Callable[[Records], Awaitable[T]]) -> T:
    """Run ``work`` on the records of the command's project."""
    settings = settings_of(context)
    registry = registry_of(settings)
    return on_database(context, lambda database: work(records_of(settings, database, registry)))


def say(text: str) -> None:
    """Tell the person something that is not the command's answer."""
    typer.echo(text, err=True)


def answer_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns, as wide as needed."""
    table = [header, *rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(header))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on stderr, when that is a terminal; what is given advances it."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(label, total=total)
        yield lambda steps: bar.advance(task, steps)


def pair(text: str, form: str) -> tuple[str, str]:
    """Read an argument such as ``name=value``; ``form`` is how it is written in the help."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        msg = f"{text!r} is not of the form {form}."
        raise typer.BadParameter(msg)
    return name.strip(), value


async def acting_user(database: Database, user: str | None) -> Actor:
    """Who ``--as`` names, else the command line itself. Raises ``NotFoundError``."""
    return SYSTEM if user is None else await actor_of_user(database, user)


@contextmanager
def created_file(path: Path) -> Iterator[IO[bytes]]:
    """A new file, closed at the end. Raises ``BadRequestError`` where it cannot be written."""
    try:
        file = path.open("wb")
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror}."
        raise BadRequestError(msg) from error
    with file:
        yield file
