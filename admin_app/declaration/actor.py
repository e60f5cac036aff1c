"""Who acts, and ``actor``: the acting person as a symbol that rules are written with.

``actor.user_id`` in a rule is a bind whose value is taken from the acting person when a statement
runs. So a rule is static SQL, built once at start-up, and its compiled form serves everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import BindParameter, Boolean, Integer, String, bindparam
from sqlalchemy.types import TypeEngine

Action = Literal["read", "create", "update", "delete"]
ACTIONS: tuple[Action, ...] = ("read", "create", "update", "delete")
EVERY_RESOURCE = "*"
EVERY_OWN_RESOURCE = "admin_*"
"""Stands in grants for all of the application's own resources; held by the command line only."""

Source = Literal["rest", "panel", "command line", "import"]


@dataclass(frozen=True, slots=True)
class Grant:
    """That an action is allowed on a resource, on all rows or by a rule.

    ``*`` is every declared resource and none of the application's own. ``without`` are the fields
    it does not extend to.
    """

    resource: str
    action: str
    rule: str | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in person, an API token's owner, the command line, or nobody."""

    user_id: int | None
    name: str
    grants: frozenset[Grant] = frozenset()
    roles: frozenset[str] = frozenset()
    token_id: int | None = None
    session_id: int | None = None
    impersonator: str | None = None
    """The administrator who acts as this user."""
    confirmed_at: datetime | None = None
    """When the person behind a session last proved to be there."""
    statement_limits: frozenset[float | None] = frozenset()
    """Statement timeouts in seconds, one for each role; ``None`` for a role with the usual one."""
    scopes: tuple[str, ...] | None = None
    """What a token is narrowed to; its grants are so already."""
    must_enrol: bool = False
    """Whether a role demands a second factor that is not set up; till then nothing is granted."""

    @property
    def anonymous(self) -> bool:
        """Whether nobody is known to act."""
        return self is ANONYMOUS


ANONYMOUS = Actor(user_id=None, name="anonymous")
SYSTEM = Actor(
    user_id=None,
    name="command line",
    grants=frozenset(
        Grant(resource, action)
        for resource in (EVERY_RESOURCE, EVERY_OWN_RESOURCE)
        for action in ACTIONS
    ),
)
"""Whoever runs a command on the machine: holds the database already, so may do everything."""

_acting: ContextVar[Actor] = ContextVar("acting", default=ANONYMOUS)


@contextmanager
def acting(actor_: Actor) -> Iterator[None]:
    """Evaluate the symbolic ``actor`` as ``actor_`` inside."""
    token = _acting.set(actor_)
    try:
        yield
    finally:
        _acting.reset(token)


class _SymbolicActor:
    """Stands in rules and stamps for the acting person."""

    _types: Mapping[str, TypeEngine[Any]] = MappingProxyType(
        {"user_id": Integer(), "name": String(), "anonymous": Boolean()}
    )

    def __getattr__(self, name: str) -> BindParameter[Any]:
        if name not in self._types:
            msg = f"actor has no attribute {name!r}: use one of {', '.join(self._types)}"
            raise AttributeError(msg)
        # A name no column can have, or an INSERT or UPDATE would take it for a column's bind.
        return bindparam(
            f"_actor.{name}",
            callable_=lambda: getattr(_acting.get(), name),
            type_=self._types[name],
        )


actor = _SymbolicActor()


@dataclass(frozen=True, slots=True)
class Origin:
    """The surface and request that a write came through, as recorded with its changes."""

    source: Source
    request_id: str = ""
    reason: str = ""
    address: str = ""
    user_agent: str = ""


COMMAND_LINE = Origin("command line")


def stamped(value: object) -> Any:
    """Evaluate a ``stamp``: ``actor``'s symbols as the acting person, callables as their result."""
    if isinstance(value, BindParameter) and value.key.startswith("_actor."):
        return getattr(_acting.get(), value.key.removeprefix("_actor."))
    return value() if callable(value) else value
