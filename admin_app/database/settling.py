"""Complete the operations of a new revision: what autogenerate leaves out.

A column that becomes required is filled first, data loss is announced in a comment, and what one
database cannot do in one step is done in two.
"""

from __future__ import annotations

import ast
import enum
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    Enum,
    MetaData,
    literal,
    select,
    table,
)
from sqlalchemy import column as named

from admin_app.database.cycles import part_cycles
from admin_app.errors import SetupError


class Fill(ops.MigrateOperation):
    """Put ``value`` (source text) into a column where it is empty."""

    def __init__(self, column: Column[Any], value: str, needs: str | None) -> None:
        self.column = column
        self.value = value
        self.needs = needs


class Note(ops.MigrateOperation):
    """A comment above the operation it is about."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence


@renderers.dispatch_for(Fill)
def _render_fill(context: AutogenContext, fill: Fill) -> str:
    if fill.needs:
        context.imports.add(fill.needs)
    column, owner = fill.column, fill.column.table
    name, type_ = str(column.name), _repr_type(column.type, context)
    schema = f", schema={owner.schema!r}" if owner.schema else ""
    return (
        f"op.execute(sa.update(sa.table({owner.name!r}, sa.column({name!r}, {type_}){schema}))"
        f".where(sa.column({name!r}).is_(None)).values({{{name!r}: {_balanced(fill.value)}}}))"
    )


def _balanced(source: str) -> str:
    """``source`` with as many closing brackets as opening ones: our template indents by them."""
    if source.count("(") == source.count(")"):
        return source
    return source.replace("(", "\\x28").replace(")", "\\x29")


@renderers.dispatch_for(Note)
def _render_note(_context: AutogenContext, note: Note) -> list[str]:
    # What to write instead stays in one line, to be copied.
    words, colon, code = note.sentence.partition(": op.")
    lines = textwrap.wrap(words + colon[:1], 90)
    return [f"# {line}" for line in [*lines, *([f"  op.{code}"] if code else [])]]


def settle(
    up: ops.UpgradeOps, down: ops.DowngradeOps, metadata: MetaData, context: MigrationContext
) -> list[str]:
    """Prepare both ways of a revision for rendering; returns what its author should know.

    Nothing is lost in rendering, indexes stand outside of batches, and rows that exist get the
    default of a column that must be filled. Raises ``SetupError`` if there is none and they need
    one.
    """
    upward = _Upward(metadata, context)
    up.ops = [ready for each in up.ops for ready in upward.settled(each)]
    down.ops = [ready for each in down.ops for ready in _downward(each)]
    part_cycles(up, down)
    if upward.refused:
        raise SetupError("\n".join(upward.refused))
    return upward.warnings


class _Upward:
    """The operations of one ``upgrade``, made ready in turn."""

    def __init__(self, metadata: MetaData, context: MigrationContext) -> None:
        self._metadata = metadata
        self._context = context
        self.warnings: list[str] = []
        self.refused: list[str] = []

    def settled(self, operation: ops.MigrateOperation) -> list[ops.MigrateOperation]:
        if isinstance(operation, ops.ModifyTableOps):
            return self._modified(operation)
        if isinstance(operation, ops.DropTableOp):
            name = operation.table_name
            return [
                self._warned(
                    f"Drops table {name} with all that is in it. If it was renamed, edit the"
                    f" revision: op.rename_table({name!r}, …)"
                ),
                operation,
            ]
        return [*_simplified(operation)]

    def _modified(self, change: ops.ModifyTableOps) -> list[ops.MigrateOperation]:
        notes: list[ops.MigrateOperation] = []
        fills: list[ops.MigrateOperation] = []
        first: list[ops.MigrateOperation] = []
        then: list[ops.MigrateOperation] = []
        dropped = [each.column_name for each in change.ops if isinstance(each, ops.DropColumnOp)]
        for name in dropped:
            place = f"{change.table_name}.{name}"
            sentence = f"Drops {place} with all that is in it. {_renamed(change, name)}"
            notes.append(self._warned(sentence))
        for each in change.ops:
            column = self._required(change, each)
            if isinstance(each, ops.AddColumnOp):
                each.column = _without_check(each.column)
            value = None if column is None else _default_source(column, self._context.dialect)
            if column is None:
                (first if isinstance(each, ops.AddColumnOp) else then).append(each)
            elif value is None:
                notes.extend(self._without_default(change, each, column, dropped))
                (first if isinstance(each, ops.AddColumnOp) else then).append(each)
            else:
                relaxed, required = _in_two(each, column)
                first.extend(relaxed)
                fills.append(Fill(column, *value))
                then.append(required)
        if not fills:
            return [*notes, *_simplified(change)]
        told = Note("Rows that exist get the default that new ones have.")
        steps = [_batch(change, first), told, *fills, _batch(change, then)]
        return [*notes, *(each for each in steps if not _is_empty(each))]

    def _required(
        self, change: ops.ModifyTableOps, operation: ops.MigrateOperation
    ) -> Column[Any] | None:
        """The model's column that this makes one that must be filled, and that nobody fills."""
        if isinstance(operation, ops.AddColumnOp):
            return operation.column if _is_unfilled(operation.column) else None
        if isinstance(operation, ops.AlterColumnOp) and operation.modify_nullable is False:
            schema = f"{change.schema}." if change.schema else ""
            return self._metadata.tables[schema + change.table_name].c[operation.column_name]
        return None

    def _without_default(
        self,
        change: ops.ModifyTableOps,
        operation: ops.MigrateOperation,
        column: Column[Any],
        dropped: Sequence[str],
    ) -> list[ops.MigrateOperation]:
        """Refuse what fails here already; warn of what may fail elsewhere."""
        added = isinstance(operation, ops.AddColumnOp)
        place = f"{column.table.name}.{column.name}"
        rows = select(literal(1)).select_from(table(column.table.name, schema=column.table.schema))
        if not added:
            rows = rows.where(named(column.name).is_(None))
        connection = self._context.connection
        assert connection is not None  # noqa: S101 - a revision is written from a live database
        if connection.scalar(rows.limit(1)) is None:
            where = f"table {column.table.name} has rows" if added else f"{place} is empty"
            return [
                self._warned(
                    f"Fails where {where}: {place} must be filled, and the models give it no"
                    " default that can be written here."
                )
            ]
        lacking = "the table has rows without it" if added else "some rows have nothing in it"
        hints = "".join(
            f" {_renamed(change, each, column.name, 'write')}" for each in dropped if added
        )
        self.refused.append(
            f"{place} must be filled, and {lacking}. Give it a default in the models (a value, not"
            " a function), let it be empty, or write the revision by hand, beginning with"
            f" `admin-app db revision --empty`.{hints}"
        )
        return []

    def _warned(self, sentence: str) -> Note:
        self.warnings.append(sentence)
        return Note(sentence)


