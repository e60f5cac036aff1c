"""``admin-app role …``: what a role allows, and the table of all of it for review."""

from __future__ import annotations

import csv
import sys
from typing import Annotated, get_args

import typer

from admin_app import access
from admin_app.access.policies import reach
from admin_app.cli.common import answer_table, on_database, registry_of, resource_of, settings_of
from admin_app.declaration import ACTIONS, Action, Grant, Registry
from admin_app.errors import SetupError
from admin_app.records.transfer import nearest

app = typer.Typer(
    name="role", help="Roles: what they allow on which records.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The role's name.", show_default=False)]
Resource = Annotated[
    str, typer.Argument(help="A resource, or '*' for every one.", show_default=False)
]
Actions = Annotated[
    list[str], typer.Argument(help=f"{', '.join(ACTIONS)}, or all.", show_default=False)
]
Rule = Annotated[str | None, typer.Option(help="Only the rows of this rule of the declaration.")]


@app.command("list")
def list_roles(context: typer.Context) -> None:
    """Print every role with its description."""
    found = on_database(context, access.list_roles)
    answer_table(("NAME", "DESCRIPTION"), [(each.name, each.description) for each in found])


@app.command("create")
def create_role(
    context: typer.Context,
    name: Name,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a role, which grants nothing yet."""
    on_database(context, lambda database: access.create_role(database, name, description))


@app.command("delete")
def delete_role(context: typer.Context, name: Name) -> None:
    """Delete a role that nobody has."""
    on_database(context, lambda database: access.delete_role(database, name))


@app.command("allow")
def allow(
    context: typer.Context, name: Name, resource: Resource, actions: Actions, rule: Rule = None
) -> None:
    """Let a role do something, such as: allow librarian book read update --rule own."""
    grants = _grants(registry_of(settings_of(context)), resource, actions, rule)
    on_database(context, lambda database: access.allow(database, name, grants))


@app.command("forbid")
def forbid(
    context: typer.Context, name: Name, resource: Resource, actions: Actions, rule: Rule = None
) -> None:
    """Take back what was allowed, in the same words."""
    grants = _grants(registry_of(settings_of(context)), resource, actions, rule)
    on_database(context, lambda database: access.forbid(database, name, grants))


@app.command("matrix")
def matrix(
    context: typer.Context,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV, to be kept in git.")] = False,
) -> None:
    """Print what every role may do to every resource: all rows, or those of which rules."""
    registry = registry_of(settings_of(context))
    header = ("ROLE", "RESOURCE", *(each.upper() for each in ACTIONS))
    rows = [
        (role.name, name, *(_cell(role.grants, registry, name, action) for action in ACTIONS))
        for role in on_database(context, access.list_roles)
        for name in registry
    ]
    if as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([header, *rows])
    else:
        answer_table(header, rows)


def _cell(grants: frozenset[Grant], registry: Registry, resource: str, action: Action) -> str:
    found = reach(grants, registry[resource], action)
    if isinstance(found, bool):
        return "all" if found else "-"
    return " ".join(found)


def _grants(registry: Registry, resource: str, actions: list[str], rule: str | None) -> list[Grant]:
    """The grants that the words of a command mean. Raises ``SetupError`` naming the nearest."""
    name = "*" if resource == "*" else resource_of(registry, resource).name
    known: tuple[Action, ...] = get_args(Action)
    wanted = list(known) if actions == ["all"] else actions
    for each in wanted:
        if each not in known:
            msg = f"There is no action {each!r}{nearest(each, known)}. Known: {', '.join(known)}."
            raise SetupError(msg)
    rules = {*registry[name].rules} if name != "*" else set()
    if rule is not None and rule not in rules:
        declared = f"Declared: {', '.join(sorted(rules))}." if rules else "It declares none."
        msg = f"{name} has no rule {rule!r}{nearest(rule, rules)}. {declared}"
        raise SetupError(msg)
    return [Grant(name, action, rule) for action in known if action in wanted]
