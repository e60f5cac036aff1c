"""What a person keeps and a page needs of it: all preferences, and the views that it shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Select,
    Text,
    cast,
    false,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.tables import User
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.desk.tables import PreferenceRow, ViewRow
from admin_app.desk.views import SavedView, in_order

PINS = "pins"
"""The preference with the others' views that somebody has in their menu: a list of numbers."""
OPENS = "default_view:"
"""Begins the name of the preference with the number of the view that a list opens with."""

_NUMBERS = 2**63
"""What no number of a row reaches."""


@dataclass(frozen=True, slots=True)
class Place:
    """A person's preferences by name, and the views that a page shows, own and shared."""

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


async def place_of(
    database: Database, actor: Actor, resource: str = "", view: int | None = None
) -> Place:
    """Read the actor's personal state; empty for actors who are no users.

    Of the views those in the menu, the one that the list of ``resource`` opens with, and ``view``.
    It takes one statement, and another where any of them is named by a preference.
    """
    if actor.user_id is None:
        return Place()
    user_id = actor.user_id
    own = ViewRow.user_id == user_id
    shown = or_(own & ViewRow.pinned, false() if view is None else ViewRow.id == view)
    statement = union_all(_preferences(user_id), _views(user_id, shown))

    async def work(connection: AsyncConnection) -> Place:
        rows = (await connection.execute(statement)).all()
        chosen = {row.name: json.loads(row.text) for row in rows if row.id is None}
        views = [row for row in rows if row.id is not None]
        named = _named(chosen, resource) - {row.id for row in views}
        if named:
            more = await connection.execute(_views(user_id, ViewRow.id.in_(named)))
            views += more.all()
        found = (
            SavedView(number, resource, name, text, shared, pinned, owner_id == user_id, owner)
            for number, name, text, resource, owner_id, owner, shared, pinned in views
        )
        return Place(chosen, tuple(sorted(found, key=in_order)))

    return await database.read(work)


def _named(preferences: Mapping[str, Any], resource: str) -> set[int]:
    """The numbers of views in preferences, which hold whatever was kept there."""
    pins = preferences.get(PINS)
    numbers = [*(pins if isinstance(pins, list) else []), preferences.get(OPENS + resource)]
    return {each for each in numbers if type(each) is int and 0 < each < _NUMBERS}


def _preferences(user_id: int) -> Select[*tuple[Any, ...]]:
    return select(
        cast(null(), Integer).label("id"),
        PreferenceRow.name.label("name"),
        cast(PreferenceRow.value, Text).label("text"),
        cast(null(), Text),
        cast(null(), Integer),
        cast(null(), Text),
        cast(null(), Boolean),
        cast(null(), Boolean),
    ).where(PreferenceRow.user_id == literal(user_id))


def _views(user_id: int, shown: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
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
        .where(or_(ViewRow.user_id == literal(user_id), ViewRow.shared), shown)
    )
