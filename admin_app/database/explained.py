"""Query plans: what a statement searches by an index, scans and sorts.

The plan of a small table says nothing about a large one: reading all of it is cheaper than any
index. ``reluctantly`` makes PostgreSQL scan and sort only where no index serves; SQLite without
statistics does so by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Executable, Select, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles

_DEAR = ("seqscan", "sort", "hashjoin", "mergejoin")
_SORTS = frozenset({"Sort", "Incremental Sort"})
_SEARCH = re.compile(r"SEARCH (?P<table>.+?) USING (?P<way>.+?) \((?P<condition>(?!ANY).+)\)")
_FIRST_COLUMNS = text(
    "SELECT relname AS index_name, attname AS first_column"
    " FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
    " JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]"
    " WHERE relname = ANY(:names) AND pg_table_is_visible(indexrelid)"
)
_BY_KEY = "INTEGER PRIMARY KEY"


@dataclass(frozen=True, slots=True)
class Search:
    """Rows of a table that are found by an index, and the condition that it serves."""

    table: str
    condition: str
    """As the database words it."""
    first: str = ""
    """The column that the index begins with, where the database does not insist on it."""

    def by(self, column: str) -> bool:
        """Whether a value of ``column`` leads to the rows, and not through the whole index."""
        return self._names(column) and (not self.first or self._names(self.first))

    def _names(self, column: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", self.condition) is not None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan, as far as indexes go."""

    searches: tuple[Search, ...]
    sorts: bool
    """Whether rows are sorted, some at a time or all of them."""

    def searches_by(self, table: str, column: str) -> bool:
        """Whether rows of ``table`` are found by a value of ``column``."""
        return any(each.table == table and each.by(column) for each in self.searches)


async def reluctantly(connection: AsyncConnection) -> None:
    """Make the plans of this transaction scan, sort and join without an index only if they must."""
    if connection.dialect.name == "postgresql":
        for each in _DEAR:
            await connection.exec_driver_sql(f"SET LOCAL enable_{each} = off")


async def plan_of(connection: AsyncConnection, statement: Select[Any]) -> Plan:
    """How a statement would be run; one that cannot be leaves the transaction as it was."""
    async with connection.begin_nested():
        return await _plan_of(connection, statement)


async def _plan_of(connection: AsyncConnection, statement: Select[Any]) -> Plan:
    if connection.dialect.name == "postgresql":
        top = await node_of(connection, statement)
        names = {node["Index Name"] for node, _ in _nodes(top) if "Index Name" in node}
        found = await connection.execute(_FIRST_COLUMNS, {"names": list(names)})
        return _of_nodes(top, {row.index_name: row.first_column for row in found})
    rows = await connection.execute(_Explain(_untyped(statement)))
    return _of_lines([str(each[3]) for each in rows])


async def node_of(connection: AsyncConnection, statement: Select[Any]) -> Mapping[str, Any]:
    """The topmost node of PostgreSQL's plan."""
    found: Any = await connection.scalar(_Explain(_untyped(statement)))
    plan = json.loads(found) if isinstance(found, str | bytes) else found
    node: Mapping[str, Any] = plan[0]["Plan"]
    return node


def _untyped(statement: Select[Any]) -> Select[Any]:
    """The same without its columns, whose types would be taken for those of the plan's."""
    return select(literal_column("1")).select_from(statement.subquery())


class _Explain(Executable, ClauseElement):
    """``EXPLAIN`` of a statement, with its values."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain, "postgresql")
def _explain_nodes(element: _Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


@compiles(_Explain, "sqlite")
def _explain_lines(element: _Explain, compiler: Any, **options: Any) -> str:
    return f"EXPLAIN QUERY PLAN {compiler.process(element.statement, **options)}"


def _of_nodes(top: Mapping[str, Any], first: Mapping[str, str]) -> Plan:
    kinds = {node["Node Type"] for node, _ in _nodes(top)}
    searches = (
        Search(table, str(node["Index Cond"]), first.get(node["Index Name"], ""))
        for node, table in _nodes(top)
        if "Index Cond" in node
    )
    return Plan(tuple(searches), sorts=not kinds.isdisjoint(_SORTS))


def _nodes(node: Mapping[str, Any], table: str = "") -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every node with the table it reads; one that reads an index alone is told by its parents."""
    table = node.get("Relation Name", table)
    yield node, table
    for each in node.get("Plans", ()):
        yield from _nodes(each, table)


def _of_lines(lines: Sequence[str]) -> Plan:
    searches = [
        Search(
            found["table"],
            # It does not say what the key is called.
            found["condition"] if _BY_KEY not in found["way"] else "",
        )
        for each in lines
        if (found := _SEARCH.match(each))
    ]
    sorts = any(each.startswith("USE TEMP B-TREE FOR") and "ORDER" in each for each in lines)
    return Plan(tuple(searches), sorts=sorts)
