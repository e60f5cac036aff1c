"""Alembic operations of our own, for full-text indexes, and the comparison that finds what to do.

A revision says ``op.invoke(CreateFullText("book", ["title"]))``; each operation means the same on
both databases.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations import MigrateOperation, Operations
from alembic.operations.ops import UpgradeOps
from alembic.runtime.plugins import Plugin
from alembic.util import DispatchPriority, PriorityDispatchResult
from sqlalchemy import MetaData, Table

from admin_app.database import full_text
from admin_app.database.full_text import FullText

PLUGIN = "admin_app.full_text"
"""The comparison of full-text indexes, as Alembic knows it."""


class _FullTextOperation(MigrateOperation):
    kind: str

    def __init__(self, table: str, columns: Iterable[str]) -> None:
        self.index = FullText(table, tuple(sorted(columns)))

    def to_diff_tuple(self) -> tuple[Any, ...]:
        return (self.kind, self.index)


class CreateFullText(_FullTextOperation):
    """Index text columns of a table for full-text search, and the rows that there are."""

    kind = "add_full_text"

    def reverse(self) -> MigrateOperation:
        return DropFullText(self.index.table, self.index.columns)


class DropFullText(_FullTextOperation):
    """Take the full-text index of a table back; before its columns are renamed or dropped."""

    kind = "remove_full_text"

    def reverse(self) -> MigrateOperation:
        return CreateFullText(self.index.table, self.index.columns)


@Operations.implementation_for(CreateFullText)
def _create(operations: Operations, operation: CreateFullText) -> None:
    full_text.create(operations.get_bind(), operation.index)


@Operations.implementation_for(DropFullText)
def _drop(operations: Operations, operation: DropFullText) -> None:
    full_text.drop(operations.get_bind(), operation.index)


@renderers.dispatch_for(CreateFullText)
@renderers.dispatch_for(DropFullText)
def _render(context: AutogenContext, operation: _FullTextOperation) -> str:
    # Both: the way back needs the other one.
    context.imports.add(f"from {__name__} import CreateFullText, DropFullText")
    index = operation.index
    return f"op.invoke({type(operation).__name__}({index.table!r}, {list(index.columns)!r}))"


def _compare(context: AutogenContext, changes: UpgradeOps) -> PriorityDispatchResult:
    """Add drops of full-text indexes before, and creations after, all other operations."""
    declared = {
        name: index
        for name, table in _tables(context).items()
        if (index := FullText.of(table)) is not None and _compared(context, table)
    }
    assert context.connection is not None  # noqa: S101 - only a live database is compared
    found = {
        name: each
        for name, each in full_text.found(context.connection).items()
        if context.run_name_filters(name, "table", {"schema_name": None})
        and _compared(context, Table(name, MetaData()))
    }
    for name, each in found.items():
        if not each.current or each.index != declared.get(name):
            changes.ops.insert(0, DropFullText(name, each.index.columns))
    for name, index in declared.items():
        if name not in found or not found[name].current or found[name].index != index:
            changes.ops.append(CreateFullText(name, index.columns))
    return PriorityDispatchResult.CONTINUE


def _tables(context: AutogenContext) -> dict[str, Table]:
    metadata: Any = context.metadata
    return dict(metadata.tables)


def _compared(context: AutogenContext, table: Table) -> bool:
    return context.run_object_filters(table, table.name, "table", False, None)


Plugin(PLUGIN).add_autogenerate_comparator(
    _compare, "autogenerate", "full_text", priority=DispatchPriority.LAST
)
