"""What is true of a column that must be filled, in a table that has rows."""

from __future__ import annotations

import enum
import logging
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from changing import kept, required, written
from conftest import KINDS, LIBRARY, FreshSettings
from revisions import BOOKS, HEAD, at, execute, library, own_project, rows, write
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, IntegrityError

from admin_app import ExactDecimal
from admin_app.database.migrations import Migrations
from admin_app.errors import SetupError
from admin_app.settings import Settings

DAY = date(2024, 2, 29)


NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


NAMELESS = uuid.UUID(int=7)


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Level(enum.IntEnum):
    LOW = 1


def sizes(kinds: type[Size]) -> list[str]:
    return [each.value for each in kinds]


DEFAULTS: dict[str, tuple[sa.types.TypeEngine[Any], Any, Any]] = {
    "bool": (sa.Boolean(), False, False),
    "int": (sa.Integer(), 3, 3),
    "level": (sa.Integer(), Level.LOW, 1),
    "float": (sa.Double(), 0.1, 0.1),
    "str": (sa.String(30), 'it\'s "so" (\\', 'it\'s "so" (\\'),
    "exact": (ExactDecimal(10, 2), Decimal("1.50"), Decimal("1.50")),
    "exact int": (ExactDecimal(10, 2), 0, Decimal(0)),
    "size": (
        sa.Enum(Size, native_enum=False, length=10, values_callable=sizes),
        Size.LARGE,
        "l",
    ),
    "checked": (
        sa.Enum("a", "b", native_enum=False, length=10, create_constraint=True, name="checked"),
        "b",
        "b",
    ),
    "date": (sa.Date(), DAY, DAY),
    "aware": (sa.DateTime(timezone=True), NOON, NOON),
    "naive": (sa.DateTime(), NOON.replace(tzinfo=None), NOON.replace(tzinfo=None)),
    "time": (sa.Time(), time(9, 30), time(9, 30)),
    "interval": (sa.Interval(), timedelta(hours=1), timedelta(hours=1)),
    "uuid": (sa.Uuid(), NAMELESS, NAMELESS),
    "bytes": (sa.LargeBinary(), b"\x00a", b"\x00a"),
    "json": (sa.JSON(), {"a": [1, None]}, {"a": [1, None]}),
}


@pytest.fixture
def project(settings: Settings) -> Settings:
    return own_project(settings)


