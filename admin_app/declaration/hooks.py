"""``Write``: a write that is about to be done, as the ``before_write`` of a declaration sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.ext.asyncio import AsyncSession

from admin_app.declaration.actor import Actor, Origin

if TYPE_CHECKING:
    from admin_app.declaration.registry import Registry


@dataclass(frozen=True, slots=True)
class Write:
    """A write in its transaction: validated, allowed, and not yet done.

    Values are by field; a many-to-many relation's is the list of what refers to its records.
    """

    session: AsyncSession
    registry: Registry
    actor: Actor
    origin: Origin
    action: Literal["create", "update", "delete"]
    before: Mapping[str, Any]
    """The record as it is; nothing for a create."""
    after: Mapping[str, Any]
    """As it will be, as far as it is given; nothing for a delete."""

    def changes(self, *names: str) -> bool:
        """Whether any of the fields will have another value."""
        return any(self.before.get(name) != self.after.get(name) for name in names)


@dataclass(frozen=True, slots=True)
class CommittedChange:
    """What a write did to one record, as its history tells it."""

    action: str
    """``create``, ``update`` or ``delete``."""
    key: tuple[Any, ...]
    title: str
    before: Mapping[str, Any] | None
    """Fields as JSON data, sensitive ones as markers; of a set the keys that left."""
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Committed:
    """The changes of one transaction to the records of one resource, which are there to stay."""

    resource: str
    actor: Actor
    origin: Origin
    changes: tuple[CommittedChange, ...]


AfterCommit = Callable[[Committed], Awaitable[None]]
"""Runs once the write is committed. What it raises is logged and changes nothing."""

Hook = Callable[[Write], Awaitable[None]]
"""Raises an ``AppError`` to refuse the write; ``InvalidInputError`` names fields."""
