"""What an update changes of a record, by comparison with what is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy.orm.attributes import instance_dict

from admin_app.declaration import Kind, Resource
from admin_app.errors import FieldError, InvalidInputError
from admin_app.records.reads.reader import Values


def put(entity: Any, values: Values) -> None:
    """Set attributes of an entity.

    Raises ``InvalidInputError`` for what the model's own validators refuse.
    """
    errors: list[FieldError] = []
    for name, value in values.items():
        try:
            setattr(entity, name, value)
        except (ValueError, AssertionError) as error:
            # A model's own @validates: its words are the developer's, for the people who type.
            errors.append(FieldError((name,), "invalid", str(error) or "Not valid."))
    if errors:
        msg = "Some values are not valid."
        raise InvalidInputError(msg, errors=errors)


def made_of(resource: Resource, values: Values, stored: Mapping[str, Any]) -> Values:
    """The values of a row after the model's validators, which may change ``values``.

    ``stored`` is what the row holds. Raises what ``put`` raises.
    """
    if not attends(resource):
        return values
    entity = resource.model.__mapper__.class_manager.new_instance()
    kept = instance_dict(entity)
    kept.update(stored)
    put(entity, values)
    # What is no field, such as a name in the form in which it is compared, is set as well.
    return {
        name: kept[name]
        for name in resource.model.__mapper__.column_attrs.keys()  # noqa: SIM118 - no mapping
        if name in kept
        and (
            name not in stored
            or (name in values and resource.fields[name].sensitive)
            or _differs(resource, name, stored[name], kept[name])
        )
    }


@lru_cache(maxsize=1_024)
def attends(resource: Resource) -> bool:
    """Whether a model does anything of its own when an attribute is set, as ``@validates`` does."""
    model: Any = resource.model
    columns = (getattr(model, each.key).impl for each in model.__mapper__.column_attrs)
    plain = model.__setattr__ is object.__setattr__
    return not plain or any(len(each.dispatch.set) for each in columns)


def changed_values(resource: Resource, before: Values, values: Values) -> Values:
    """The ``values`` that differ from what is stored; sensitive ones always count as different."""
    return {
        name: value
        for name, value in values.items()
        if resource.fields[name].sensitive or _differs(resource, name, before[name], value)
    }


def recorded_fields(
    resource: Resource, before: Values, after: Values, changed: Values
) -> list[str]:
    """The fields that an update's change records: also those set by a validator or the database."""
    return [
        name
        for name, sensitive in _recorded(resource)
        if (
            name in changed
            if sensitive
            else before[name] is not after[name]
            and _differs(resource, name, before[name], after[name])
        )
    ]


def is_same_record(resource: Resource, one: Values, other: Values) -> bool:
    """Whether two states of a record would be recorded alike, but for their versions.

    ``False`` may be said of some that would.
    """
    return all(
        _is_same(one[name], other[name]) for name, sensitive in _recorded(resource) if not sensitive
    ) and _is_same(one[resource.title], other[resource.title])


def _is_same(one: Any, other: Any) -> bool:
    # Python takes 1, 1.0 and true for equal, and 1.0 and 1.00; JSON does not.
    return one is other or (
        one == other
        and type(one) is type(other)
        and (type(one) in _PLAIN or repr(one) == repr(other))
    )


_PLAIN = frozenset({str, int, bool, bytes, date, UUID})
"""Types of which equal values are the same in JSON."""


@lru_cache(maxsize=1_024)
def _recorded(resource: Resource) -> tuple[tuple[str, bool], ...]:
    """The fields whose changes are recorded, each with whether it is sensitive."""
    return tuple(
        (name, field.sensitive)
        for name, field in resource.fields.items()
        if field.sensitive or (field.column is not None and name != resource.version)
    )


def _differs(resource: Resource, name: str, old: Any, new: Any) -> bool:
    if resource.fields[name].kind in {Kind.JSON, Kind.ARRAY}:
        # Python takes 1, 1.0 and true for equal; JSON does not.
        return json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True)
    # What is no number (adopted tables may have some) is not even equal to itself.
    return bool(old != new) and not (old != old and new != new)  # noqa: PLR0124
