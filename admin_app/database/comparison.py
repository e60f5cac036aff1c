"""How Alembic compares models with a database, renders our types, and alters SQLite tables.

Alembic is taught what a CHECK means on each database, how to keep AUTOINCREMENT and its counter
when it copies a SQLite table, how to convert an exact decimal there, how to fill a column that
becomes required, and under which name our types stand in a revision.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.ddl._autogen import ComparisonResult
from alembic.ddl.postgresql import PostgresqlImpl
from alembic.ddl.sqlite import SQLiteImpl
from alembic.operations.batch import ApplyBatchImpl
from sqlalchemy import (
    CheckConstraint,
    Column,
    Dialect,
    Integer,
    String,
    Table,
    TextClause,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.elements import False_, True_
from sqlalchemy.sql.functions import AnsiFunction, now
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from admin_app.database.operations import PLUGIN
from admin_app.database.types import ExactDecimal, rescaled, unscaled
from admin_app.errors import SetupError

COMPARISONS = ("alembic.autogenerate.*", "alembic.ext.checkconstraint_byname", PLUGIN)
"""Alembic's plugins at work: its default ones, CHECK constraints, which are opt-in, and ours."""

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
    """SQLite: a copied table keeps triggers, AUTOINCREMENT and the highest key it ever gave."""

    __dialect__ = "sqlite"
    _counter: tuple[str, int | None] | None = None
    _triggers: tuple[str, list[str]] | None = None

    def prep_table_for_batch(self, batch_impl: ApplyBatchImpl, table: Table) -> None:
        assert self.connection is not None  # noqa: S101 - batch mode is refused offline
        triggers = self.connection.scalars(
            text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name"),
            {"name": table.name},
        )
        self._triggers = (table.name, list(triggers))
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
        self._restore_triggers(new_table_name)
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

    def _restore_triggers(self, table: str) -> None:
        """Make the triggers again that went with the table that was replaced."""
        triggers, self._triggers = self._triggers, None
        if triggers is None or triggers[0] != table or not triggers[1]:
            return
        assert self.connection is not None  # noqa: S101 - batch mode is refused offline
        for each in triggers[1]:
            self.connection.exec_driver_sql(each)
        name = self.dialect.identifier_preparer.quote(table)
        # One that names what is gone would fail with the next write: better now than then.
        for write in (f"INSERT INTO {name} DEFAULT VALUES", f"DELETE FROM {name}"):  # noqa: S608 - quoted
            self.connection.exec_driver_sql(f"EXPLAIN {write}")

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
