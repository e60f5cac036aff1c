"""The one read grammar: from parameters, or a JSON document, to a validated ``Query``.

REST sends its query string through here, the panel its filters, the command line its options.
Whatever is unknown, forbidden or impossible is refused with the names that are possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from admin_app.access.policies import TRASH, Trash
from admin_app.declaration import Registry, Resource
from admin_app.errors import BadRequestError
from admin_app.records.queries.conditions import Condition
from admin_app.records.queries.filters import condition_of, filter_of
from admin_app.records.queries.ordering import limit_of, offset_of, sort_of, words_of
from admin_app.records.queries.periods import zone_of
from admin_app.records.queries.query import COUNTS, Query
from admin_app.records.queries.reading import Reading, json_of
from admin_app.records.queries.shape import shape_of

T = TypeVar("T")

PARAMETERS = (
    "limit",
    "cursor",
    "sort",
    "count",
    "search",
    "offset",
    "filter",
    "fields",
    "include",
    "trash",
    "tz",
)
"""Parameters of a list other than filters; also the members of a query's document."""
MAX_PARAMETERS = 200


def parameter(name: str, steering: Sequence[str] = PARAMETERS) -> str:
    """The parameter that filters by equality with a field, also one with a reserved name."""
    return f"{name}__eq" if name in steering else name


def parse_query(resource: Resource, registry: Registry, pairs: Iterable[tuple[str, str]]) -> Query:
    """Read a query from parameters.

    Raises ``BadRequestError`` with one entry for each pair that cannot be used.
    """
    reading = Reading(registry)
    steering, filters = split_pairs(reading, resource, list(pairs), PARAMETERS)
    read_json(reading, steering, "filter")
    return _query(reading, resource, steering, filters)


def parse_document(resource: Resource, registry: Registry, body: bytes) -> Query:
    """Read a query from a JSON document whose members are ``PARAMETERS``.

    Raises ``BadRequestError`` with one entry for each member that cannot be used.
    """
    reading = Reading(registry)
    data = json_of(body)
    if not isinstance(data, dict):
        msg = "Give an object."
        raise BadRequestError(msg)
    for name in data.keys() - set(PARAMETERS):
        reading.refuse_unknown((name,), "unknown_parameter", name, PARAMETERS)
    given = {name: each for name, each in data.items() if each is not None}
    for name in ("limit", "offset"):
        if isinstance(given.get(name), str):
            reading.refuse((name,), "bad_value", "Give a whole number.")
    return _query(reading, resource, given, [])


def split_pairs(
    reading: Reading,
    resource: Resource,
    pairs: list[tuple[str, str]],
    parameters: tuple[str, ...],
) -> tuple[dict[str, Any], list[Condition]]:
    """Split parameters into reserved ones and filters."""
    if len(pairs) > MAX_PARAMETERS:
        msg = f"At most {MAX_PARAMETERS} parameters."
        raise BadRequestError(msg)
    steering: dict[str, Any] = {}
    filters: list[Condition] = []
    seen: set[str] = set()
    for name, text in pairs:
        if name in seen:
            reading.refuse((name,), "repeated", "Given more than once.")
        elif name in parameters:
            steering[name] = text
        else:
            found = filter_of(reading, resource, name, text, parameters)
            filters += [] if found is None else [found]
        seen.add(name)
    return steering, filters


def filters_of(
    reading: Reading, resource: Resource, given: Mapping[str, Any]
) -> tuple[Condition, ...]:
    """The conditions of the parameter ``filter``."""
    if "filter" not in given:
        return ()
    found = condition_of(reading, resource, given["filter"], ("filter",))
    return () if found is None else (found,)


def _query(
    reading: Reading, resource: Resource, given: Mapping[str, Any], filters: list[Condition]
) -> Query:
    words = words_of(reading, resource, given.get("search"))
    query = Query(
        filters=(*filters, *filters_of(reading, resource, given)),
        words=words,
        sort=sort_of(reading, resource, given.get("sort")),
        limit=limit_of(reading, resource, given.get("limit")),
        cursor=_cursor(reading, given.get("cursor")),
        count=_choice(reading, "count", given.get("count"), COUNTS),
        shape=shape_of(reading, resource, given),
        offset=offset_of(reading, given.get("offset")),
        trash=trash_of(reading, resource, given.get("trash")),
        ranked=bool(words) and resource.options.full_text and given.get("sort") is None,
        given=frozenset(given),
        zone=zone_of(reading, given.get("tz")),
        timed=reading.timed,
    )
    if query.cursor is not None and query.offset:
        reading.refuse(("offset",), "not_with_cursor", "A cursor is a place by itself.")
    reading.finish()
    return query


def read_json(reading: Reading, given: dict[str, Any], *names: str) -> None:
    """Read the parameters whose texts are JSON; those that are not are refused and left out."""
    for name in names:
        if name in given:
            try:
                given[name] = json_of(given[name])
            except BadRequestError as error:
                reading.refuse_value((name,), error)
                del given[name]


def _cursor(reading: Reading, given: Any) -> str | None:
    if given is None or isinstance(given, str):
        return given
    reading.refuse(("cursor",), "bad_value", "Give text.")
    return None


def read_trash(resource: Resource, given: Sequence[str]) -> Trash:
    """Read the parameters ``trash`` of a request about one record: one, or none.

    Raises ``BadRequestError``.
    """
    if not given:
        return "without"
    reading = Reading(Registry([]))
    if len(given) > 1:
        reading.refuse(("trash",), "repeated", "Given more than once.")
    found = trash_of(reading, resource, given[0])
    reading.finish()
    return found


def trash_of(reading: Reading, resource: Resource, given: Any) -> Trash:
    """Read whether what is in the trash is meant; none stands for what is not."""
    if given is not None and resource.options.trash is None:
        words = f"There is no trash for {resource.label_plural.lower()}."
        reading.refuse(("trash",), "unknown_parameter", words)
    return _choice(reading, "trash", given, TRASH)


def _choice(reading: Reading, name: str, given: Any, known: tuple[T, ...]) -> T:
    """One of the known words; the first is the default."""
    if given is None:
        return known[0]
    for each in known:
        if given == each:
            return each
    words = ", ".join(map(str, known))
    reading.refuse((name,), "bad_value", f"Choose one of {words}.")
    return known[0]