class TestRequiredColumn:
    """A column that must be filled, in a table that has rows."""

    @pytest.mark.slow
    @pytest.mark.parametrize("name", DEFAULTS)
    async def test_added(self, name: str, project: Settings) -> None:
        """Rows that exist get the default, and the database has none of its own afterwards."""
        type_, default, expected = DEFAULTS[name]
        await execute(project, *BOOKS)
        column = sa.Column("seen", type_, nullable=False, default=default)
        models = library(required(column))
        runner = Migrations(project, models)

        await written(runner)
        await runner.upgrade()

        assert await runner.check() == []
        assert await kept(project, models, "seen") == [expected, expected]
        assert await rows(project, "SELECT text, stars FROM comment") == [("Good", 4)]
        with pytest.raises(IntegrityError):
            await execute(project, "INSERT INTO book (version, title) VALUES (1, 'New')")
        await runner.downgrade("-1")
        await runner.upgrade()
        assert await kept(project, models, "seen") == [expected, expected]

    async def test_several_at_once(self, project: Settings) -> None:
        """So it is beside other changes of the table: rules, indexes, columns that may be empty."""
        await execute(project, *BOOKS)
        models = library(
            required(
                sa.Column("order", sa.Integer, nullable=False, default=1),
                sa.Column("shelf", sa.String(10)),
                sa.Column("loud", sa.Boolean, nullable=False, default=True, index=True),
                sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default="2020"),
                sa.Column("owner", sa.ForeignKey("author.id"), nullable=False, default=2),
            )
        )
        models.tables["book"].c["at"].server_default = sa.DefaultClause(sa.func.now())
        models.tables["book"].append_constraint(
            sa.CheckConstraint('"order" > 0', name="order_positive")
        )
        models.tables["book"].c.title.type = sa.String(400)
        runner = Migrations(project, models)

        await written(runner)
        await runner.upgrade()

        assert await runner.check() == []
        assert await kept(project, models, "order") == [1, 1]
        assert await kept(project, models, "owner") == [2, 2]

    async def test_written_here_applied_there(
        self, settings: Settings, fresh_settings: FreshSettings
    ) -> None:
        """A revision written on one database fills the rows of the other one alike."""
        columns = [
            sa.Column(name.replace(" ", "_"), type_, nullable=False, default=default)
            for name, (type_, default, _) in DEFAULTS.items()
        ]
        models = library(required(*columns))
        here = own_project(settings)
        await written(Migrations(here, models))
        for kind in KINDS:
            there = at(fresh_settings(kind), here.migrations)
            await execute(there, *BOOKS)
            runner = Migrations(there, models)
            await runner.upgrade()
            assert await runner.check() == []
            for name, (_, _, expected) in DEFAULTS.items():
                found = await kept(there, models, name.replace(" ", "_"))
                assert found == [expected, expected]

    async def test_no_longer_empty(self, project: Settings) -> None:
        """A column that may be empty no more gets the default where it is empty."""
        await execute(project, *BOOKS, "UPDATE book SET pages = 10 WHERE id = 1")
        models = library()
        models.tables["book"].append_column(
            sa.Column("pages", sa.BigInteger, nullable=False, default=5), replace_existing=True
        )
        runner = Migrations(project, models)

        await written(runner)
        await runner.upgrade()

        assert await runner.check() == []
        assert await kept(project, models, "pages") == [10, 5]

    @pytest.mark.parametrize("default", [None, dict, sa.func.current_date()], ids=str)
    async def test_without_default(self, default: Any, project: Settings) -> None:
        """Where there is no value for rows that exist, none is made up: nothing is written."""
        await execute(project, *BOOKS)
        before = sorted(project.migrations.rglob("*.py"))
        column = sa.Column("seen", sa.JSON, nullable=False, default=default)
        runner = Migrations(project, library(required(column)))

        with pytest.raises(SetupError, match=r"^book\.seen must be filled.*Give it a default"):
            await runner.revision("Seen")

        assert sorted(project.migrations.rglob("*.py")) == before

    async def test_renamed_without_default(self, project: Settings) -> None:
        """The refusal says how to write down that a column was renamed, and that works."""
        await execute(project, *BOOKS)
        rename = "op.alter_column('book', 'title', new_column_name='name')"

        def change(models: MetaData) -> None:
            models.tables["book"]._columns.remove(models.tables["book"].c.title)
            models.tables["book"].indexes.clear()
            models.tables["book"].append_column(sa.Column("name", sa.String(300), nullable=False))

        with pytest.raises(SetupError) as caught:
            await Migrations(project, library(change)).revision("Name")
        assert rename in str(caught.value)
        write(project, "renamed", HEAD, rename)
        await Migrations(project, LIBRARY).upgrade()
        assert await rows(project, "SELECT name FROM book ORDER BY id") == [("One",), ("Two",)]

    async def test_without_default_in_empty_table(
        self, project: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        """In a table without rows it is written, with a warning for databases that have some."""
        column = sa.Column("seen", sa.Integer, nullable=False)
        runner = Migrations(project, library(required(column)))

        text = await written(runner)
        await runner.upgrade()

        assert "    # Fails where table book has rows: book.seen must be filled" in text
        sentence = (
            "Fails where table book has rows: book.seen must be filled, and the models give it"
            " no default that can be written here."
        )
        assert caplog.record_tuples == [("admin_app", logging.WARNING, sentence)]
        assert await runner.check() == []

    async def test_fails_in_words(self, project: Settings, settings: Settings) -> None:
        """Applied where there are rows, such a revision fails with its name and the reason."""
        column = sa.Column("seen", sa.Integer, nullable=False)
        runner = Migrations(project, library(required(column)))
        await written(runner)
        await execute(project, *BOOKS)

        with pytest.raises(SetupError) as caught:
            await runner.upgrade()

        (pending,) = (await runner.current()).pending
        said = str(caught.value)
        assert said.startswith(f"Revision {pending} failed, and nothing was changed: ")
        assert said.endswith(
            "Cannot add a NOT NULL column with default value NULL"
            if settings.embedded
            else 'column "seen" of relation "book" contains null values'
        )
        assert isinstance(caught.value.__cause__, DBAPIError)

    async def test_way_back(self, project: Settings) -> None:
        """The way back of a dropped column that must be filled says where it cannot succeed."""
        models = library(lambda each: each.tables["reader"]._columns.remove(_active(each)))

        text = await written(Migrations(project, models))

        _, back = text.split("def downgrade")
        assert "# Fails where table reader has rows: active must be filled" in back


def _active(models: MetaData) -> sa.Column[Any]:
    found: sa.Column[Any] = models.tables["reader"].c.active
    return found
