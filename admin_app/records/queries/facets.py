"""The grammar of facets: the fields whose values are counted, and the list they are counted in.

``field=language,format&year__gte=1900``: other parameters filter as in a list, but those that
order, page and shape a list are not taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from admin_app.database.exact import Unit
from admin_app.declaration import Field, Registry, Relation, Resource
from admin_app.declaration.fields import ORDERED
from admin_app.records.queries.aggregation import (
    COUNT_ALL,
    Aggregation,
    Group,
    Order,
    Place,
    fields_of,
)
from admin_app.records.queries.conditions import TRUE, Comparison, Condition, KeyIn, Related
from admin_app.records.queries.grammar import filters_of, read_json, split_pairs, trash_of
from admin_app.records.queries.ordering import number_of, words_of
from admin_app.records.queries.periods import MOMENTS, in_zone, settled_all, zone_of
from admin_app.records.queries.query import Query
from admin_app.records.queries.reading import Reading

PARAMETERS = ("field", "limit", "search", "filter", "trash", "tz")
"""Parameters of facets; every other one filters, as in a list."""
MAX_FIELDS = 5
"""Fields of one request: each is counted by a statement of its own."""
MAX_LIMIT = 100
USUAL_LIMIT = 20


@dataclass(frozen=True, slots=True)
class FacetQuery:
    """What facets read, validated."""

    fields: tuple[Field | Relation, ...]
    """And to-one relations, whose records are counted by."""
    limit: int
    query: Query
    """The list whose records are counted."""


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


def _fields(
    reading: Reading, resource: Resource, given: Mapping[str, Any]
) -> tuple[Field | Relation, ...]:
    path = ("field",)
    names = [each for each in given.get("field", "").split(",") if each]
    if not names or len(names) > MAX_FIELDS:
        reading.refuse(path, "too_many_terms" if names else "bad_value", _BETWEEN)
        return ()
    if len(set(names)) < len(names):
        reading.refuse(path, "repeated", "A name is given more than once.")
    found: list[Field | Relation] = []
    for name in names:
        target = countable(resource, name) or pointing(resource, name)
        if target is None:
            reading.refuse_unknown(path, "unknown_field", name, faceted(resource))
        else:
            found.append(target)
    return tuple(found)


_BETWEEN = f"Name one to {MAX_FIELDS} fields."


def countable(resource: Resource, name: str) -> Field | None:
    """The field whose values can be counted, if there is one of the name."""
    field = resource.readable.get(name)
    return field if field is not None and field.kind in ORDERED else None


def pointing(resource: Resource, name: str) -> Relation | None:
    """The to-one relation whose records can be counted by, if there is one of the name."""
    relation = resource.relations.get(name)
    return relation if relation is not None and relation.fields else None


def faceted(resource: Resource) -> list[str]:
    """The names of all that can be counted by."""
    relations = (name for name in resource.relations if pointing(resource, name))
    return [*fields_of(resource, ORDERED), *relations]


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
        zone=query.zone,
        trash=query.trash,
    )


def facet_of_relation(
    query: Query, relation: Relation, target: Resource, limit: int, at: datetime
) -> Aggregation:
    """What counts the records of a list by the key of the record that a relation leads to.

    ``target`` is what it leads to. One out of sight counts as none, and the list's conditions on
    the relation itself do not count.
    """
    conditions = query.filters if query.written is None else query.written
    groups = tuple(
        Group(f"{relation.name}.{part.name}", Place((relation,), part), None) for part in target.key
    )
    by_key = (Order(each, descending=False) for each in groups)
    return Aggregation(
        filters=settled_all(without(conditions, relation), in_zone(at, query.zone)),
        words=query.words,
        groups=groups,
        measures=(COUNT_ALL,),
        having=(),
        sort=(Order(COUNT_ALL, descending=True), *by_key),
        limit=limit,
        trash=query.trash,
    )


def without(conditions: Sequence[Condition], target: Field | Relation) -> tuple[Condition, ...]:
    """The conditions but those on the field, or on which record a relation leads to."""
    return tuple(each for each in conditions if not _is_on(each, target))


def _is_on(condition: Condition, target: Field | Relation) -> bool:
    match condition:
        case Comparison(field):
            fields = target.fields if isinstance(target, Relation) else (target.name,)
            return field.name in fields
        case Related(relation, _, inner):
            return relation.name == target.name and (isinstance(inner, KeyIn) or inner == TRUE)
        case _:
            return False