def _renamed(
    change: ops.ModifyTableOps, old: str, new: str = "…", what: str = "edit the revision"
) -> str:
    return (
        f"If {old} was renamed, {what}:"
        f" op.alter_column({change.table_name!r}, {old!r}, new_column_name={new!r})"
    )


def _is_unfilled(column: Column[Any]) -> bool:
    """Whether rows that exist would have nothing for it, though they must have something."""
    return not (
        column.nullable
        or column.server_default is not None
        or (column.primary_key and column.table.autoincrement_column is column)
    )


def _in_two(
    operation: ops.MigrateOperation, column: Column[Any]
) -> tuple[list[ops.MigrateOperation], ops.AlterColumnOp]:
    """What comes before a column is filled, and what makes it one that must be."""
    owner = column.table
    relaxed: list[ops.MigrateOperation] = []
    if isinstance(operation, ops.AddColumnOp):
        type_ = operation.column.type
        empty: Column[Any] = Column(column.name, type_, comment=column.comment)
        relaxed = [ops.AddColumnOp(owner.name, empty, schema=owner.schema)]
    elif isinstance(operation, ops.AlterColumnOp):
        operation.modify_nullable = None
        relaxed = [operation] if operation.has_changes() else []
    required = ops.AlterColumnOp(
        owner.name,
        column.name,
        schema=owner.schema,
        existing_type=column.type,
        existing_server_default=column.server_default,
        modify_nullable=False,
    )
    return relaxed, required


