"""What is true of the migrations: one history, no drift, nothing lost on the way."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from conftest import KINDS, LIBRARY, PROJECT, FreshSettings, Kind, empty, start_program
from sqlalchemy import MetaData, Table
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app import BigKey, ExactDecimal
from admin_app.access import shipped_roles
from admin_app.database import Database, migrations
from admin_app.database.history import OUR_VERSIONS
from admin_app.database.migrations import Migrations
from admin_app.declaration import OUR_PREFIX
from admin_app.errors import SetupError
from admin_app.settings import DatabaseSection, Settings

OURS = tuple(f"admin_app_000{number}" for number in range(1, 8))
THEIRS = ("library_0001", "library_0002", "library_0003")
HEAD = THEIRS[-1]
ORDER = (
    "admin_app_0001",
    *THEIRS,
    "admin_app_0002",
    "admin_app_0003",
    "admin_app_0004",
    "admin_app_0005",
    "admin_app_0006",
    "admin_app_0007",
)
"""The library's revisions wait for our first only."""

T = TypeVar("T")
Change = Callable[[MetaData], object]


def library(change: Change = lambda _: None) -> MetaData:
    """A copy of the library's metadata, changed."""
    copy = MetaData(naming_convention=LIBRARY.naming_convention)
    for table in LIBRARY.tables.values():
        table.to_metadata(copy)
    change(copy)
    return copy


def add_column(table: str, name: str, kind: sa.types.TypeEngine[Any]) -> Change:
    return lambda models: models.tables[table].append_column(sa.Column(name, kind))


@pytest.fixture
def project(settings: Settings) -> Settings:
    """The library as a project whose revisions may be added to."""
    return own_project(settings)


def own_project(settings: Settings) -> Settings:
    shutil.copytree(PROJECT / "migrations", settings.root / "migrations")
    return at(settings, settings.root / "migrations")


def at(settings: Settings, folder: Path) -> Settings:
    database = settings.database.model_copy(update={"migrations": folder})
    return settings.model_copy(update={"database": database})


def write(settings: Settings, revision: str, after: str, up: str, down: str = "pass") -> None:
    """Write a revision by hand."""
    text = (
        f'"""{revision}."""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f"revision = {revision!r}\ndown_revision = {after!r}\n\n\n"
        f"def upgrade() -> None:\n    {up}\n\n\ndef downgrade() -> None:\n    {down}\n"
    )
    (settings.migrations / "versions" / f"{revision}.py").write_text(text, "utf-8")


async def execute(settings: Settings, *statements: str) -> None:
    """Run each statement in one write."""

    async def work(session: AsyncSession) -> None:
        for each in statements:
            await session.execute(sa.text(each))

    await using(settings, lambda database: database.write(work))


async def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    async def work(connection: AsyncConnection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.execute(sa.text(query))]

    return await using(settings, lambda database: database.read(work))


async def using(settings: Settings, work: Callable[[Database], Awaitable[T]]) -> T:
    database = Database(settings)
    try:
        return await work(database)
    finally:
        await database.close()


BOOKS = (
    "INSERT INTO author (id, version, name) VALUES (1, 1, 'Ana'), (2, 1, 'Bo')",
    "INSERT INTO book (id, version, title) VALUES (1, 1, 'One'), (2, 1, 'Two'), (7, 1, 'Gone')",
    "INSERT INTO book_author (book_id, author_id) VALUES (1, 1), (2, 1), (2, 2)",
    "INSERT INTO comment (id, version, book_id, text, stars) VALUES (1, 1, 2, 'Good', 4)",
    "DELETE FROM book WHERE id = 7",
)


async def test_head_equals_models(settings: Settings) -> None:
    """After every revision the database is what the models say, ours included."""
    assert await Migrations(settings, LIBRARY).check() == []


async def test_state_of_head(database: Database, settings: Settings) -> None:
    """A migrated database lacks nothing and has nothing the code does not know."""
    state = await Migrations(settings, LIBRARY).state(database)

    assert (state.pending, state.newer) == ((), ())
    assert set(state.applied) == {HEAD, OURS[-1]}


def test_one_head_a_branch() -> None:
    """The library's revisions and ours each end in one head, and each has a docstring."""
    scripts = ScriptDirectory(
        PROJECT / "migrations", version_locations=[OUR_VERSIONS, PROJECT / "migrations/versions"]
    )
    every = list(scripts.walk_revisions())
    ends = [Path(each.path).parent for each in every if each.is_head]

    assert sorted(ends) == sorted({Path(each.path).parent for each in every})
    assert all(each.doc.endswith(".") for each in every)


