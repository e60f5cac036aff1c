"""What hooks are given: ``Write`` to ``before_write``, ``Committed`` to ``after_commit``."""

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
    """A write that is about to be done: validated and allowed.

    Values are by field; those of a many-to-many relation are lists of what refers to its records.
    """

    session: AsyncSession
    registry: Registry
    actor: Actor
    origin: Origin
    action: Literal["create", "update", "delete"]
    before: Mapping[str, Any]
    """The stored record; empty for a create."""
    after: Mapping[str, Any]
    """The values given, after validation; empty for a delete."""

    def changes(self, *names: str) -> bool:
        """Whether the write changes the value of any of these fields."""
        return any(self.before.get(name) != self.after.get(name) for name in names)


@dataclass(frozen=True, slots=True)
class CommittedChange:
    """What a write did to one record, as recorded in its history."""

    action: str
    """``create``, ``update`` or ``delete``."""
    key: tuple[Any, ...]
    title: str
    before: Mapping[str, Any] | None
    """Fields as JSON data, sensitive ones as markers; of a set, the keys that were removed."""
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Committed:
    """The changes that a committed transaction made to the records of one resource."""

    resource: str
    actor: Actor
    origin: Origin
    changes: tuple[CommittedChange, ...]


AfterCommit = Callable[[Committed], Awaitable[None]]
"""Runs once the write is committed. What it raises is logged and changes nothing."""

Hook = Callable[[Write], Awaitable[None]]
"""Raises an ``AppError`` to refuse the write; ``InvalidInputError`` names fields."""
