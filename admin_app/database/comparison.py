"""How Alembic compares models with a database here, writes the difference down, and changes SQLite.

Alembic is taught what a CHECK means on each database, how to keep AUTOINCREMENT and its counter
when it copies a SQLite table, how to convert an exact decimal there, what to put into rows that
exist where a column must be filled, and under which name our types stand in a revision.
"""

from __future__ import annotations

import ast
import enum
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.autogenerate.render import _repr_type
from alembic.ddl._autogen import ComparisonResult
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations import ops
from alembic.operations.batch import ApplyBatchImpl
from alembic.runtime.migration import MigrationContext
from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    Enum,
    Integer,
    MetaData,
    String,
    Table,
    TextClause,
    func,
    literal,
    select,
    table,
    text,
)
from sqlalchemy import column as named
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import False_, True_
from sqlalchemy.sql.functions import AnsiFunction, now
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from admin_app.database.types import ExactDecimal, rescaled, unscaled
from admin_app.errors import SetupError

COMPARISONS = ("alembic.autogenerate.*", "alembic.ext.checkconstraint_byname")
"""Alembic's plugins at work: its default ones and CHECK constraints, which are opt-in."""

MISSING = "is missing in the database"
UNKNOWN = "is in the database and in no model"

_NOUNS = {
    "check_constraint": "check",
    "table_or_column_check_constraint": "check",
    "column_check_constraint": "check",
    "unique_constraint": "unique constraint",
    "foreign_key_constraint": "foreign key",
    "primary_key_constraint": "primary key",
}
_ASPECTS = {"type": "type", "default": "server default", "comment": "comment"}
_EMPTY = {True: "may be empty", False: "must be filled"}

_STORED_CHECK = text(
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE contype = 'c' AND conrelid = to_regclass(:table) AND conname = :name"
)
_STORED_DEFAULT = text(
    "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef"
    " JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum"
    " WHERE adrelid = to_regclass(:table) AND attname = :name"
)


class SQLiteChanges(SQLiteImpl):
    """SQLite: a copied table keeps AUTOINCREMENT and the highest key it ever gave."""

    __dialect__ = "sqlite"
    _counter: tuple[str, int | None] | None = None

    def prep_table_for_batch(self, batch_impl: ApplyBatchImpl, table: Table) -> None:
        assert self.connection is not None  # noqa: S101 - batch mode is refused offline
        declared = self.connection.scalar(
            text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"),
            {"name": table.name},
        )
        self._counter = None
        if "AUTOINCREMENT" not in str(declared).upper():
            return
        if batch_impl.new_table is not None:
            batch_impl.new_table.dialect_options["sqlite"]["autoincrement"] = True
        last = self.connection.scalar(
            text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
        )
        self._counter = (table.name, last)

    def rename_table(self, old_table_name: str, new_table_name: Any, schema: Any = None) -> None:
        super().rename_table(old_table_name, new_table_name, schema=schema)
        counter, self._counter = self._counter, None
        if counter is None or counter[0] != new_table_name or counter[1] is None:
            return
        # The copy counted only the rows that are left: a deleted row's number would be given again.
        self._exec(
            text("DELETE FROM sqlite_sequence WHERE name = :name").bindparams(name=counter[0])
        )
        self._exec(
            text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)").bindparams(
                name=counter[0], seq=counter[1]
            )
        )

    def cast_for_batch_migrate(
        self, existing: Column[Any], existing_transfer: dict[str, Any], new_type: TypeEngine[Any]
    ) -> None:
        """Convert what is stored, from and to exact decimals: another type is another number."""
        old, new = _exact(existing.type), _exact(new_type)
        stored = existing_transfer["expr"]
        if old is None and new is None:
            super().cast_for_batch_migrate(existing, existing_transfer, new_type)
        elif new is not None:
            self._teach()
            existing_transfer["expr"] = self._rescaled(
                existing, stored, old.scale if old else 0, new.precision, new.scale
            )
        elif old is not None and isinstance(new_type, Integer):
            self._teach()
            existing_transfer["expr"] = self._rescaled(existing, stored, old.scale, 19, 0)
        elif old is not None:
            self._teach()
            target = "text" if isinstance(new_type, String) else "real"
            existing_transfer["expr"] = func.admin_unscaled(stored, old.scale, target)

    def _teach(self) -> None:
        """Have the connection count in decimals: SQLite itself knows only binary fractions."""
        assert self.connection is not None  # noqa: S101 - batch mode is refused offline
        driver: Any = self.connection.connection
        for function, count in ((rescaled, 4), (unscaled, 3)):
            known = _known(function)
            driver.create_function(f"admin_{function.__name__}", count, known, deterministic=True)

    def _rescaled(self, column: Column[Any], stored: Any, scale: int, *target: int) -> Any:
        assert self.connection is not None  # noqa: S101 - as above
        converted = func.admin_rescaled(stored, scale, *target)
        rows = select(func.count()).where(stored.is_not(None), converted.is_(None))
        lost = self.connection.scalar(rows)
        if lost:
            precision, places = target
            (owner,) = rows.get_final_froms()
            msg = (
                f"In {lost} rows {owner}.{column.name} holds no number that has at most"
                f" {precision} digits, {places} of them decimal places; nothing was changed."
            )
            raise SetupError(msg)
        return converted

    def compare_type(self, inspector_column: Column[Any], metadata_column: Column[Any]) -> bool:
        if not (_exact(inspector_column.type) or _exact(metadata_column.type)):
            return super().compare_type(inspector_column, metadata_column)
        stored, declared = (
            each.type.compile(dialect=self.dialect) for each in (inspector_column, metadata_column)
        )
        return bool(stored != declared)

    def compare_server_default(
        self,
        inspector_column: Column[Any],  # noqa: ARG002 - the hook's signature
        metadata_column: Column[Any],
        rendered_metadata_default: str | None,  # noqa: ARG002 - it has lost its quotes
        rendered_inspector_default: str | None,
    ) -> bool:
        return _unwrapped(_default(metadata_column, self.dialect)) != _unwrapped(
            rendered_inspector_default
        )

    def compare_check_constraint(
        self, metadata_constraint: CheckConstraint, reflected_constraint: CheckConstraint
    ) -> ComparisonResult:
        declared = self.render_ddl_sql_expr(metadata_constraint.sqltext)
        if declared.split() == str(reflected_constraint.sqltext).split():
            return ComparisonResult.Equal()
        return ComparisonResult.Different(declared)


