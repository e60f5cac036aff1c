"""Migrations: Alembic, driven from Settings, on both databases.

Our own tables have their revisions in this package, as branch ``admin_app``; a project has its own
in ``database.migrations``, and its first one depends on ours. Neither sees the other's tables. A
run is one transaction, so a revision that fails leaves nothing behind.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from alembic import context as environment
from alembic.autogenerate import RevisionContext, produce_migrations
from alembic.config import Config
from alembic.operations.ops import MigrationScript
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.util import CommandError
from alembic.util.pyfiles import load_python_file
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.exc import DBAPIError, SAWarning

from admin_app.database.comparison import COMPARISONS, exists_on, render_item
from admin_app.database.core import Database
from admin_app.database.drift import describe
from admin_app.database.engine import BEGIN, make_engine
from admin_app.database.full_text import is_index_name
from admin_app.database.revisions import History, SchemaState
from admin_app.database.settling import settle
from admin_app.database.violations import is_busy
from admin_app.errors import SetupError
from admin_app.settings import Settings

logger = logging.getLogger("admin_app")

T = TypeVar("T")
Steps = Callable[[Any, MigrationContext], Iterable[Any]]
Plan = Callable[[History, tuple[str, ...]], list[RevisionStep]]

OUR_PREFIX = "admin_"

PATIENCE = {
    # A change of a table queues before everybody who reads it, so it must not wait for long …
    "lock_timeout": 5.0,
    # … but filling a large table may take a while,
    "statement_timeout": 600.0,
    # and a second process waits for the first one to finish (SQLite).
    "write_timeout": 120.0,
    "pool_size": 1,
}
_RUN = "admin_app"
_ADVISORY_LOCK = int.from_bytes(b"admin", "big")


class Migrations:
    """Upgrade, downgrade, write and check the revisions of one installation.

    ``metadata`` holds the project's tables and ours. All methods raise ``SetupError`` with what
    is wrong in words, and leave the database as it was.
    """

    def __init__(self, settings: Settings, metadata: MetaData) -> None:
        self._settings = settings
        self._project = settings.migrations.absolute()
        self._metadata = metadata

    async def upgrade(self, revision: str = "heads") -> tuple[str, ...]:
        """Apply what is missing up to ``revision``; returns what was applied, in order."""
        return await self._run(
            lambda connection: self._migrate(
                connection, lambda history, applied: history.upgrade(revision, applied)
            )
        )

    async def upgrade_embedded(self) -> tuple[str, ...]:
        """Bring the embedded database up to date, whoever else is starting at the same moment.

        The revision is read under the write lock, so of many processes one migrates and the others
        wait and find nothing to do. A database that is newer than the code is left alone.
        """
        state = await self.current()
        return await self.upgrade() if state.pending and not state.newer else ()

    async def downgrade(self, revision: str) -> tuple[str, ...]:
        """Take back to ``revision``; ``-N`` counts back in the project's own revisions.

        ``base`` takes back everything, our own tables included. Returns what was taken back.
        """
        return await self._run(
            lambda connection: self._migrate(
                connection, lambda history, applied: history.downgrade(revision, applied)
            )
        )

    async def revision(
        self, message: str, *, empty: bool = False, ours: bool = False
    ) -> Path | None:
        """Write the revision that brings the database to the models; none if nothing differs.

        ``message`` becomes its docstring and file name. ``empty`` writes one without changes, to
        be filled by hand; ``ours`` is for this package's own tables. Two heads are merged.
        """
        if not message.strip():
            raise SetupError("A revision needs a message: it becomes its docstring and file name.")
        return await self._run(
            lambda connection: self._revision(connection, message.strip(), empty=empty, ours=ours)
        )

    async def check(self) -> list[str]:
        """Every difference between models and database, one sentence each; empty when none."""
        return await self._run(self._check)

    async def current(self) -> SchemaState:
        """How the database stands to the code, over a connection of its own."""
        return await self._run(self._state)

    async def state(self, database: Database) -> SchemaState:
        """How the database stands to the code, over an open ``database``."""
        return await database.read(lambda connection: connection.run_sync(self._state))

    async def _run(self, work: Callable[[Connection], T]) -> T:
        limits = self._settings.database.model_copy(update=PATIENCE)
        engine = make_engine(self._settings.model_copy(update={"database": limits}))
        connected = False
        try:
            async with engine.connect() as connection:
                connected = True
                return await connection.run_sync(work)
        except CommandError as error:
            raise SetupError(str(error)) from error
        except (DBAPIError, OSError) as error:
            if not isinstance(error, DBAPIError):
                if connected:
                    raise
                said = str(error)
            else:
                said = _first_line(error)
            if connected and isinstance(error, DBAPIError) and not is_busy(error):
                msg = f"The database refused, and nothing was changed: {said}"
            else:
                msg = f"The database cannot do this now, and nothing was changed: {said}"
            raise SetupError(msg) from error
        finally:
            await engine.dispose()

    def _migrate(self, connection: Connection, plan: Plan) -> tuple[str, ...]:
        """Run the steps that ``plan`` finds from the applied revisions to where it leads."""
        history = self._history()
        done: list[str] = []

        def steps(applied: Any, _context: MigrationContext) -> Iterator[Any]:
            for step in plan(history, applied):
                done.append(step.revision.revision)
                yield step

        if connection.dialect.name == "sqlite":
            # Has no effect within a transaction. With them on, replacing a table by its changed
            # copy would delete every row that points to it with ON DELETE CASCADE.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.rollback()
            connection.execution_options(**{BEGIN: "BEGIN IMMEDIATE"})
        kept: list[Connection] = []
        event.listen(connection, "commit", kept.append)
        try:
            self._environment(steps, _Run(connection, self._metadata, history))
        except DBAPIError as error:
            if not done or is_busy(error):
                raise
            # An autocommit block ends the transaction in which all of it was to happen.
            rest = "what its autocommit block follows was kept" if kept else "nothing was changed"
            msg = f"Revision {done[-1]} failed, and {rest}: {_first_line(error)}"
            raise SetupError(msg) from error
        return tuple(done)

    def _revision(
        self, connection: Connection, message: str, *, empty: bool, ours: bool
    ) -> Path | None:
        if self._state(connection).pending:
            raise SetupError("The database lacks revisions: run `admin-app db upgrade` first.")
        connection.rollback()
        history = self._history()
        revisions = RevisionContext(
            Config(),
            history.scripts,
            {
                "message": message,
                "sql": False,
                "splice": False,
                "rev_id": None,
                **history.place(ours=ours),
            },
            lambda context, _, written: _finish(context, self._metadata, written, keep=empty),
        )
        fill = revisions.run_no_autogenerate if empty else revisions.run_autogenerate

        def steps(applied: Any, context: MigrationContext) -> Iterable[Any]:
            fill(applied, context)
            return ()

        self._inspect(connection, history, steps, ours=ours)
        for script in revisions.generate_scripts():
            return Path(script.path) if script else None
        return None

    def _check(self, connection: Connection) -> list[str]:
        history = self._history()
        found = [
            f"revision {each} has not been applied" for each in self._state(connection).pending
        ]
        connection.rollback()

        def steps(_applied: Any, context: MigrationContext) -> Iterable[Any]:
            operations = produce_migrations(context, self._metadata).upgrade_ops
            found.extend(describe(operations) if operations else ())
            return ()

        self._inspect(connection, history, steps, ours=None)
        return found

    def _state(self, connection: Connection) -> SchemaState:
        return self._history().state(MigrationContext.configure(connection).get_current_heads())

    def _history(self) -> History:
        return History(self._project)

    def _inspect(
        self, connection: Connection, history: History, steps: Steps, *, ours: bool | None
    ) -> None:
        connection.execution_options(**{BEGIN: "BEGIN"})
        run = _Run(connection, self._metadata, history, ours=ours, changes=False)
        self._environment(steps, run)

    def _environment(self, steps: Steps, run: _Run) -> None:
        config = Config(attributes={_RUN: run})
        with (
            warnings.catch_warnings(),
            EnvironmentContext(config, run.history.scripts, fn=steps),
        ):
            # They are parted in the revision.
            warnings.filterwarnings("ignore", "Cannot correctly sort tables", SAWarning)
            if (self._project / "env.py").exists():
                load_python_file(self._project, "env.py")
            else:
                run_env()


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the environment: what ``run_env`` needs to know."""

    connection: Connection
    metadata: MetaData
    history: History
    ours: bool | None = None
    changes: bool = True

    def is_in_view(self, table: str) -> bool:
        """Whether ``table`` is compared: ours, the project's, or everybody's."""
        return self.ours is None or table.startswith(OUR_PREFIX) == self.ours

    def is_known(self, name: str, kind: str) -> bool:
        """Whether a table is declared by a model or made by a revision, and all but some indexes.

        Full-text indexes are compared as such.
        """
        if kind == "table":
            return name in self.metadata.tables or name in self.history.tables
        return kind != "index" or not is_index_name(name)


