"""``admin-app user …`` and ``admin-app token …``: who may come in."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from typing import Annotated

import typer

from admin_app import access
from admin_app.cli.common import answer_table, on_database

users = typer.Typer(
    name="user", help="People: made, disabled, given a password.", no_args_is_help=True
)
tokens = typer.Typer(name="token", help="API tokens, which act for a user.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The user's name.", show_default=False)]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
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
        bool, typer.Option("--no-password", help="No sign-in: acts through API tokens only.")
    ] = False,
) -> None:
    """Make a user. The password is asked for, unseen, unless an option says otherwise."""
    if no_password and password_stdin:
        raise typer.BadParameter("Give --password-stdin or --no-password, not both.")
    password = None if no_password else _password(stdin=password_stdin)
    on_database(context, lambda database: access.create_user(database, name, password, role))


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
    on_database(context, lambda database: access.disable_user(database, name))


@users.command("enable")
def enable_user(context: typer.Context, name: Name) -> None:
    """Let a disabled user in again."""
    on_database(context, lambda database: access.enable_user(database, name))


@users.command("roles")
def set_roles(
    context: typer.Context,
    name: Name,
    role: Annotated[list[str], typer.Option(help="A role; may be repeated.")],
) -> None:
    """Give a user these roles and no others."""
    on_database(context, lambda database: access.set_roles(database, name, role))


@users.command("password")
def set_password(context: typer.Context, name: Name, *, password_stdin: FromStdin = False) -> None:
    """Give a user a new password; all sessions of that user end."""
    password = _password(stdin=password_stdin)
    on_database(context, lambda database: access.set_password(database, name, password))


@tokens.command("create")
def create_token(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="Whom it acts for.", show_default=False)],
    name: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    expires: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Such as 12h, 30d or 52w; default: it does not expire."),
    ] = None,
) -> None:
    """Make a token and print it, and nothing else. It cannot be shown again."""
    life = None if expires is None else _duration(expires)
    typer.echo(
        on_database(context, lambda database: access.create_token(database, user, name, life))
    )


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
            _moment(each.expires_at, "never"),
            _moment(each.last_used_at, "never"),
            "revoked" if each.revoked_at else "",
        )
        for each in found
    ]
    answer_table(("ID", "BEGINS", "USER", "NAME", "EXPIRES", "LAST USED", ""), rows)


@tokens.command("revoke")
def revoke_token(
    context: typer.Context,
    token: Annotated[
        str, typer.Argument(help="Its number, or how it begins (adm_ and eight characters).")
    ],
) -> None:
    """End a token at once."""
    which = int(token) if token.isascii() and token.isdigit() else token
    on_database(context, lambda database: access.revoke_token(database, which))


def _duration(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if match is None:
        raise typer.BadParameter("Write a number and m, h, d or w, such as 30d.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _moment(value: datetime | None, nothing: str) -> str:
    return nothing if value is None else value.strftime("%Y-%m-%d %H:%M")
