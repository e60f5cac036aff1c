"""Read all personal state that a page needs in one statement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Boolean, Integer, Select, Text, cast, literal, null, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.tables import User
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.desk.tables import PreferenceRow, ViewRow
from admin_app.desk.views import SavedView, in_order

PINS = "pins"
"""The preference with the others' views that somebody has in their menu: a list of numbers."""


@dataclass(frozen=True, slots=True)
class Place:
    """A person's preferences by name, and the views they can use, own and shared."""

    preferences: Mapping[str, Any] = field(default_factory=dict)
    views: tuple[SavedView, ...] = ()

    def views_of(self, resource: str) -> list[SavedView]:
        """The views of a resource's list."""
        return [each for each in self.views if each.resource == resource]

    def pinned(self, resource: str) -> list[SavedView]:
        """Those of them that stand in the menu."""
        return [each for each in self.views_of(resource) if self.pins(each)]

    def pins(self, view: SavedView) -> bool:
        """Whether a view stands in the menu, which is everybody's own."""
        return view.pinned if view.own else view.id in self.others_pinned

    @property
    def others_pinned(self) -> list[Any]:
        """The numbers of the others' views in the menu."""
        kept = self.preferences.get(PINS)
        return kept if isinstance(kept, list) else []


async def place_of(database: Database, actor: Actor) -> Place:
    """Read the actor's personal state; empty for actors who are no users."""
    if actor.user_id is None:
        return Place()
    statement = union_all(_preferences(actor.user_id), _views(actor.user_id))

    async def work(connection: AsyncConnection) -> Place:
        chosen: dict[str, Any] = {}
        views = []
        rows = await connection.execute(statement)
        for number, name, text, resource, owner_id, owner, shared, pinned in rows:
            if number is None:
                chosen[name] = json.loads(text)
                continue
            own = owner_id == actor.user_id
            views.append(SavedView(number, resource, name, text, shared, pinned, own, owner))
        return Place(chosen, tuple(sorted(views, key=in_order)))

    return await database.read(work)


def _preferences(user_id: int) -> Select[*tuple[Any, ...]]:
    return select(
        cast(null(), Integer),
        PreferenceRow.name,
        cast(PreferenceRow.value, Text),
        cast(null(), Text),
        cast(null(), Integer),
        cast(null(), Text),
        cast(null(), Boolean),
        cast(null(), Boolean),
    ).where(PreferenceRow.user_id == literal(user_id))


def _views(user_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            ViewRow.id,
            ViewRow.name,
            ViewRow.query,
            ViewRow.resource,
            ViewRow.user_id,
            User.name,
            ViewRow.shared,
            ViewRow.pinned,
        )
        .join(User, User.id == ViewRow.user_id)
        .where(or_(ViewRow.user_id == literal(user_id), ViewRow.shared))
    )
