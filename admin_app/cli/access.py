"""``admin-app access …``: who may do what, as a table for review, and why."""

from __future__ import annotations

import csv
import sys
from typing import Annotated

import typer

from admin_app.access.policies import reach, withheld
from admin_app.cli.common import answer_table, on_records, registry_of, resource_of, settings_of
from admin_app.declaration import ACTIONS, SYSTEM, Grant, Resource
from admin_app.records import Explanation

app = typer.Typer(
    name="access", help="Who may do what: for review, and explained.", no_args_is_help=True
)


@app.command("matrix")
def matrix(
    context: typer.Context,
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV, to be kept in git.")] = False,
) -> None:
    """Print what every role may do to every resource.

    All rows, or those of which rules, and without which fields; nothing where there is no such
    action.
    """
    registry = registry_of(settings_of(context))
    actions = registry.actions
    roles = on_records(context, lambda records: records.roles(SYSTEM))
    header = ("ROLE", "RESOURCE", *(each.upper() for each in actions))
    rows = []
    for role in roles:
        grants = frozenset(each.grant for each in role.grants)
        for resource in registry.values():
            cells = (_cell(grants, resource, action) for action in actions)
            rows.append((role.name, resource.name, *cells))
    if as_csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([header, *rows])
    else:
        answer_table(header, rows)


@app.command("explain")
def explain(
    context: typer.Context,
    user: Annotated[str, typer.Argument(help="The user's name.", show_default=False)],
    resource: Annotated[str, typer.Argument(help="A resource.", show_default=False)],
    action: Annotated[
        str,
        typer.Argument(
            help=f"{', '.join(ACTIONS)}, or another that the resource declares.", show_default=False
        ),
    ],
    key: Annotated[str | None, typer.Argument(help="The key of one of its records.")] = None,
    field: Annotated[str | None, typer.Option(help="Tell of this field only.")] = None,
) -> None:
    """Tell whether a user may do something, by which grants and rules, and what of each field."""
    name = resource_of(registry_of(settings_of(context)), resource).name
    found = on_records(
        context,
        lambda records: records.explain(SYSTEM, user, name, action, key=key, field=field),
    )
    typer.echo(f"{found.verdict}: {found.words}")
    if found.grants:
        typer.echo()
        answer_table(("ROLE", "RESOURCE", "ACTION", "ROWS", "WITHOUT"), _grants(found))
    typer.echo()
    fields = [(each.name, each.state.replace("_", " "), each.words) for each in found.fields]
    answer_table(("FIELD", "STATE", "WHY"), fields)


def _cell(grants: frozenset[Grant], resource: Resource, action: str) -> str:
    if action not in resource.actions:
        return ""
    found = reach(grants, resource, action)
    if found is False:
        return "-"
    rows = "all" if found is True else " ".join(found)
    fields = sorted(withheld(grants, resource, action))
    return f"{rows} without {' '.join(fields)}" if fields else rows


def _grants(found: Explanation) -> list[tuple[str, ...]]:
    truth = {True: " (true)", False: " (not true)", None: ""}
    return [
        (
            each.held.role,
            each.held.grant.resource,
            each.held.grant.action,
            f"{each.held.grant.rule}{truth[each.true]}" if each.held.grant.rule else "all",
            " ".join(sorted(each.held.grant.without)) or "-",
        )
        for each in found.grants
    ]