class PostgresqlChanges(PostgresqlImpl):
    """PostgreSQL: it rewords what it stores, so it is asked to store the model's words as well."""

    __dialect__ = "postgresql"

    def alter_column(self, table_name: str, column_name: str, **changes: Any) -> None:
        type_, stored = changes.get("type_"), changes.get("existing_type")
        if type_ is not None and _exact(type_) and isinstance(stored, String):
            # PostgreSQL makes no number of a text unless it is told to.
            name = self.dialect.identifier_preparer.quote(column_name)
            using = f"{name}::{type_.compile(dialect=self.dialect)}"
            changes.setdefault("postgresql_using", using)
        super().alter_column(table_name, column_name, **changes)

    def compare_server_default(
        self,
        inspector_column: Column[Any],  # noqa: ARG002 - the hook's signature
        metadata_column: Column[Any],
        rendered_metadata_default: str | None,  # noqa: ARG002 - it has lost its quotes
        rendered_inspector_default: str | None,
    ) -> bool:
        if metadata_column is metadata_column.table._autoincrement_column:  # noqa: SLF001 - SERIAL
            return False
        declared = _default(metadata_column, self.dialect)
        if declared is None or rendered_inspector_default is None:
            return declared is not rendered_inspector_default
        column = self.dialect.identifier_preparer.format_column(metadata_column)
        return self._differs(
            metadata_column.table,
            metadata_column.name,
            f"ALTER COLUMN {column} SET DEFAULT {declared}",
            _STORED_DEFAULT,
        )

    def compare_check_constraint(
        self, metadata_constraint: CheckConstraint, reflected_constraint: CheckConstraint
    ) -> ComparisonResult:
        name = str(reflected_constraint.name)
        condition = self.render_ddl_sql_expr(metadata_constraint.sqltext)
        quoted = self.dialect.identifier_preparer.quote(name)
        if self._differs(
            reflected_constraint.table,
            name,
            f"ADD CONSTRAINT {quoted} CHECK ({condition})",
            _STORED_CHECK,
        ):
            return ComparisonResult.Different(condition)
        return ComparisonResult.Equal()

    def _differs(self, table: Table, name: str, alteration: str, query: TextClause) -> bool:
        """Whether ``query`` answers otherwise for the table than for a copy with ``alteration``."""
        assert self.connection is not None  # noqa: S101 - only a live database is compared
        original = self.dialect.identifier_preparer.format_table(table)
        stored = self.connection.scalar(query, {"table": original, "name": name})
        attempt = self.connection.begin_nested()
        try:
            self.connection.exec_driver_sql(f"CREATE TEMPORARY TABLE _copy (LIKE {original})")
            try:
                self.connection.exec_driver_sql(f"ALTER TABLE pg_temp._copy {alteration}")
            except DBAPIError:
                # It needs a column, or a type of one, that the database lacks.
                return True
            declared = self.connection.scalar(query, {"table": "pg_temp._copy", "name": name})
        finally:
            attempt.rollback()
        return bool(declared != str(stored).removesuffix(" NOT VALID"))