def test_our_prefix() -> None:
    """Migrations and declarations mean the same tables by "ours"."""
    assert migrations.OUR_PREFIX == OUR_PREFIX


@pytest.mark.parametrize("kind", KINDS)
async def test_down_to_nothing_and_up_again(kind: Kind, fresh_settings: FreshSettings) -> None:
    """Taking everything back leaves an empty database, which can be migrated again."""
    settings = fresh_settings(kind)
    runner = Migrations(settings, LIBRARY)

    assert set(await runner.downgrade("base")) == {*THEIRS, *OURS}
    tables = await using(
        settings,
        lambda database: database.read(
            lambda connection: connection.run_sync(lambda each: sa.inspect(each).get_table_names())
        ),
    )
    assert tables == ["alembic_version"]
    assert await runner.upgrade() == ORDER
    assert await runner.check() == []


async def test_roles_are_shipped(settings: Settings) -> None:
    """A migrated database has the three roles with their grants, and numbers the next one."""
    await execute(settings, "INSERT INTO admin_role (name, description) VALUES ('guest', '')")

    found = await rows(
        settings,
        "SELECT r.name, g.resource, g.action FROM admin_role r"
        " LEFT JOIN admin_grant g ON g.role_id = r.id ORDER BY r.id, g.id",
    )
    shipped = {(name, *grant) for name, _, grants in shipped_roles() for grant in grants}
    assert {*found} == {*shipped, ("guest", None, None)}
    assert len(found) == len(shipped) + 1


class TestRevision:
    """A revision written from the difference between models and database."""

    async def test_up_down_up_with_data(self, project: Settings) -> None:
        """A new column comes, goes and comes again, and every row stays as it was."""
        await execute(project, *BOOKS)
        models = library(add_column("book", "shelf", sa.String(10)))
        runner = Migrations(project, models)
        before = await rows(project, "SELECT id, title FROM book ORDER BY id")

        written = await runner.revision("Add a shelf")
        assert written is not None
        assert len(await runner.upgrade()) == 1
        assert await runner.check() == []
        assert len(await runner.downgrade("-1")) == 1
        assert await Migrations(project, LIBRARY).check() == [
            f"revision {_id(written)} has not been applied"
        ]
        assert len(await runner.upgrade()) == 1

        assert await rows(project, "SELECT id, title FROM book ORDER BY id") == before
        assert await rows(project, "SELECT text, stars FROM comment") == [("Good", 4)]

    async def test_nothing_to_write(self, project: Settings) -> None:
        """Where nothing differs no revision is written, unless an empty one is asked for."""
        runner = Migrations(project, LIBRARY)

        assert await runner.revision("Nothing") is None
        assert await runner.revision("By hand", empty=True) is not None
        assert len(await runner.upgrade()) == 1

    async def test_name(self, project: Settings) -> None:
        """Its file begins with the date, and its docstring is the message."""
        written = await Migrations(project, LIBRARY).revision(
            "Tell readers' cards apart", empty=True
        )

        assert written is not None
        assert written.name[:3] == "202"
        assert written.name.endswith("_tell_readers_cards_apart.py")
        assert written.read_text("utf-8").startswith('"""Tell readers\' cards apart."""\n')

    async def test_any_message(self, project: Settings) -> None:
        """A message may hold anything that a docstring would trip over."""
        message = 'Say "hi" \\ or """'

        written = await Migrations(project, LIBRARY).revision(message, empty=True)

        assert written is not None
        tree = ast.parse(written.read_text("utf-8"))
        assert ast.get_docstring(tree) == f"{message}."

    async def test_needs_message(self, project: Settings) -> None:
        """A revision without a message is refused."""
        with pytest.raises(SetupError, match="message"):
            await Migrations(project, LIBRARY).revision("  ")

    async def test_needs_head(self, project: Settings) -> None:
        """A database that lacks revisions is not compared with the models."""
        runner = Migrations(project, LIBRARY)
        await runner.downgrade("-1")

        with pytest.raises(SetupError, match="db upgrade"):
            await runner.revision("Too early")

    async def test_ours_and_theirs(self, project: Settings) -> None:
        """A project's revision does not see a difference in our tables, only ``check`` does."""
        models = library(add_column("admin_user", "phone", sa.String(20)))
        runner = Migrations(project, models)

        assert await runner.revision("Nothing of theirs") is None
        assert await runner.check() == [
            "column phone of table admin_user is missing in the database"
        ]

    async def test_first_one_depends_on_ours(
        self, settings: Settings, fresh_settings: FreshSettings
    ) -> None:
        """A new project's first revision waits for our tables, to which its own may point."""
        fresh = at(fresh_settings(_kind(settings), "empty", empty), settings.root / "new")
        runner = Migrations(fresh, LIBRARY)
        await runner.upgrade()

        written = await runner.revision("Everything")

        assert written is not None
        assert "depends_on = 'admin_app_0007'" in written.read_text("utf-8")
        assert "admin_role" not in written.read_text("utf-8")
        assert await runner.upgrade() == (_id(written),)
        assert await runner.check() == []

    async def test_two_heads_are_merged(self, project: Settings) -> None:
        """After two branches of development the next revision joins them."""
        write(project, "left", HEAD, "pass")
        write(project, "right", HEAD, "pass")
        runner = Migrations(project, LIBRARY)
        await runner.upgrade()

        await runner.revision("Join", empty=True)
        await runner.upgrade()

        assert len((await runner.current()).applied) == 1

    async def test_every_type(self, settings: Settings, fresh_settings: FreshSettings) -> None:
        """A revision written on one database makes the same tables on the other one."""
        models = library(_every_type)
        here = own_project(settings)
        written = await Migrations(here, models).revision("Every type")
        assert written is not None
        for kind in KINDS:
            there = at(fresh_settings(kind), here.migrations)
            runner = Migrations(there, models)
            await runner.upgrade()
            assert await runner.check() == []
            await runner.downgrade("-1")

    async def test_our_types_have_their_public_name(self, project: Settings) -> None:
        """A revision names our types as a declaration does, and imports them."""
        models = library(add_column("book", "price", ExactDecimal(8, 2)))

        written = await Migrations(project, models).revision("Price")

        assert written is not None
        text = written.read_text("utf-8")
        assert "\nimport admin_app\n" in text
        assert "admin_app.ExactDecimal(8, 2)" in text


