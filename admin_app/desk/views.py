"""Saved views: a list's address under a name, one's own or shared with everybody."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, false, func, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from admin_app.access.roles import ADMINISTRATOR
from admin_app.access.tables import User, upsert
from admin_app.database import Database
from admin_app.declaration import Actor
from admin_app.desk.tables import VIEW_NAME_LENGTH, ViewRow
from admin_app.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError

MOST_VIEWS = 200
"""The most views of one user."""
MAX_QUERY = 4 * 1024
"""Characters of a list's parameters."""
_TURNING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""What turns the direction of text, of others' as well: a shared name stands among other words."""
TAKEN = "There is a view of this name already."


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view as the one who asks sees it."""

    id: int
    resource: str
    name: str
    query: str
    """The list's parameters, as in its address."""
    shared: bool
    pinned: bool
    own: bool
    owner: str

    def changeable_by(self, actor: Actor) -> bool:
        """Whether whoever asked for it may change and remove it: the rule of ``_theirs``."""
        if actor.impersonator is not None:
            return False
        return self.own or (self.shared and ADMINISTRATOR in actor.roles)


def in_order(view: SavedView) -> tuple[str, str, int]:
    """The sort key of views."""
    return view.resource, view.name.lower(), view.id


async def list_views(
    database: Database, actor: Actor, resource: str | None = None
) -> list[SavedView]:
    """One's own views and those shared by others, of one resource or of every one, by name."""
    statement = (
        select(ViewRow, User.name)
        .join(User, User.id == ViewRow.user_id)
        .where(or_(ViewRow.user_id == actor.user_id, ViewRow.shared))
        .where(true() if resource is None else ViewRow.resource == resource)
        .order_by(ViewRow.resource, func.lower(ViewRow.name), ViewRow.id)
    )

    async def work(connection: AsyncConnection) -> list[SavedView]:
        return [
            SavedView(
                row.id,
                row.resource,
                row.name,
                row.query,
                row.shared,
                row.pinned,
                row.user_id == actor.user_id,
                row[-1],
            )
            for row in await connection.execute(statement)
        ]

    return await database.read(work)


async def save_view(
    database: Database,
    actor: Actor,
    resource: str,
    name: str,
    query: str,
    *,
    shared: bool = False,
    pinned: bool = False,
) -> int:
    """Save a view and return its id; the actor's own view of the same name is replaced.

    Raises ``BadRequestError`` for a name or parameters that cannot be kept, and ``ForbiddenError``
    for whoever acts as somebody else.
    """
    name = _checked(actor, name, query)
    mine = ViewRow.user_id == actor.user_id
    same = mine, ViewRow.resource == resource, ViewRow.name == name
    values = {"query": query, "shared": shared, "pinned": pinned}

    async def work(session: AsyncSession) -> int:
        known = await session.scalar(
            update(ViewRow).where(*same).values(values).returning(ViewRow.id)
        )
        if known is not None:
            return int(known)
        count = await session.scalar(select(func.count()).where(mine))
        if count is not None and count >= MOST_VIEWS:
            msg = f"No more than {MOST_VIEWS} views are kept. Remove one first."
            raise BadRequestError(msg)
        insert = upsert(database.dialect, ViewRow).values(
            user_id=actor.user_id, resource=resource, name=name, **values
        )
        # The same form may come twice at once.
        kept = insert.on_conflict_do_update(
            index_elements=["user_id", "resource", "name"], set_=values
        )
        made: int = (await session.execute(kept.returning(ViewRow.id))).scalar_one()
        return made

    return await database.write(work)


async def change_view(
    database: Database,
    actor: Actor,
    view_id: int,
    *,
    name: str | None = None,
    query: str | None = None,
    shared: bool | None = None,
    pinned: bool | None = None,
) -> None:
    """Rename a view, give it other parameters, share or pin it or no longer: what is given.

    Raises ``NotFoundError`` for one that the actor may not change (``SavedView.changeable_by``),
    ``ConflictError`` where its owner has another of that name, and what ``save_view`` does.
    """
    if name is not None or query is not None:
        checked = _checked(actor, "any" if name is None else name, query or "")
        name = None if name is None else checked
    given = {"name": name, "query": query, "shared": shared, "pinned": pinned}
    values = {name: value for name, value in given.items() if value is not None}

    async def work(session: AsyncSession) -> None:
        if name is not None:
            await _require_free(session, view_id, name)
        changed = await session.scalar(
            update(ViewRow).where(*_theirs(actor, view_id)).values(values).returning(ViewRow.id)
        )
        _require_found(changed)

    try:
        if values:
            await database.write(work)
    except IntegrityError as error:
        raise ConflictError(TAKEN) from error


async def remove_view(database: Database, actor: Actor, view_id: int) -> None:
    """Forget a view. Raises ``NotFoundError`` as ``change_view`` does."""

    async def work(session: AsyncSession) -> None:
        removed = await session.scalar(
            delete(ViewRow).where(*_theirs(actor, view_id)).returning(ViewRow.id)
        )
        _require_found(removed)

    await database.write(work)


def _checked(actor: Actor, name: str, query: str) -> str:
    if actor.user_id is None or actor.impersonator is not None:
        msg = "Views are kept by people for themselves."
        raise ForbiddenError(msg)
    name = " ".join(name.translate(_TURNING).split())
    seen = any(each.isprintable() and each != " " for each in name)
    if not seen or len(name) > VIEW_NAME_LENGTH or "\0" in name:
        msg = f"A view has a name of at most {VIEW_NAME_LENGTH} characters."
        raise BadRequestError(msg)
    if len(query) > MAX_QUERY or "\0" in query:
        msg = "This list's address is too long to be kept."
        raise BadRequestError(msg)
    return name


def _theirs(actor: Actor, view_id: int) -> tuple[ColumnElement[bool], ...]:
    """The conditions of a view that the actor may change; see ``SavedView.changeable_by``."""
    own = false() if actor.impersonator is not None else ViewRow.user_id == actor.user_id
    if actor.impersonator is None and ADMINISTRATOR in actor.roles:
        own = or_(own, ViewRow.shared)
    return ViewRow.id == view_id, own


async def _require_free(session: AsyncSession, view_id: int, name: str) -> None:
    this = aliased(ViewRow)
    taken = await session.scalar(
        select(ViewRow.id)
        .join(this, (this.user_id == ViewRow.user_id) & (this.resource == ViewRow.resource))
        .where(this.id == view_id, ViewRow.id != view_id, ViewRow.name == name)
    )
    if taken is not None:
        raise ConflictError(TAKEN)


def _require_found(view_id: int | None) -> None:
    if view_id is None:
        msg = "There is no such view of yours."
        raise NotFoundError(msg)