def _without_check(column: Column[Any]) -> Column[Any]:
    """``column`` without the CHECK of its type, which is an operation of its own already."""
    if not getattr(column.type, "create_constraint", False):
        return column
    type_: Any = column.type.copy()
    type_.create_constraint = False
    plain = column._copy()  # noqa: SLF001 - SQLAlchemy has no public name for it
    plain.type = type_
    return plain


def _batch(
    change: ops.ModifyTableOps, operations: Sequence[ops.MigrateOperation]
) -> ops.ModifyTableOps:
    return ops.ModifyTableOps(change.table_name, operations, schema=change.schema)


def _is_empty(operation: ops.MigrateOperation) -> bool:
    return isinstance(operation, ops.ModifyTableOps) and not operation.ops


def _default_source(column: Column[Any], dialect: Dialect) -> tuple[str, str | None] | None:
    """The default of ``column`` as source text and the import it needs; none if it is no value."""
    default: Any = column.default
    if default is None or not default.is_scalar:
        return None
    value = default.arg
    if isinstance(column.type, Enum):
        choices: Any = column.type
        value = choices.bind_processor(dialect)(value)
    elif isinstance(value, enum.Enum) and isinstance(value, str | int):
        value = value.value
    return _source(value)


def _source(value: Any) -> tuple[str, str | None] | None:
    if isinstance(value, Decimal):
        return repr(value), "from decimal import Decimal"
    if isinstance(value, UUID):
        return repr(value), "from uuid import UUID"
    if isinstance(value, datetime) and value.tzinfo:
        return repr(value.astimezone(UTC)), "import datetime"
    if isinstance(value, date | time | timedelta) and getattr(value, "tzinfo", None) is None:
        return repr(value), "import datetime"
    try:
        plain = ast.literal_eval(repr(value)) == value
    except (SyntaxError, ValueError):
        return None
    return (repr(value), None) if plain else None


def _downward(operation: ops.MigrateOperation) -> list[ops.MigrateOperation]:
    notes: list[ops.MigrateOperation] = []
    for each in operation.ops if isinstance(operation, ops.ModifyTableOps) else ():
        if isinstance(each, ops.AddColumnOp) and _is_unfilled(each.column):
            notes.append(
                Note(
                    f"Fails where table {each.table_name} has rows: {each.column.name} must be"
                    " filled, and what was in it is gone."
                )
            )
        elif isinstance(each, ops.AlterColumnOp) and each.modify_nullable is False:
            notes.append(Note(f"Fails where {each.table_name}.{each.column_name} is empty."))
    return [*notes, *_simplified(operation)]


def _simplified(operation: ops.MigrateOperation) -> Sequence[ops.MigrateOperation]:
    if isinstance(operation, ops.CreateTableOp):
        operation.columns = [*operation.columns, *_column_checks(operation)]
        # For the models' own use: it says nothing about the database.
        operation.info = {}
    if isinstance(operation, ops.ModifyTableOps) and all(
        isinstance(each, (ops.CreateIndexOp, ops.DropIndexOp)) for each in operation.ops
    ):
        return operation.ops
    return [operation]


def _column_checks(table: ops.CreateTableOp) -> Iterator[CheckConstraint]:
    """The CHECKs of single columns as the table's own: Alembic renders no others."""
    for column in table.columns:
        for check in column.constraints if isinstance(column, Column) else ():
            if isinstance(check, CheckConstraint):
                yield CheckConstraint(check.sqltext, name=check.name)
