"""``admin-app init`` and ``admin-app check``: a project's beginning and its soundness."""

from __future__ import annotations

import importlib.util
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer
from sqlalchemy import Float, Numeric, inspect
from sqlalchemy.ext.hybrid import HybridExtensionType

from admin_app.cli.common import registry_of, say, say_whose, settings_of
from admin_app.database import ExactDecimal
from admin_app.declaration import Registry
from admin_app.errors import SetupError

FILES = {
    "settings.toml": "settings.toml",
    "models.py.txt": "$package/__init__.py",
    "env.py.txt": "migrations/env.py",
    "gitkeep": "migrations/versions/.gitkeep",
    "gitignore": ".gitignore",
    "README.md": "README.md",
}
"""What a new project consists of, by its template."""


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(init)
    app.command()(check)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="New, or empty.")],
) -> None:
    """Make a project of one's own: settings, a module of models, migrations."""
    package = _package(directory.resolve().name)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        msg = f"{directory} is there already and not empty; nothing was written."
        raise SetupError(msg)
    names = {"package": package, "title": package.replace("_", " ").capitalize()}
    templates = files("admin_app.cli") / "template"
    try:
        for template, target in FILES.items():
            file = directory / Template(target).substitute(names)
            file.parent.mkdir(parents=True, exist_ok=True)
            text = (templates / template).read_text("utf-8")
            file.write_text(Template(text).substitute(names), "utf-8")
    except OSError as error:
        msg = f"{error.filename} cannot be written: {error.strerror}."
        raise SetupError(msg) from error
    name = directory.resolve().name
    say(
        f"Made {name}. Declare your models in {package}/__init__.py, then, in {name}:\n"
        '  admin-app db revision -m "First tables"\n'
        "  admin-app db upgrade\n"
        "  admin-app serve"
    )


def _package(name: str) -> str:
    """A name for the models' package that hides no other module."""
    word = re.sub(r"\W+", "_", name.lower(), flags=re.ASCII).strip("_") or "project"
    if not word.isidentifier():
        word = f"project_{word}"
    return f"{word}_models" if importlib.util.find_spec(word) else word


def check(context: typer.Context) -> None:
    """Report every mistake in the declarations at once; warn of what is allowed and unwise."""
    settings = settings_of(context)
    say_whose(settings)
    registry = registry_of(settings)
    for each in (*_python_only(registry), *(_inexact(registry) if settings.embedded else ())):
        say(f"warning: {each}")
    say(f"The declarations are sound: {', '.join(registry)}.")


def _python_only(registry: Registry) -> list[str]:
    return [
        f"{resource.model.__name__}.{name}: this hybrid is no SQL expression, so no door has it"
        for resource in registry.values()
        for name, each in inspect(resource.model).all_orm_descriptors.items()
        if each.extension_type is HybridExtensionType.HYBRID_PROPERTY
        and name not in resource.fields
        and name[0] != "_"
    ]


def _inexact(registry: Registry) -> list[str]:
    found = []
    for resource in registry.values():
        for field in resource.fields.values():
            type_ = None if field.column is None else field.column.type
            if isinstance(type_, Numeric) and not isinstance(type_, Float | ExactDecimal):
                place = f"{resource.model.__name__}.{field.name}"
                found.append(
                    f"{place}: SQLite keeps a plain Numeric as a float, inexact beyond 15 digits; "
                    "ExactDecimal keeps every digit"
                )
    return found
