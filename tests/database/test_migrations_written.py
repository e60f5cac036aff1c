"""What is true of a revision that is written from the difference of models and database."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import sqlalchemy as sa
from conftest import KINDS, LIBRARY, FreshSettings, Kind, empty
from revisions import BOOKS, HEAD, add_column, at, execute, library, own_project, rows, write
from sqlalchemy import MetaData, Table

from admin_app import BigKey, ExactDecimal
from admin_app.database import full_text
from admin_app.database.full_text import FullText
from admin_app.database.migrations import Migrations
from admin_app.errors import SetupError
from admin_app.settings import Settings


def _with_a_circle(models: MetaData) -> None:
    """Two tables of which each has a foreign key to the other, and an index of words."""
    for name, other in (("left", "right"), ("right", "left")):
        Table(
            name,
            models,
            sa.Column("id", BigKey, primary_key=True),
            sa.Column("text", sa.Text),
            sa.Column("other_id", BigKey, sa.ForeignKey(f"{other}.id")),
            sa.Column("self_id", BigKey, sa.ForeignKey(f"{name}.id")),
            info={full_text.INFO: FullText(name, ("text",))},
        )


@pytest.fixture
def project(settings: Settings) -> Settings:
    """The library as a project whose revisions may be added to."""
    return own_project(settings)


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

    async def test_tables_that_refer_to_each_other(
        self, project: Settings, fresh_settings: FreshSettings
    ) -> None:
        """Whichever is made first, the revision works on both databases, both ways."""
        models = library(_with_a_circle)

        assert await Migrations(project, models).revision("A circle") is not None

        for kind in KINDS:
            there = Migrations(at(fresh_settings(kind), project.migrations), models)
            assert len(await there.upgrade()) == 1
            assert await there.check() == []
            assert len(await there.downgrade("-1")) == 1

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
