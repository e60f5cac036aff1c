"""Turn database errors into an ``AppError`` that names the fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy.exc import DBAPIError, StatementError

from admin_app.database.violations import Violation, violation
from admin_app.declaration import Registry, Resource
from admin_app.errors import (
    AppError,
    BadRequestError,
    ConflictError,
    FieldError,
    InUseError,
    InvalidInputError,
    UniqueConflictError,
)

_REFUSALS: dict[str, tuple[type[AppError], str, str, str]] = {
    "unique": (
        UniqueConflictError,
        "unique",
        "Another {label} already has this value.",
        "Another {label} already has the same {fields}.",
    ),
    "reference": (
        InvalidInputError,
        "reference_not_found",
        "This refers to nothing.",
        "A record that is referred to does not exist.",
    ),
    "required": (InvalidInputError, "required", "A value is needed.", "A value is needed."),
    "check": (
        InvalidInputError,
        "check",
        "This breaks the rule {rule}.",
        "The values break the rule {rule} of this {label}.",
    ),
    "value": (
        InvalidInputError,
        "value",
        "This value cannot be stored.",
        "A value cannot be stored.",
    ),
}


@contextmanager
def explained(resource: Resource, registry: Registry, *, deleting: bool = False) -> Iterator[None]:
    """Turn a constraint's refusal inside into an error about ``resource``'s fields.

    Raises ``UniqueConflictError`` or ``InUseError`` (409), ``InvalidInputError`` (422); errors that
    are not about the data pass.
    """
    try:
        yield
    except StatementError as error:
        found = (
            violation(error, resource.table.metadata)
            if isinstance(error, DBAPIError)
            else Violation("value")
            if isinstance(error.orig, ValueError)  # From a model's own column type.
            else None
        )
        if found is None:
            raise
        if deleting and found.kind == "reference":
            raise _in_use(resource, registry, found) from error
        raise _refusal(resource, found) from error


@contextmanager
def explained_at_commit(registry: Registry) -> Iterator[None]:
    """``explained`` for constraints that the database checks when the transaction ends."""
    try:
        yield
    except DBAPIError as error:
        for resource in registry.values():
            found = violation(error, resource.table.metadata)
            if found is not None and found.table in {resource.table.name, ""}:
                raise _refusal(resource, found) from error
        raise


def unkept_reference(registry: Registry) -> AppError:
    """What ``explained_at_commit`` makes of a foreign key that SQLite finds broken, unnamed."""
    return _refusal(next(iter(registry.values())), Violation("reference"))


def computes(resource: Resource) -> bool:
    """Whether ``check_computed`` has anything to look at."""
    return bool(_computed_bounds(resource))


def check_computed(resource: Resource, values: Mapping[str, Any]) -> None:
    """Refuse a record in which a computed column has become too large for its type.

    PostgreSQL does so by itself; SQLite keeps whatever fits 64 bits. Raises ``InvalidInputError``.
    """
    for name, low, high in _computed_bounds(resource):
        value = values.get(name)
        if value is not None and not low <= value <= high:
            raise InvalidInputError(_REFUSALS["value"][3])


@lru_cache(maxsize=1_024)
def _computed_bounds(resource: Resource) -> list[tuple[str, int, int]]:
    """The computed columns of a type that has bounds, with them."""
    computed = (
        (name, each.shape)
        for name, each in resource.fields.items()
        if each.column is not None and each.column.computed is not None
    )
    return [
        (name, shape.minimum, shape.maximum)
        for name, shape in computed
        if shape.minimum is not None and shape.maximum is not None
    ]


@contextmanager
def impossible_values() -> Iterator[None]:
    """Refuse a value to look for that its column's own type does not take."""
    try:
        yield
    except StatementError as error:
        if isinstance(error, DBAPIError) or not isinstance(error.orig, ValueError):
            raise
        msg = "A value in the request can be no value of its field."
        raise BadRequestError(msg) from error


def _in_use(resource: Resource, registry: Registry, found: Violation) -> ConflictError:
    holders = [
        each.label_plural.lower() for each in registry.values() if each.table.name == found.table
    ]
    label_plural = holders[0] if holders else "other records"
    msg = f"This {resource.label.lower()} is in use by {label_plural}."
    return InUseError(msg)


def _refusal(resource: Resource, found: Violation) -> AppError:
    kind, code, at_field, alone = _REFUSALS[found.kind]
    names = _attributes(resource, found)
    labels = " and ".join(resource.fields[name].label.lower() for name in names) or "values"
    words = {
        "label": resource.label.lower(),
        "fields": labels,
        "rule": found.constraint.removeprefix(f"ck_{resource.table.name}_") or "of the table",
    }
    errors = [FieldError((name,), code, at_field.format_map(words)) for name in names]
    return kind(alone.format_map(words), errors=errors)


def _attributes(resource: Resource, found: Violation) -> list[str]:
    if found.table != resource.table.name:
        return []
    by_column = {
        each.column.name: each.name for each in resource.fields.values() if each.column is not None
    }
    return [by_column[column] for column in found.columns if column in by_column]
