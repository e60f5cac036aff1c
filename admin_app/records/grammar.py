"""The one read grammar: from pairs of names and texts to a validated ``Query``.

REST sends its query string through here, the panel its filters, the command line its options.
Whatever is unknown, forbidden or impossible is refused with the names that are possible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from admin_app.declaration import Field, Registry, Relation, Resource
from admin_app.errors import BadRequestError, FieldError, NotFoundError, closest
from admin_app.records.conditions import TRUE, Comparison, Condition, KeyIn, Related
from admin_app.records.operands import flag, operand, searchable, split
from admin_app.records.operators import RELATION, operators_of
from admin_app.records.query import COUNTS, Count, Query, Sort

PARAMETERS = ("limit", "cursor", "sort", "count", "search")
"""Names that steer a list; see ``parameter``."""
MAX_FILTERS = 50
MAX_WORDS = 20
MAX_PARAMETERS = 200


def parameter(name: str) -> str:
    """How a field or relation is filtered by equality, also where its name steers lists."""
    return f"{name}__eq" if name in PARAMETERS else name


def parse_query(resource: Resource, registry: Registry, pairs: Iterable[tuple[str, str]]) -> Query:
    """Read a query.

    Raises ``BadRequestError`` with one entry for each pair that cannot be used.
    """
    return _Parser(resource, registry).parse(list(pairs))


class _Parser:
    def __init__(self, resource: Resource, registry: Registry) -> None:
        self.resource = resource
        self.registry = registry
        self.errors: list[FieldError] = []
        self.filters: list[Condition] = []
        self.steering: dict[str, str] = {}

    def parse(self, pairs: Sequence[tuple[str, str]]) -> Query:
        if len(pairs) > MAX_PARAMETERS:
            msg = f"At most {MAX_PARAMETERS} parameters."
            raise BadRequestError(msg)
        seen: set[str] = set()
        for name, text in pairs:
            if name in seen:
                self.refuse(name, "repeated", "Given more than once.")
            elif name in PARAMETERS:
                self.steering[name] = text
            else:
                self.add_filter(name, text)
            seen.add(name)
        if len(self.filters) > MAX_FILTERS:
            self.refuse("", "too_many_filters", f"At most {MAX_FILTERS} filters.")
        query = Query(
            filters=tuple(self.filters),
            words=self.words(),
            sort=self.sort(),
            limit=self.limit(),
            cursor=self.steering.get("cursor"),
            count=self.count(),
        )
        if self.errors:
            msg = "The list cannot be read as asked."
            raise BadRequestError(msg, errors=self.errors)
        return query

    def refuse(self, name: str, code: str, detail: str) -> None:
        self.errors.append(FieldError((name,) if name else (), code, detail))

    def add_filter(self, name: str, text: str) -> None:
        target, operator = self.target(name)
        if target is None:
            self.refuse(name, "unknown_parameter", self.unknown(name))
            return
        allowed = RELATION if isinstance(target, Relation) else operators_of(target.kind)
        if operator not in allowed:
            known = ", ".join(allowed)
            self.refuse(name, "unknown_operator", f"{target.label} is filtered by {known}.")
            return
        try:
            self.filters.append(self.condition(target, operator, text))
        except BadRequestError as error:
            self.refuse(name, "bad_value", error.detail)

    def target(self, name: str) -> tuple[Field | Relation | None, str]:
        known: dict[str, Field | Relation] = {**self.resource.readable, **self.filterable()}
        if name in known:
            return known[name], "eq"
        attribute, _, operator = name.rpartition("__")
        return known.get(attribute), operator

    def filterable(self) -> dict[str, Relation]:
        return {name: each for name, each in self.resource.relations.items() if each.writable}

    def unknown(self, name: str) -> str:
        known = [*PARAMETERS, *self.resource.readable, *self.filterable()]
        near = closest(name.partition("__")[0], known)
        return f"Unknown. Did you mean {near}? Known are {', '.join(known)}."

    def condition(self, target: Field | Relation, operator: str, text: str) -> Condition:
        if not isinstance(target, Relation):
            return Comparison(target, operator, operand(target, operator, text))
        if operator == "isnull":
            return Related(target, "none" if flag(text) else "some", TRUE)
        texts = split(text) if operator == "in" else [text]
        keys = tuple(self.related_key(target, each) for each in texts)
        return Related(target, "some", KeyIn(keys))

    def related_key(self, relation: Relation, text: str) -> Any:
        try:
            return self.registry.target(relation).parse_key(text)
        except NotFoundError as error:
            raise BadRequestError(error.detail) from error

    def words(self) -> tuple[str, ...]:
        text = self.steering.get("search", "")
        try:
            searchable(text)
        except BadRequestError as error:
            self.refuse("search", "bad_value", error.detail)
        found = tuple(text.split())
        if len(found) > MAX_WORDS:
            self.refuse("search", "too_many_words", f"At most {MAX_WORDS} words.")
        if found and not self.resource.search:
            self.refuse("search", "not_searchable", "Nothing here is declared to be searched.")
        return found

    def sort(self) -> tuple[Sort, ...]:
        text = self.steering.get("sort")
        names = [each for each in text.split(",") if each] if text is not None else None
        terms: list[Sort] = []
        for term in self.resource.sort if names is None else names:
            name = term.removeprefix("-")
            field = self.resource.readable.get(name)
            if field is None or not field.sortable:
                known = ", ".join(each.name for each in sortable(self.resource))
                self.refuse("sort", "unknown_sort", f"Cannot sort by {name}. Known are {known}.")
            elif any(each.field is field for each in terms):
                self.refuse("sort", "repeated", f"{name} is given more than once.")
            else:
                terms.append(Sort(field, term.startswith("-")))
        named = {each.field.name for each in terms}
        terms += [Sort(each, False) for each in self.resource.key if each.name not in named]
        return tuple(terms)

    def limit(self) -> int:
        options = self.resource.options
        text = self.steering.get("limit")
        if text is None:
            return options.page_size
        if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004
            self.refuse("limit", "bad_value", "Give a whole number.")
            return options.page_size
        if not 1 <= int(text) <= options.page_limit:
            self.refuse("limit", "bad_value", f"Between 1 and {options.page_limit}.")
        return int(text)

    def count(self) -> Count:
        text = self.steering.get("count", "none")
        for known in COUNTS:
            if text == known:
                return known
        self.refuse("count", "bad_value", f"Choose one of {', '.join(COUNTS)}.")
        return "none"


def sortable(resource: Resource) -> list[Field]:
    """The fields a list may be ordered by."""
    return [each for each in resource.readable.values() if each.sortable]
