"""Create deleted records again, from the trail, with their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pydantic_core
from pydantic import ValidationError

from admin_app.access.policies import require
from admin_app.declaration import SYSTEM, Field, Key, Resource
from admin_app.declaration.values import adapter_of
from admin_app.errors import FieldError, ForbiddenError, InvalidInputError
from admin_app.records.reads.reader import Values
from admin_app.records.trail.changes import Facts
from admin_app.records.trail.net import is_secret
from admin_app.records.writes.drafts import Draft
from admin_app.records.writes.other_ends import LinkedChange
from admin_app.records.writes.references import refuse
from admin_app.records.writes.refusals import check_computed
from admin_app.records.writes.set_edits import SetChange
from admin_app.records.writes.transaction import Transaction


@dataclass(slots=True)
class Remains:
    """What the trail has of a deleted record."""

    key: Key
    facts: Facts
    """Its fields, as they were when it was deleted."""
    members: dict[str, list[Key]] = field(default_factory=dict)
    """By set, those of its keys that are still there."""


async def revive(transaction: Transaction, resource: Resource, remains: Sequence[Remains]) -> None:
    """Create records again that were deleted, whole and with their keys.

    All that a record was comes back with it, also what is out of the actor's sight: the delete that
    this undoes has taken that along too. Raises what ``Writer.create`` does.
    """
    rows, views = transaction.rows, transaction.views
    resource, seen = views.whole(resource), views.seen(resource)
    require(transaction.actor, seen, "create")
    drafts = [_draft(resource, seen, each) for each in remains]
    await _require_referred(transaction, resource, [each.values for each in drafts])
    for each in drafts:
        held = {change.relation.name: change.gained for change in each.gained}
        await rows.ask(resource, "create", {}, {**each.values, **held})
    reach = await rows.reach.returnable(resource, "create")
    made, reached = await transaction.inserter.insert(resource, seen, drafts, reach)
    keys = [resource.key_of(row) for row in made]
    await rows.reach.check_new(resource, keys, drafts, reached)
    linked: list[LinkedChange] = []
    wholes = await views.wholes(resource, keys)
    gained = [each.gained for each in drafts]
    entries = transaction.journal.creations(resource, wholes, gained)
    for key, whole, changes, entry in zip(keys, wholes, gained, entries, strict=True):
        check_computed(resource, whole)
        linked += transaction.other_ends.of_links(resource, key, changes, entry)
    await transaction.other_ends.note(linked)


async def _require_referred(
    transaction: Transaction, resource: Resource, rows: Sequence[Values]
) -> None:
    """Refuse references to what is no longer there, in whose sight it may have been.

    SQLite would not say which they are. Raises ``InvalidInputError``.
    """
    errors: list[FieldError] = []
    for reference in resource.references:
        target = transaction.registry[reference.target]
        keys = {tuple(row.get(name) for name in reference.fields) for row in rows}
        if target.name == resource.name:
            keys -= {tuple(row.get(name) for name in reference.referred) for row in rows}
        asked = {key for key in keys if None not in key}
        fields = [target.fields[name] for name in reference.referred]
        there = await transaction.reader.visible(
            transaction.connection, SYSTEM, target, asked, fields, trash="with"
        )
        if there < asked:
            place = (reference.fields[0],)
            errors.append(FieldError(place, "reference_not_found", target.absent))
    refuse(errors)


def _draft(resource: Resource, seen: Resource, remains: Remains) -> Draft:
    values = _values(resource, remains.facts)
    _require_settable(resource, seen, values, remains.members)
    gained = [
        SetChange(resource.sets[name], gained=keys)
        for name, keys in remains.members.items()
        if keys and resource.sets[name].writable
    ]
    return Draft(values, {}, {}, (), gained)


def _values(resource: Resource, facts: Facts) -> Values:
    """The columns that an insert is given. Raises ``InvalidInputError`` for what can be no more."""
    found: Values = {}
    errors: list[FieldError] = []
    for name, each in resource.fields.items():
        if name not in facts or is_secret(facts[name]) or _is_computed(each):
            continue
        try:
            found[name] = value_of(each, facts[name])
        except ValidationError:
            errors.append(FieldError((name,), "invalid", "What it was is no good value any more."))
    if errors:
        msg = "What it was is not valid any more."
        raise InvalidInputError(msg, errors=errors)
    if resource.version is not None and isinstance(found.get(resource.version), int):
        # Whoever still knows a version of it knows none that is in force.
        found[resource.version] += 1
    return found


def value_of(field_: Field, wire: Any) -> Any:
    """A field's value from JSON data. Raises ``ValidationError``."""
    if wire is None:
        return None
    return adapter_of(field_.shape).validate_json(pydantic_core.to_json(wire))


def _is_computed(field_: Field) -> bool:
    column: Any = field_.column
    return (
        column is None
        or column.computed is not None
        or (column.identity is not None and bool(column.identity.always))
    )


def _require_settable(
    resource: Resource, seen: Resource, values: Values, members: Mapping[str, Sequence[Key]]
) -> None:
    """Refuse what the actor sees and may give no record.

    Raises ``ForbiddenError``.
    """
    labels = [
        seen.fields[name].label
        for name, value in values.items()
        if name in seen.fields
        and value is not None
        and resource.fields[name].creatable
        and not seen.fields[name].creatable
        and value != _default(resource.fields[name])
    ]
    labels += [
        seen.sets[name].label
        for name, keys in members.items()
        if keys
        and name in seen.sets
        and resource.settable(resource.sets[name], "create")
        and not seen.settable(seen.sets[name], "create")
    ]
    if labels:
        msg = f"You may not give a {seen.label.lower()} its {', '.join(labels).lower()}."
        raise ForbiddenError(msg)


def _default(field_: Field) -> Any:
    default: Any = None if field_.column is None else field_.column.default
    return default.arg if default is not None and default.is_scalar else None
