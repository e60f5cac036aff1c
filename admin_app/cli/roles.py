"""``admin-app role …``: roles and what they allow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from admin_app.cli.common import (
    answer_table,
    on_records,
    registry_of,
    resource_of,
    role_of,
    settings_of,
)
from admin_app.declaration import ACTIONS, COMMAND_LINE, SYSTEM, Grant, Registry
from admin_app.declaration import Resource as Declared
from admin_app.errors import NotFoundError, SetupError
from admin_app.records import Records, Representation, Writer
from admin_app.suggestions import meant

app = typer.Typer(
    name="role", help="Roles: what they allow on which records.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The role's name.", show_default=False)]
Resource = Annotated[
    str, typer.Argument(help="A resource, or '*' for every declared one.", show_default=False)
]
Actions = Annotated[
    list[str],
    typer.Argument(
        help=f"{', '.join(ACTIONS)}, or another that the resource declares; or all.",
        show_default=False,
    ),
]
Seconds = Annotated[
    float | None, typer.Option(help="How long its holders' statements may run; else as usual.")
]
Rule = Annotated[str | None, typer.Option(help="Only the rows of this rule of the declaration.")]


@app.command("list")
def list_roles(context: typer.Context) -> None:
    """Print every role with its description."""
    found = on_records(context, lambda records: records.roles(SYSTEM))
    answer_table(
        ("NAME", "STATEMENTS", "DESCRIPTION"),
        [(each.name, _limit(each.statement_seconds), each.description) for each in found],
    )


@app.command("create")
def create_role(
    context: typer.Context,
    name: Name,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    statement_seconds: Seconds = None,
) -> None:
    """Make a role, which grants nothing yet."""
    data = {"name": name, "description": description, "statement_seconds": statement_seconds}

    def make(records: Records) -> Awaitable[Representation]:
        role = records.registry["admin_role"]
        return records.create(SYSTEM, role, data, origin=COMMAND_LINE)

    on_records(context, make)


@app.command("limit")
def limit(
    context: typer.Context,
    name: Name,
    seconds: Annotated[
        float | None, typer.Argument(help="Seconds; without, as long as is usual.")
    ] = None,
) -> None:
    """Say how long a statement of its holders may run; of several roles the longest counts."""

    async def change(records: Records) -> None:
        key, resource = (await _role(records, name),), records.registry["admin_role"]
        data = {"statement_seconds": seconds}
        await records.update(SYSTEM, resource, key, data, origin=COMMAND_LINE)

    on_records(context, change)


@app.command("delete")
def delete_role(context: typer.Context, name: Name) -> None:
    """Delete a role that nobody has."""

    async def drop(records: Records) -> None:
        resource = records.registry["admin_role"]
        key = (await _role(records, name),)
        await records.delete(SYSTEM, resource, key, origin=COMMAND_LINE)

    on_records(context, drop)


@app.command("allow")
def allow(
    context: typer.Context,
    name: Name,
    resource: Resource,
    actions: Actions,
    rule: Rule = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD",
            help="A field that it does not extend to: hidden from who reads, not to be set by who "
            "creates or updates; may be repeated.",
        ),
    ] = None,
) -> None:
    """Let a role do something, such as: allow librarian book read update --rule own."""
    grants = _grants(registry_of(settings_of(context)), resource, actions, rule)
    withheld = without or None

    async def give(writer: Writer, resource: Declared, role: int) -> None:
        for grant in grants:
            held = await _held(writer, resource, role, grant)
            if held is None:
                data = {"role_id": role, **_named(grant), "without": withheld}
                await writer.create(resource, data)
            else:
                await writer.update(resource, (held,), {"without": withheld})

    _change(context, name, give)


@app.command("forbid")
def forbid(
    context: typer.Context, name: Name, resource: Resource, actions: Actions, rule: Rule = None
) -> None:
    """Take back what was allowed, in the same words."""
    grants = _grants(registry_of(settings_of(context)), resource, actions, rule)

    async def take(writer: Writer, resource: Declared, role: int) -> None:
        for grant in grants:
            held = await _held(writer, resource, role, grant)
            if held is None:
                narrowed = f" by the rule {grant.rule}" if grant.rule else ""
                msg = f"{name} does not grant {grant.action} on {grant.resource}{narrowed}."
                raise NotFoundError(msg)
            await writer.delete(resource, (held,))

    _change(context, name, take)


def _limit(seconds: float | None) -> str:
    return "as usual" if seconds is None else f"{seconds:g} s"


def _change(
    context: typer.Context, name: str, work: Callable[[Writer, Declared, int], Awaitable[None]]
) -> None:
    """Run ``work``, given the resource of grants and the id of a role, as one write."""

    async def change(records: Records) -> None:
        role, resource = await _role(records, name), records.registry["admin_grant"]
        await records.write(SYSTEM, COMMAND_LINE, lambda writer: work(writer, resource, role))

    on_records(context, change)


async def _role(records: Records, name: str) -> int:
    """The id of a role. Raises ``NotFoundError`` naming the nearest."""
    return role_of({each.name: each.id for each in await records.roles(SYSTEM)}, name)


async def _held(writer: Writer, resource: Declared, role: int, grant: Grant) -> int | None:
    """The id of a role's grant of the same, whatever is withheld of it."""
    found = await writer.find(resource, [resource.fields["role_id"]], [(role,)], sets=False)
    wanted = _named(grant)
    ids = (
        each["id"]
        for each in found.get((role,), [])
        if all(each[name] == value for name, value in wanted.items())
    )
    return next(ids, None)


def _named(grant: Grant) -> dict[str, Any]:
    return {"resource": grant.resource, "action": grant.action, "rule": grant.rule}


def _grants(registry: Registry, resource: str, actions: list[str], rule: str | None) -> list[Grant]:
    """The grants that the words of a command mean. Raises ``SetupError`` naming the nearest."""
    name = "*" if resource == "*" else resource_of(registry, resource).name
    concerned: list[Declared] = (
        [each for each in registry.values() if not each.own] if name == "*" else [registry[name]]
    )
    known = list(dict.fromkeys(action for each in concerned for action in each.actions))
    wanted = known if actions == ["all"] else actions
    for each in wanted:
        if each not in known:
            msg = f"There is no action {each!r}.{meant(each, known)} Known: {', '.join(known)}."
            raise SetupError(msg)
    rules = {*registry[name].rules} if name != "*" else set()
    if rule is not None and rule not in rules:
        declared = f"Declared: {', '.join(sorted(rules))}." if rules else "It declares none."
        msg = f"{name} has no rule {rule!r}.{meant(rule, rules)} {declared}"
        raise SetupError(msg)
    return [Grant(name, action, rule) for action in known if action in wanted]