def run_env() -> None:
    """Run migrations as a project's ``migrations/env.py``: the whole of that file is this call.

    Raises ``SetupError`` when Alembic's own command line runs it.
    """
    run: _Run | None = environment.config.attributes.get(_RUN)
    if run is None:
        raise SetupError("Run migrations with `admin-app db`: Alembic alone knows no settings.")
    connection = run.connection
    sqlite = connection.dialect.name == "sqlite"
    environment.configure(
        connection=connection,
        target_metadata=run.metadata,
        transactional_ddl=True,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=True,
        include_name=lambda name, kind, _: run.is_known(str(name), kind),
        include_object=lambda item, name, kind, reflected, _: _included(
            run, item, name, kind, reflected=reflected
        ),
        render_item=render_item,
        autogenerate_plugins=COMPARISONS,
        dont_mutate=not run.changes,
    )
    with environment.begin_transaction():
        if run.changes and not sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        environment.run_migrations()
        if run.changes and sqlite:
            _refuse_orphans(connection)


def _included(run: _Run, item: Any, name: str | None, kind: str, *, reflected: bool) -> bool:
    if kind == "table":
        return run.is_in_view(str(name))
    if kind == "check_constraint" and not reflected:
        return exists_on(item, run.connection.dialect)
    return True


def _refuse_orphans(connection: Connection) -> None:
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if orphans:
        found = ", ".join(sorted({f"{table} → {parent}" for table, _, parent, _ in orphans}))
        msg = f"Rows would point to nothing, so nothing was changed: {found}."
        raise SetupError(msg)


def _finish(
    context: MigrationContext, metadata: MetaData, written: list[MigrationScript], *, keep: bool
) -> None:
    for script in list(written):
        up, down = script.upgrade_ops, script.downgrade_ops
        if up is None or down is None or (up.is_empty() and not keep):
            written.remove(script)
            continue
        for warning in settle(up, down, metadata, context):
            logger.warning("%s", warning)


def _first_line(error: DBAPIError) -> str:
    """What the database itself says: without the statement, its values and the driver's names."""
    said = str(getattr(error.orig, "__cause__", None) or error.orig).strip()
    return said.partition("\n")[0]
