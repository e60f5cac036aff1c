"""``check`` puts every difference in words, and a revision made from it ends it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from conftest import KINDS, LIBRARY, FreshSettings, empty
from revisions import ORDER, Change, add_column, execute, library, own_project
from sqlalchemy import Table

from admin_app.database.migrations import Migrations
from admin_app.settings import Settings


@pytest.fixture
def project(settings: Settings) -> Settings:
    """The library as a project whose revisions may be added to."""
    return own_project(settings)


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
