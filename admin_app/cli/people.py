"""``admin-app user …`` and ``admin-app token …``: who may come in."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from admin_app import access
from admin_app.access.grants import find_holder
from admin_app.access.users import no_user
from admin_app.cli.common import (
    answer_table,
    on_database,
    records_of,
    registry_of,
    role_of,
    say,
    settings_of,
)
from admin_app.database import Database
from admin_app.declaration import COMMAND_LINE, SYSTEM

users = typer.Typer(
    name="user", help="People: made, disabled, given a password.", no_args_is_help=True
)
tokens = typer.Typer(name="token", help="API tokens, which act for a user.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The user's name.", show_default=False)]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]

Which = Annotated[
    str, typer.Argument(help="Its number, or how it begins (adm_ and eight characters).")
]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _password(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise typer.BadParameter("There is no terminal to ask at: give --password-stdin.")
    asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return asked


@users.command("create")
def create_user(
    context: typer.Context,
    name: Name,
    role: Annotated[
        list[str],
        typer.Option(help="administrator, editor, viewer, or one of your own; may be repeated."),
    ],
    *,
    password_stdin: FromStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="No sign-in till there is a password.")
    ] = False,
    service: Annotated[
        bool,
        typer.Option("--service", help="A service account: never signs in, acts through tokens."),
    ] = False,
) -> None:
    """Make a user. The password is asked for, unseen, unless an option says otherwise."""
    without = no_password or service
    if without and password_stdin:
        raise typer.BadParameter("Give one of --password-stdin, --no-password and --service alone.")
    password = None if without else _password(stdin=password_stdin)

    def make(database: Database) -> Awaitable[int]:
        return access.create_user(database, name, password, role, service=service)

    on_database(context, make)


@users.command("list")
def list_users(context: typer.Context) -> None:
    """Print every user with roles."""
    found = on_database(context, access.list_users)
    rows = [
        (each.name, ", ".join(each.roles) or "-", "active" if each.active else "disabled")
        for each in found
    ]
    answer_table(("NAME", "ROLES", "STATE"), rows)


@users.command("disable")
def disable_user(context: typer.Context, name: Name) -> None:
    """End all sessions of a user and refuse password and tokens from now on."""
    _change(context, name, {"active": False})


@users.command("enable")
def enable_user(context: typer.Context, name: Name) -> None:
    """Let a disabled user in again."""
    _change(context, name, {"active": True})


@users.command("roles")
def set_roles(
    context: typer.Context,
    name: Name,
    role: Annotated[list[str], typer.Option(help="A role; may be repeated.")],
) -> None:
    """Give a user these roles and no others."""
    _change(context, name, {}, roles=role)


@users.command("password")
def set_password(context: typer.Context, name: Name, *, password_stdin: FromStdin = False) -> None:
    """Give a user a new password; all sessions of that user end."""
    password = _password(stdin=password_stdin)
    on_database(context, lambda database: access.set_password(database, name, password))


@users.command("reset-second-factor")
def reset_second_factor(context: typer.Context, name: Name) -> None:
    """Remove the second factor of a user who has lost it, and the recovery codes too."""
    on_database(context, lambda database: access.reset_second_factor(database, name))


@users.command("link")
def password_link(context: typer.Context, name: Name) -> None:
    """Print a link by which a user sets a password of their own."""
    secret = on_database(
        context,
        lambda database: access.new_password_link(database, SYSTEM, name, COMMAND_LINE),
    )
    say("Good once, within 24 hours. Put your server's address in front:")
    typer.echo(f"/admin/password/{secret}")


@tokens.command("create")
def create_token(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="Whom it acts for.", show_default=False)],
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    expires: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Such as 12h, 30d or 52w; default: it does not expire."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RESOURCE:ACTION",
            help="What it is narrowed to, such as book:read or 'comment:*'; may be repeated. "
            "Default: all that the user may, except to users, roles and tokens.",
        ),
    ] = None,
) -> None:
    """Make a token and print it, and nothing else. It cannot be shown again."""
    life = None if expires is None else _duration(expires)
    scopes = scope or None
    if scopes is not None:
        access.check_known(scopes, registry_of(settings_of(context)))

    def make(database: Database) -> Awaitable[str]:
        return access.create_token(database, user, name, life, scopes=scopes)

    typer.echo(on_database(context, make))


@tokens.command("rotate")
def rotate_token(
    context: typer.Context,
    token: Which,
    overlap: Annotated[
        str, typer.Option(metavar="TIME", help="How long the old one stays good; 0h: not at all.")
    ] = "24h",
) -> None:
    """Make a token in the place of another and print it; the old one expires after the overlap."""
    which, both = _which(token), _duration(overlap)
    typer.echo(on_database(context, lambda database: access.rotate_token(database, which, both)))


@tokens.command("list")
def list_tokens(
    context: typer.Context,
    user: Annotated[str | None, typer.Argument(help="Only this user's.")] = None,
) -> None:
    """Print every token ever made, newest first; of the token itself only how it begins."""
    found = on_database(context, lambda database: access.list_tokens(database, user))
    rows = [
        (
            str(each.id),
            each.prefix,
            each.user_name,
            each.name,
            "-" if each.scopes is None else " ".join(each.scopes),
            _moment(each.expires_at, "never"),
            _moment(each.last_used_at, "never"),
            "" if each.state == "active" else each.state,
        )
        for each in found
    ]
    answer_table(("ID", "BEGINS", "USER", "NAME", "SCOPES", "EXPIRES", "LAST USED", ""), rows)


@tokens.command("revoke")
def revoke_token(context: typer.Context, token: Which) -> None:
    """End a token at once."""
    which = _which(token)
    on_database(context, lambda database: access.revoke_token(database, which))


def _change(
    context: typer.Context, name: str, data: dict[str, Any], roles: Iterable[str] | None = None
) -> None:
    """Change a user as any door does: the guards of users hold here too."""
    settings = settings_of(context)
    registry = registry_of(settings)

    async def change(database: Database) -> None:
        user = await database.read(lambda connection: find_holder(connection, name))
        if user is None:
            raise no_user(name)
        records = records_of(settings, database, registry)
        if roles is not None:
            known = {each.name: each.id for each in await records.roles(SYSTEM)}
            data["roles"] = [role_of(known, each) for each in dict.fromkeys(roles)]
        await records.update(
            SYSTEM, registry["admin_user"], (user.actor.user_id,), data, origin=COMMAND_LINE
        )

    on_database(context, change)


def _which(token: str) -> int | str:
    return int(token) if re.fullmatch(r"[0-9]{1,18}", token) else token


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if match is None:
        raise typer.BadParameter("Write a number and m, h, d or w, such as 30d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _moment(value: datetime | None, nothing: str) -> str:
    return nothing if value is None else value.strftime("%Y-%m-%d %H:%M")