DRIFT: dict[str, tuple[Change, str]] = {
    "column": (
        add_column("book", "shelf", sa.Integer()),
        "column shelf of table book is missing in the database",
    ),
    "type": (
        lambda models: setattr(models.tables["book"].c.title, "type", sa.String(400)),
        "type of column title of table book is VARCHAR(length=300) in the database",
    ),
    "nullable": (
        lambda models: setattr(models.tables["book"].c.title, "nullable", True),
        "column title of table book must be filled in the database, may be empty in the models",
    ),
    "default": (
        lambda models: setattr(models.tables["book"].c.added_at, "server_default", None),
        "server default of column added_at of table book is",
    ),
    "index": (
        lambda models: sa.Index("ix_book_pages", models.tables["book"].c.pages),
        "index ix_book_pages of table book is missing in the database",
    ),
    "unique": (
        lambda models: models.tables["book"].append_constraint(sa.UniqueConstraint("isbn")),
        "unique constraint uq_book_isbn of table book is missing in the database",
    ),
    "foreign key": (
        lambda models: models.tables["reader"].append_constraint(
            sa.ForeignKeyConstraint(["card_number"], ["author.name"])
        ),
        "foreign key fk_reader_card_number_author of table reader is missing in the database",
    ),
    "check added": (
        lambda models: models.tables["book"].append_constraint(
            sa.CheckConstraint("pages > 0", name="pages")
        ),
        "check ck_book_pages of table book is missing in the database",
    ),
    "check of a column": (
        lambda models: models.tables["book"].append_column(
            sa.Column("pages", sa.Integer, sa.CheckConstraint("pages > 0", name="pages")),
            replace_existing=True,
        ),
        "check ck_book_pages of table book is missing in the database",
    ),
    "check changed": (
        lambda models: _replace_check(models.tables["comment"], "stars BETWEEN 1 AND 6"),
        "check ck_comment_stars of table comment differs",
    ),
    "check removed": (
        lambda models: _replace_check(models.tables["comment"], None),
        "check ck_comment_stars of table comment is in the database and in no model",
    ),
    "table": (
        lambda models: Table("shelf", models, sa.Column("id", sa.Integer, primary_key=True)),
        "table shelf is missing in the database",
    ),
    "table removed": (
        lambda models: models.remove(models.tables["comment"]),
        "table comment is in the database and in no model",
    ),
}


def _replace_check(table: Table, condition: str | None) -> None:
    (old,) = (each for each in table.constraints if isinstance(each, sa.CheckConstraint))
    table.constraints.discard(old)
    if condition:
        table.append_constraint(sa.CheckConstraint(condition, name="stars"))


