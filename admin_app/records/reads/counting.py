"""Count the records of a list: exactly, up to a cap, or beyond it as the database estimates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.policies import reach
from admin_app.database.explained import node_of
from admin_app.declaration import Actor, Registry, Resource
from admin_app.records.queries.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    KeyIn,
    Not,
    Related,
)
from admin_app.records.queries.query import Count, Query

COUNT_CAP = 10_000
"""The most rows a capped count counts."""


async def count_of(
    connection: AsyncConnection, matching: Select[Any], count: Count, *, estimable: bool
) -> int | None:
    """Count the rows of ``matching`` as asked; ``COUNT_CAP + 1`` stands for more than the cap.

    Up to the cap an estimate is exact as well. Where nothing can be estimated it is capped.
    """
    if count == "none":
        return None
    total: int = await connection.scalar(counted(matching, count)) or 0
    return await or_estimate(connection, matching, count, total, estimable=estimable)


async def or_estimate(
    connection: AsyncConnection, matching: Select[Any], count: Count, total: int, *, estimable: bool
) -> int:
    """What was counted, or beyond the cap what the database expects, where that is asked for."""
    if count == "estimated" and estimable and total > COUNT_CAP:
        return max(total, await _estimate(connection, matching))
    return total


def estimable(actor: Actor, registry: Registry, resource: Resource, query: Query) -> bool:
    """Whether an estimate reveals nothing out of the actor's sight.

    The statistics of a table count all of its rows. ``registry`` is as the actor sees it.
    """
    searched = [
        registry.target(resource.relations[name])
        for name, dot, _ in (each.partition(".") for each in resource.search if query.words)
        if dot
    ]
    return all(_all_seen(actor, each) for each in (resource, *searched)) and _tells_nothing(
        actor, registry, query.filters
    )


def _tells_nothing(actor: Actor, registry: Registry, conditions: Iterable[Condition]) -> bool:
    for each in conditions:
        match each:
            case Comparison(field, _, _):
                told = field.masked
            case KeyIn():
                told = False
            case AllOf(inner) | AnyOf(inner):
                told = not _tells_nothing(actor, registry, inner)
            case Not(one):
                told = not _tells_nothing(actor, registry, [one])
            case Related(relation, _, one):
                seen = _all_seen(actor, registry.target(relation))
                told = not (seen and _tells_nothing(actor, registry, [one]))
        if told:
            return False
    return True


def _all_seen(actor: Actor, resource: Resource) -> bool:
    return reach(actor.grants, resource, "read") is True


def counted(matching: Select[Any], count: Count) -> Select[Any]:
    """Count the rows of ``matching``, all of them or up to the cap and one more."""
    capped = matching if count == "exact" else matching.limit(COUNT_CAP + 1)
    return select(func.count()).select_from(capped.subquery())


async def _estimate(connection: AsyncConnection, matching: Select[Any]) -> int:
    """How many rows the planner expects; none on a database that does not say."""
    if connection.dialect.name != "postgresql":
        return 0
    node = await node_of(connection, matching)
    return int(node["Plan Rows"])
