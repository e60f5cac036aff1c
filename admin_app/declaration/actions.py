"""``@action``: declared operations on records beyond reading and writing them.

An action has a grant of its own: who may run it need not have the right to do by hand what it does.
So it writes past the grants of whoever runs it, under their name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import getdoc
from typing import Annotated, Any, Generic, Literal, Protocol, TypeVar

from pydantic import AfterValidator, TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import TypedDict

from admin_app.declaration.actor import Actor, Origin
from admin_app.declaration.fields import words
from admin_app.declaration.schemas import refusal
from admin_app.declaration.values import storable_json

P = TypeVar("P")

Place = Literal["record", "selection", "resource"]
"""What an action is run on: one record, several of them, or the resource as a whole."""


class Writes(Protocol):
    """Reads and writes within the action's transaction, without a check of grants.

    Resources are given by name, keys as tuples of values, records as JSON data by field, as in a
    body; what is returned are Python values by field. Changes are recorded as of any write.
    """

    async def get(self, resource: str, key: tuple[Any, ...]) -> Mapping[str, Any]:
        """Read a record. Raises ``NotFoundError``."""

    async def create(self, resource: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a record. Raises ``InvalidInputError`` and ``UniqueConflictError``."""

    async def update(
        self, resource: str, key: tuple[Any, ...], data: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Change a record. Raises ``NotFoundError`` and what ``create`` raises."""

    async def delete(self, resource: str, key: tuple[Any, ...]) -> None:
        """Delete a record. Raises ``NotFoundError`` and ``InUseError``."""


@dataclass(frozen=True, slots=True)
class Call(Generic[P]):
    """One run of an action, in its transaction; it may happen more than once for one request."""

    resource: str
    keys: tuple[tuple[Any, ...], ...]
    """Of the records it is run on, each in sight and in reach of the grant; none: the resource."""
    parameters: P
    actor: Actor
    origin: Origin
    session: AsyncSession
    writes: Writes

    @property
    def key(self) -> tuple[Any, ...]:
        """The key of the one record that the action is run on."""
        (key,) = self.keys
        return key


@dataclass(frozen=True)
class DeclaredAction:
    """An action of a resource. Made by ``action`` only."""

    name: str
    label: str
    help: str
    on: Place
    parameters: Any
    """The type of its parameters, for pydantic; ``None`` for none."""
    returns: Any
    """The type of its result."""
    run: Callable[[Call[Any]], Awaitable[Any]] = field(repr=False)

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """The validator of the parameters."""
        return TypeAdapter(_Nothing if self.parameters is None else self.parameters)

    @cached_property
    def answers(self) -> TypeAdapter[Any]:
        """The serializer of the result."""
        return TypeAdapter(self.returns)

    def parse(self, raw: bytes) -> Any:
        """Validate the parameters, a JSON document, strictly.

        Raises ``BadRequestError`` for what is not JSON and ``InvalidInputError``.
        """
        if self.parameters is None and not raw.strip():
            return None
        try:
            _STORABLE.validate_json(raw)
            given = self.adapter.validate_json(raw, strict=True, extra="forbid")
        except ValidationError as error:
            raise refusal(error) from error
        return None if self.parameters is None else given


class _Nothing(TypedDict):
    """The parameters of an action that takes none."""


_STORABLE: TypeAdapter[Any] = TypeAdapter(Annotated[Any, AfterValidator(storable_json)])


def action(
    *,
    on: Place = "record",
    parameters: type[P] | None = None,
    returns: Any = None,
    name: str | None = None,
    label: str | None = None,
) -> Callable[[Callable[[Call[P]], Awaitable[Any]]], DeclaredAction]:
    """Declare an action on a model, above ``@staticmethod``; its docstring is its help.

    ``parameters`` is a Pydantic model, ``returns`` the type of what is answered. ``name`` stands in
    paths and grants; default: the function's, with ``-`` for ``_``.
    """

    def declare(function: Callable[[Call[P]], Awaitable[Any]]) -> DeclaredAction:
        own = getattr(function, "__name__", "")
        return DeclaredAction(
            name=name or own.replace("_", "-"),
            label=label or words(own),
            help=getdoc(function) or "",
            on=on,
            parameters=parameters,
            returns=returns,
            run=function,
        )

    return declare