class TestCheck:
    """``check`` puts every difference in words, and a revision made from it ends it."""

    @pytest.mark.slow
    @pytest.mark.parametrize("name", DRIFT)
    async def test_drift(self, name: str, project: Settings) -> None:
        """A difference of each kind is found, named, ended by a revision and taken back by it."""
        change, expected = DRIFT[name]
        runner = Migrations(project, library(change))

        found = await runner.check()
        assert [each[: len(expected)] for each in found] == [expected]
        assert await runner.revision("End the drift")
        await runner.upgrade()
        assert await runner.check() == []
        await runner.downgrade("-1")
        pending, *drift = await Migrations(project, LIBRARY).check()
        assert (pending.endswith("has not been applied"), drift) == (True, [])

    async def test_missing_index(self, settings: Settings) -> None:
        """An index somebody dropped is reported."""
        await execute(settings, "DROP INDEX ix_book_year")

        assert await Migrations(settings, LIBRARY).check() == [
            "index ix_book_year of table book is missing in the database"
        ]

    async def test_stray_column(self, settings: Settings) -> None:
        """A column somebody added is reported."""
        await execute(settings, "ALTER TABLE book ADD COLUMN stray INTEGER")

        assert await Migrations(settings, LIBRARY).check() == [
            "column stray of table book is in the database and in no model"
        ]

    async def test_others_tables(self, project: Settings) -> None:
        """A table that no revision made is somebody else's: not reported, and never dropped."""
        await execute(project, "CREATE TABLE theirs (id INTEGER)")
        runner = Migrations(project, LIBRARY)

        assert await runner.check() == []
        assert await runner.revision("Nothing") is None

    async def test_check_changes_nothing(self, fresh_settings: FreshSettings) -> None:
        """Checking an empty database reports all that is missing and leaves it empty."""
        for kind in KINDS:
            settings = fresh_settings(kind, "empty", empty)
            found = await Migrations(settings, LIBRARY).check()
            assert "revision library_0001 has not been applied" in found
            assert "table book is missing in the database" in found
            state = await Migrations(settings, LIBRARY).current()
            assert state.pending == ORDER


REBUILD = (
    "with op.batch_alter_table('book') as batch:\n"
    "        batch.alter_column('title', type_=sa.String(400))"
)


class TestSQLite:
    """What SQLite needs: it changes a table by replacing it with a copy."""

    @pytest.fixture
    def project(self, fresh_settings: FreshSettings) -> Settings:
        return own_project(fresh_settings("sqlite"))

    async def test_replaced_table_keeps_children(self, project: Settings) -> None:
        """Rows that point to a replaced table with ON DELETE CASCADE stay."""
        await execute(project, *BOOKS)
        write(project, "wider", HEAD, REBUILD)

        await Migrations(project, LIBRARY).upgrade()

        assert await rows(project, "SELECT count(*) FROM comment") == [(1,)]
        assert await rows(project, "SELECT count(*) FROM book_author") == [(3,)]

    async def test_replaced_table_keeps_counter(self, project: Settings) -> None:
        """The key of a row deleted before a table was replaced is never given again."""
        await execute(project, *BOOKS)
        write(project, "wider", HEAD, REBUILD, REBUILD.replace("400", "300"))
        runner = Migrations(project, LIBRARY)

        await runner.upgrade()
        await runner.downgrade("-1")
        await runner.upgrade()
        await execute(project, "INSERT INTO book (version, title) VALUES (1, 'New')")

        assert await rows(project, "SELECT id FROM book WHERE title = 'New'") == [(8,)]
        counters = await rows(project, "SELECT name, seq FROM sqlite_sequence WHERE name = 'book'")
        assert counters == [("book", 8)]

    async def test_replaced_empty_table_keeps_counter(self, project: Settings) -> None:
        """So it is where no row was left to copy."""
        await execute(project, *BOOKS, "DELETE FROM comment", "DELETE FROM book")
        write(project, "wider", HEAD, REBUILD)

        await Migrations(project, LIBRARY).upgrade()
        await execute(project, "INSERT INTO book (version, title) VALUES (1, 'New')")

        assert await rows(project, "SELECT id FROM book") == [(8,)]

    async def test_replaced_table_keeps_rules(self, project: Settings) -> None:
        """Checks, indexes and foreign keys of a replaced table are there as before."""
        write(project, "same", HEAD, REBUILD.replace("400", "300").replace("book", "book"))
        write(
            project,
            "again",
            "same",
            "with op.batch_alter_table('comment', recreate='always') as batch:\n        pass",
        )
        runner = Migrations(project, LIBRARY)

        await runner.upgrade()

        assert await runner.check() == []

    async def test_orphans_are_refused(self, project: Settings) -> None:
        """A revision that leaves rows pointing to nothing is refused, and changes nothing."""
        await execute(project, *BOOKS)
        write(project, "careless", HEAD, "op.execute('DELETE FROM author')")
        runner = Migrations(project, LIBRARY)

        with pytest.raises(SetupError, match="book_author → author"):
            await runner.upgrade()

        assert await rows(project, "SELECT count(*) FROM author") == [(2,)]
        assert (await runner.current()).pending == ("careless",)


