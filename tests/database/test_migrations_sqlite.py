"""What SQLite needs of migrations: it changes a table by replacing it with a copy."""

from __future__ import annotations

import pytest
from conftest import LIBRARY, FreshSettings
from revisions import BOOKS, HEAD, REBUILD, execute, own_project, rows, write

from admin_app.database.migrations import Migrations
from admin_app.errors import SetupError
from admin_app.settings import Settings


@pytest.fixture
def project(settings: Settings) -> Settings:
    """The library as a project whose revisions may be added to."""
    return own_project(settings)


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
