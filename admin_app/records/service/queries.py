"""Parse queries of lists against the resource as the actor sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache

from admin_app.access.policies import require
from admin_app.declaration import Actor, Registry, Resource
from admin_app.records.queries.grammar import parse_document, parse_query
from admin_app.records.queries.periods import settled
from admin_app.records.queries.query import Query
from admin_app.records.service.base import Foundation

MOST_QUERIES = 1_000
"""Queries that are kept as they were read: clients send the same ones over and over."""
_SHORT = 1_000
"""Characters of those."""


class Queries(Foundation):
    """Queries out of parameters and documents."""

    @cached_property
    def _parsed(self) -> Callable[[Registry, str, tuple[tuple[str, str], ...]], Query]:
        return lru_cache(maxsize=MOST_QUERIES)(_parsed)

    def query(self, actor: Actor, resource: Resource, pairs: Iterable[tuple[str, str]]) -> Query:
        """Read a list's parameters.

        Raises ``ForbiddenError``, and ``BadRequestError`` naming each that cannot be used.
        """
        require(actor, resource, "read")
        # A registry as somebody sees it is one object for all who see the same.
        given = tuple(pairs)
        parsed = self._parsed if _is_short(given) else _parsed
        return self._settled(parsed(self.registry_for(actor), resource.name, given))

    def query_document(self, actor: Actor, resource: Resource, body: bytes) -> Query:
        """Read a list's query from a JSON document with the parameters as members."""
        require(actor, resource, "read")
        seen = self.registry_for(actor)
        return self._settled(parse_document(seen[resource.name], seen, body))

    def _settled(self, query: Query) -> Query:
        # After whatever is kept: what today is, is known only now.
        return settled(query, self.clock()) if query.timed else query


def _is_short(pairs: tuple[tuple[str, str], ...]) -> bool:
    return sum(len(name) + len(text) for name, text in pairs) <= _SHORT


def _parsed(seen: Registry, name: str, pairs: tuple[tuple[str, str], ...]) -> Query:
    return parse_query(seen[name], seen, pairs)