def _default(column: Column[Any], dialect: Dialect) -> str | None:
    """The server default of ``column`` as ``dialect`` writes it in a table's definition."""
    compiler: Any = dialect.ddl_compiler
    written: str | None = compiler(dialect, None).get_column_default_string(column)
    return written


def _exact(type_: TypeEngine[Any]) -> ExactDecimal | None:
    """The exact decimal that ``type_`` is, or decorates."""
    while isinstance(type_, TypeDecorator) and not isinstance(type_, ExactDecimal):
        type_ = type_.impl_instance
    return type_ if isinstance(type_, ExactDecimal) else None


def _known(function: Any) -> Any:
    """``function``, as in SQL: of nothing it makes nothing."""
    return lambda value, *rest: None if value is None else function(value, *rest)


def _unwrapped(written: str | None) -> str | None:
    return (
        written[1:-1] if written and written.startswith("(") and written.endswith(")") else written
    )


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


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write our types as ``admin_app.X(…)``, other custom ones with their import.

    Defaults that each dialect words differently stay unworded. This is Alembic's hook: ``False``
    leaves the item to Alembic.
    """
    if kind == "server_default":
        return _render_default(getattr(item, "arg", None))
    if kind != "type" or not isinstance(item, (TypeDecorator, UserDefinedType)):
        return False
    module = type(item).__module__
    if module.startswith("sqlalchemy."):
        return False
    ours = module.startswith("admin_app.")
    context.imports.add("import admin_app" if ours else f"import {module}")
    return f"admin_app.{item!r}" if ours else False


def _render_default(value: Any) -> str | Literal[False]:
    if isinstance(value, (now, AnsiFunction)):
        return f"sa.func.{value.name}()"
    if isinstance(value, (True_, False_)):
        return f"sa.{'true' if isinstance(value, True_) else 'false'}()"
    return False


def exists_on(constraint: CheckConstraint, dialect: Any) -> bool:
    """Whether ``dialect`` gets the CHECK that a type such as ``Enum`` may bring with it."""
    rule = constraint._create_rule  # noqa: SLF001 - SQLAlchemy has no public name for it
    return rule is None or bool(rule(dialect.ddl_compiler(dialect, None)))


def describe(operations: ops.UpgradeOps) -> list[str]:
    """Say in words, one sentence a difference, what ``operations`` would change."""
    differences = list(_flat(operations.as_diffs()))
    whole = {parts[0].name for kind, *parts in differences if kind.endswith("_table")}
    found: dict[str, list[str]] = {}
    for kind, *parts in differences:
        if kind.endswith("_index") and parts[0].table.name in whole:
            continue
        subject, verdict = _difference(kind, *parts)
        found.setdefault(subject, []).append(verdict)
    for verdicts in found.values():
        if {MISSING, UNKNOWN} <= set(verdicts):
            verdicts[:] = ["differs"]
    return [f"{subject} {each}" for subject, verdicts in found.items() for each in verdicts]


def _flat(differences: Any) -> Iterator[tuple[Any, ...]]:
    for each in differences:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each


def _difference(kind: str, *parts: Any) -> tuple[str, str]:
    verb, _, noun = kind.partition("_")
    if verb in {"add", "remove"} and noun in {"table", "column", "index", "constraint", "fk"}:
        return _subject(noun, parts), MISSING if verb == "add" else UNKNOWN
    if verb == "modify":
        _, table, column, _, stored, declared = parts
        return _modified(f"column {column} of table {table}", noun, stored, declared)
    return f"{kind}: {parts}", "differs"


def _subject(noun: str, parts: tuple[Any, ...]) -> str:
    if noun == "table":
        return f"table {parts[0].name}"
    if noun == "column":
        _, table, column = parts
        return f"column {column.name} of table {table}"
    (rule,) = parts
    columns = ", ".join(column.name for column in rule.columns)
    name = rule.name or f"on {columns}"
    return (
        f"{_NOUNS.get(rule.__visit_name__, rule.__visit_name__)} {name} of table {rule.table.name}"
    )


def _modified(column: str, aspect: str, stored: Any, declared: Any) -> tuple[str, str]:
    if aspect == "nullable":
        return (
            column,
            f"{_EMPTY[bool(stored)]} in the database, {_EMPTY[bool(declared)]} in the models",
        )
    return (
        f"{_ASPECTS.get(aspect, aspect)} of {column}",
        f"is {_shown(stored)} in the database, {_shown(declared)} in the models",
    )


def _shown(value: Any) -> str:
    if isinstance(value, TypeEngine):
        return repr(value)
    return "none" if value is None else str(getattr(value, "arg", value))
