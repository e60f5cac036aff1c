"""The grammar of facets: which fields' values are counted in which list.

``field=language,format&year__gte=1900``: the list's own filters steer, and what orders, pages and
shapes a list has no place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from admin_app.database.exact import Unit
from admin_app.declaration import Field, Registry, Resource
from admin_app.declaration.fields import ORDERED
from admin_app.records.queries.aggregation import (
    COUNT_ALL,
    Aggregation,
    Group,
    Order,
    Place,
    fields_of,
)
from admin_app.records.queries.conditions import Comparison, Condition
from admin_app.records.queries.grammar import filters_of, read_json, split_pairs, trash_of
from admin_app.records.queries.ordering import number_of, words_of
from admin_app.records.queries.periods import MOMENTS, in_zone, settled_all, zone_of
from admin_app.records.queries.query import Query
from admin_app.records.queries.reading import Reading

PARAMETERS = ("field", "limit", "search", "filter", "trash", "tz")
"""Names that steer; every other one filters, as in a list."""
MAX_FIELDS = 5
"""Fields of one request: each is counted by a statement of its own."""
MAX_LIMIT = 100
USUAL_LIMIT = 20


@dataclass(frozen=True, slots=True)
class FacetQuery:
    """Facets that can be read: everything in it is known to the resource."""

    fields: tuple[Field, ...]
    limit: int
    query: Query
    """The list that they are of."""


def parse_facets(
    resource: Resource, registry: Registry, pairs: Iterable[tuple[str, str]]
) -> FacetQuery:
    """Read which facets are asked for.

    Raises ``BadRequestError`` with one entry for each pair that cannot be used.
    """
    reading = Reading(registry)
    given, filters = split_pairs(reading, resource, list(pairs), PARAMETERS)
    read_json(reading, given, "filter")
    limit = given.get("limit")
    found = FacetQuery(
        fields=_fields(reading, resource, given),
        limit=USUAL_LIMIT
        if limit is None
        else number_of(reading, limit, ("limit",), 1, MAX_LIMIT, USUAL_LIMIT),
        query=Query(
            filters=(*filters, *filters_of(reading, resource, given)),
            words=words_of(reading, resource, given.get("search")),
            sort=(),
            limit=1,
            cursor=None,
            count="none",
            trash=trash_of(reading, resource, given.get("trash")),
            zone=zone_of(reading, given.get("tz")),
            timed=reading.timed,
        ),
    )
    reading.finish()
    return found


def _fields(reading: Reading, resource: Resource, given: Mapping[str, Any]) -> tuple[Field, ...]:
    path = ("field",)
    names = [each for each in given.get("field", "").split(",") if each]
    if not names or len(names) > MAX_FIELDS:
        reading.refuse(path, "too_many_terms" if names else "bad_value", _BETWEEN)
        return ()
    if len(set(names)) < len(names):
        reading.refuse(path, "repeated", "A name is given more than once.")
    found = []
    for name in names:
        field = countable(resource, name)
        if field is None:
            known = fields_of(resource, ORDERED)
            reading.refuse_unknown(path, "unknown_field", name, known)
        else:
            found.append(field)
    return tuple(found)


_BETWEEN = f"Name one to {MAX_FIELDS} fields."


def countable(resource: Resource, name: str) -> Field | None:
    """The field whose values can be counted, if there is one of the name."""
    field = resource.readable.get(name)
    return field if field is not None and field.kind in ORDERED else None


def facet_of(
    query: Query, field: Field, unit: Unit | None, limit: int, at: datetime
) -> Aggregation:
    """What counts the values of a field in a list.

    The list's conditions on the field itself do not count, so that one sees what else there is.
    Parts of moments are counted within them, as in a calendar that one goes down into.
    """
    conditions = query.filters if query.written is None else query.written
    parts = unit if field.kind in MOMENTS else None
    if parts is None:
        conditions = without(conditions, field)
    group = Group(field.name, Place((), field), parts)
    by_value = Order(group, descending=parts is not None)
    return Aggregation(
        filters=settled_all(conditions, in_zone(at, query.zone)),
        words=query.words,
        groups=(group,),
        measures=(COUNT_ALL,),
        having=(),
        sort=(by_value,) if parts else (Order(COUNT_ALL, descending=True), by_value),
        limit=limit,
        trash=query.trash,
    )


def without(conditions: Sequence[Condition], field: Field) -> tuple[Condition, ...]:
    """The conditions but those that compare the field, and nothing else."""
    return tuple(
        each
        for each in conditions
        if not (isinstance(each, Comparison) and each.field.name == field.name)
    )