class TestRun:
    """A run is all or nothing, and several at once are one."""

    async def test_failure_leaves_nothing(self, project: Settings) -> None:
        """When the second of two revisions fails the first is not there either."""
        write(project, "fine", HEAD, "op.add_column('book', sa.Column('a', sa.Integer))")
        write(project, "broken", "fine", "raise RuntimeError('half way')")
        runner = Migrations(project, LIBRARY)

        with pytest.raises(RuntimeError, match="half way"):
            await runner.upgrade()

        assert (await runner.current()).pending == ("fine", "broken")
        assert [each for each in await runner.check() if "applied" not in each] == []

    async def test_autocommit_block(self, project: Settings) -> None:
        """A revision may leave the transaction, as CREATE INDEX CONCURRENTLY must."""
        concurrently = "CONCURRENTLY" if not project.embedded else ""
        write(
            project,
            "outside",
            HEAD,
            "with op.get_context().autocommit_block():\n"
            f"        op.execute('CREATE INDEX {concurrently} ix_outside ON book (pages)')",
        )
        runner = Migrations(project, LIBRARY)

        assert await runner.upgrade() == ("outside",)
        assert (await runner.current()).pending == ()

    async def test_newer_database(self, project: Settings, settings: Settings) -> None:
        """A database newer than the code is reported, left alone at start and never changed."""
        write(project, "future", HEAD, "pass")
        await Migrations(project, LIBRARY).upgrade()
        runner = Migrations(settings, LIBRARY)

        state = await runner.current()

        assert set(state.applied) == {"future", OURS[-1]}
        assert (state.pending, state.newer) == ((), ("future",))
        assert await runner.upgrade_embedded() == ()
        for refused in (runner.upgrade(), runner.downgrade("base"), runner.downgrade("-1")):
            with pytest.raises(SetupError, match="newer than this code"):
                await refused

    async def test_pending(self, project: Settings, database: Database) -> None:
        """What the code needs and the database lacks is listed in the order of applying."""
        write(project, "one", HEAD, "pass")
        write(project, "two", "one", "pass")

        state = await Migrations(project, LIBRARY).state(database)

        assert state.pending == ("one", "two")

    @pytest.mark.parametrize("target", ["-9", "-x", "nowhere"])
    async def test_unknown_target(self, target: str, settings: Settings) -> None:
        """A target that is not there is refused."""
        with pytest.raises(SetupError):
            await Migrations(settings, LIBRARY).downgrade(target)

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", KINDS)
    async def test_four_processes_migrate_once(
        self, kind: Kind, fresh_settings: FreshSettings
    ) -> None:
        """Of four processes that start at once on an empty database one migrates it."""
        made = [fresh_settings(kind, "empty", empty) for _ in range(5)]

        process = await start_program("migrate", "4", given=made)
        answers, _ = await process.communicate()

        lines = answers.decode().split("\n")[:-1]
        for number, settings in enumerate(made):
            four = sorted(lines[4 * number : 4 * number + 4])
            assert four == ["", "", "", " ".join(ORDER)]
            assert await Migrations(settings, LIBRARY).check() == []

    async def test_waits_for_no_reader_for_long(
        self, fresh_settings: FreshSettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On PostgreSQL a change that cannot get its lock gives up and changes nothing."""
        project = own_project(fresh_settings("postgresql"))
        write(project, "wider", HEAD, "op.add_column('book', sa.Column('a', sa.Integer))")
        runner = Migrations(project, LIBRARY)
        monkeypatch.setitem(migrations.PATIENCE, "lock_timeout", 0.1)

        async def hold(connection: AsyncConnection) -> None:
            await connection.execute(sa.text("SELECT * FROM book"))
            with pytest.raises(SetupError, match="cannot do this now"):
                await runner.upgrade()

        await using(project, lambda database: database.read(hold, snapshot=True))
        assert (await runner.current()).pending == ("wider",)

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql+asyncpg://nobody@127.0.0.1:1/nothing",
            "sqlite+aiosqlite:///no/such/folder/library.db",
        ],
    )
    async def test_no_database(self, url: str, tmp_path: Path) -> None:
        """Where there is no database to be reached, that is said."""
        settings = Settings(root=tmp_path, database=DatabaseSection(url=url))

        with pytest.raises(SetupError, match="cannot do this now"):
            await Migrations(settings, LIBRARY).upgrade()

    async def test_no_such_database(self, fresh_settings: FreshSettings) -> None:
        """So it is when the server does not know the database."""
        settings = fresh_settings("postgresql")
        url = settings.database_url.set(database="nothing").render_as_string()
        database = settings.database.model_copy(update={"url": url})

        with pytest.raises(SetupError, match="nothing"):
            await Migrations(settings.model_copy(update={"database": database}), LIBRARY).upgrade()

    def test_alembic_alone(self) -> None:
        """Alembic's own command line is told which command to use instead."""
        config = Config()
        config.set_main_option("script_location", str(PROJECT / "migrations"))

        with pytest.raises(SetupError, match="admin-app db"):
            command.upgrade(config, "heads")


def _id(written: Path) -> str:
    for line in written.read_text("utf-8").splitlines():
        if line.startswith("revision = "):
            return line.removeprefix("revision = ").strip("'")
    raise AssertionError(written)


def _kind(settings: Settings) -> Kind:
    return "sqlite" if settings.embedded else "postgresql"


class Shout(sa.types.TypeDecorator[str]):
    """A project's own type."""

    impl = sa.String
    cache_ok = True


def _every_type(models: MetaData) -> None:
    """A table of everything a column can be, and its child."""
    parent = Table(
        "everything",
        models,
        sa.Column("id", BigKey, primary_key=True),
        sa.Column("small", sa.SmallInteger),
        sa.Column("integer", sa.Integer, server_default=sa.text("0")),
        sa.Column("big", sa.BigInteger),
        sa.Column("string", sa.String(20), server_default="it's"),
        sa.Column("text", sa.Text),
        sa.Column("boolean", sa.Boolean, server_default=sa.false()),
        sa.Column("checked", sa.Boolean(create_constraint=True, name="checked")),
        sa.Column("numeric", sa.Numeric(10, 2)),
        sa.Column("exact", ExactDecimal(10, 2), server_default=sa.text("0")),
        sa.Column("float", sa.Float),
        sa.Column("double", sa.Double),
        sa.Column("date", sa.Date),
        sa.Column("time", sa.Time),
        sa.Column("naive", sa.DateTime),
        sa.Column("aware", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.Column("interval", sa.Interval),
        sa.Column("enum", sa.Enum("a", "b", name="letters", native_enum=False, length=10)),
        sa.Column(
            "listed",
            sa.Enum("a", "b", name="listed", native_enum=False, length=10, create_constraint=True),
        ),
        sa.Column("json", sa.JSON, server_default="{}"),
        sa.Column("uuid", sa.Uuid),
        sa.Column("binary", sa.LargeBinary),
        sa.Column("array", sa.JSON().with_variant(sa.ARRAY(sa.Integer), "postgresql")),
        sa.Column("shout", Shout(5)),
        sa.Column("price", sa.Integer, sa.CheckConstraint("price >= 0", name="price")),
        sa.Column("twice", sa.Integer, sa.Computed("price * 2")),
        sa.Column("order", sa.Integer),
        sa.CheckConstraint("\"order\" <> 1 AND string NOT LIKE 'a%'", name="odd"),
        sa.Index(
            "ix_everything_partial",
            "big",
            unique=True,
            sqlite_where=sa.text("small = 1"),
            postgresql_where=sa.text("small = 1"),
        ),
        sqlite_autoincrement=True,
    )
    Table(
        "child",
        models,
        sa.Column("a", sa.String(10), primary_key=True),
        sa.Column("b", sa.Integer, primary_key=True),
        sa.Column("parent", sa.ForeignKey(parent.c.id, ondelete="CASCADE"), index=True),
        sa.Column("a2", sa.String(10)),
        sa.Column("b2", sa.Integer),
        sa.ForeignKeyConstraint(["a2", "b2"], ["child.a", "child.b"]),
    )
