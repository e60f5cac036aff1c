"""What is true of full-text indexes in migrations: written, kept, compared and taken back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from conftest import KINDS, LIBRARY, FreshSettings
from revisions import BOOKS, HEAD, REBUILD, at, execute, library, own_project, rows, write
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import create_async_engine

from admin_app.database import full_text
from admin_app.database.full_text import FullText
from admin_app.database.migrations import Migrations
from admin_app.errors import SetupError
from admin_app.settings import Settings

TABLE, COLUMNS = "comment", ("text",)
MISSING = "full-text index of table comment is missing in the database"
COMMENTS = (
    *BOOKS,
    "INSERT INTO comment (id, version, book_id, text) VALUES (2, 1, 1, 'A bad-tempered goose')",
)


def indexed(*columns: str, more: Callable[[MetaData], object] = lambda _: None) -> MetaData:
    """The library, with the words of comments indexed."""

    def change(models: MetaData) -> None:
        more(models)
        models.tables[TABLE].info[full_text.INFO] = FullText(TABLE, tuple(sorted(columns)))

    return library(change)


@pytest.fixture
def project(settings: Settings) -> Settings:
    return own_project(settings)


async def found(settings: Settings, word: str, column: str = "text") -> list[int]:
    """The keys of the comments in whose column a word begins so, by the index."""
    if settings.embedded:
        query = f"SELECT rowid FROM comment_search WHERE comment_search MATCH '{column}: {word}*'"
    else:
        words = full_text.words_in(sa.column(column)).compile(
            compile_kwargs={"literal_binds": True}
        )
        query = f"SELECT id FROM comment WHERE {words} @@ '{word}:*'".replace(":;", "\\:;")
    return sorted(key for (key,) in await rows(settings, query))


@pytest.mark.slow
async def test_comes_and_goes(project: Settings) -> None:
    """A revision indexes rows that there are and those to come; its way back leaves nothing."""
    await execute(project, *COMMENTS)
    runner = Migrations(project, indexed("text"))

    assert await runner.check() == [MISSING]
    assert await runner.revision("Find comments") is not None
    await runner.upgrade()
    assert await runner.check() == []
    assert await runner.revision("Nothing") is None
    assert await found(project, "goos") == [2]
    assert await found(project, "temper") == [2]
    await execute(
        project,
        "INSERT INTO comment (id, version, book_id, text) VALUES (3, 1, 1, 'Gooseberries')",
        "UPDATE comment SET text = 'A duck' WHERE id = 2",
    )
    assert await found(project, "goos") == [3]
    assert await found(project, "duck") == [2]
    await execute(project, "DELETE FROM book WHERE id = 1")
    assert await found(project, "goos") == []
    await runner.downgrade("-1")
    assert await Migrations(project, LIBRARY).check() == [
        f"revision {(await runner.current()).pending[0]} has not been applied"
    ]
    left = "SELECT name FROM sqlite_master" if project.embedded else "SELECT relname FROM pg_class"
    names = {name for (name,) in await rows(project, left)}
    assert not {each for each in names if "comment_search" in each or "fts_comment" in each}


@pytest.mark.slow
async def test_written_here_applied_there(
    settings: Settings, fresh_settings: FreshSettings
) -> None:
    """A revision written on one database is the same on the other: on, other columns, off."""
    also = indexed("text", "note", more=_with_note)
    here = own_project(settings)
    for step, models in enumerate((indexed("text"), also, LIBRARY)):
        runner = Migrations(here, models)
        assert await runner.revision(f"Step {step}") is not None
        await runner.upgrade()
        assert await runner.check() == []
    for kind in KINDS:
        there = at(fresh_settings(kind), here.migrations)
        await execute(there, *COMMENTS)
        runner = Migrations(there, also)
        await runner.upgrade()
        await runner.downgrade("-1")
        assert [each for each in await runner.check() if "applied" not in each] == []
        assert await found(there, "goos") == [2]
        await runner.downgrade("-2")
        await runner.upgrade()
        assert await Migrations(there, LIBRARY).check() == []


def _with_note(models: MetaData) -> None:
    models.tables[TABLE].append_column(sa.Column("note", sa.Text))


async def test_indexed_table_goes(project: Settings) -> None:
    """Before a table is dropped its index is; on the way back it is there again."""
    first = Migrations(project, indexed("text"))
    await first.revision("Find")
    await first.upgrade()
    runner = Migrations(project, library(lambda each: each.remove(each.tables[TABLE])))

    path = await runner.revision("Drop")

    assert path is not None
    await runner.upgrade()
    assert await runner.check() == []
    await runner.downgrade("-1")
    assert [each for each in await first.check() if "applied" not in each] == []


class TestReplacedTable:
    """SQLite changes a table by replacing it, and its triggers go with the old one."""

    @pytest.fixture
    def project(self, fresh_settings: FreshSettings) -> Settings:
        return own_project(fresh_settings("sqlite"))

    async def indexed(self, project: Settings) -> str:
        runner = Migrations(project, indexed("text"))
        path = await runner.revision("Find")
        assert path is not None
        await runner.upgrade()
        return (await runner.current()).applied[-1]

    async def test_keeps_index(self, project: Settings) -> None:
        """They are made again: what is written afterwards is found, and nothing is found twice."""
        await execute(project, *COMMENTS)
        await self.indexed(project)
        wider = indexed("text", more=_wider)
        runner = Migrations(project, wider)

        await runner.revision("Wider")
        await runner.upgrade()
        await execute(
            project,
            "UPDATE comment SET text = 'A duck' WHERE id = 2",
            "INSERT INTO comment (version, book_id, text) VALUES (1, 1, 'Gooseberries')",
        )

        assert await runner.check() == []
        assert await found(project, "goos") == [3]
        assert await found(project, "duck") == [2]
        await execute(
            project,
            "INSERT INTO comment_search (comment_search, rank) VALUES ('integrity-check', 1)",
        )

    async def test_keeps_triggers_of_others(self, project: Settings) -> None:
        """So it is with a trigger that somebody else made."""
        await execute(
            project,
            *BOOKS,
            "CREATE TRIGGER shout AFTER INSERT ON book BEGIN"
            " UPDATE book SET title = upper(title) WHERE id = new.id; END",
        )
        write(project, "wider", HEAD, REBUILD)

        await Migrations(project, LIBRARY).upgrade()
        await execute(project, "INSERT INTO book (id, version, title) VALUES (9, 1, 'new')")

        assert await rows(project, "SELECT title FROM book WHERE id = 9") == [("NEW",)]

    async def test_column_that_is_needed(self, project: Settings) -> None:
        """Renaming what is indexed without taking the index back first is refused, as a whole."""
        revision = await self.indexed(project)
        write(
            project,
            "renamed",
            revision,
            "with op.batch_alter_table('comment', recreate='always') as batch:\n"
            "        batch.alter_column('text', new_column_name='words')",
        )
        runner = Migrations(project, indexed("text"))

        with pytest.raises(SetupError, match=r"Revision renamed failed, and nothing was changed"):
            await runner.upgrade()

        assert (await runner.current()).pending == ("renamed",)


def _wider(models: MetaData) -> None:
    models.tables[TABLE].c.text.type = sa.String(3000)


@pytest.mark.slow
async def test_damage_is_seen(project: Settings) -> None:
    """An index that is not made as it would be now differs, and a revision makes it anew."""
    runner = Migrations(project, indexed("text"))
    await runner.revision("Find")
    await runner.upgrade()
    await execute(
        project,
        *(
            ("DROP TRIGGER comment_search_update",)
            if project.embedded
            else (
                "DROP INDEX fts_comment_text",
                "CREATE INDEX fts_comment_text ON comment USING gin (to_tsvector('simple', text))",
            )
        ),
    )

    assert await runner.check() == ["full-text index of table comment differs"]
    await runner.revision("Again")
    await runner.upgrade()
    assert await runner.check() == []


@pytest.mark.parametrize("kind", KINDS)
async def test_odd_names(kind: str, fresh_settings: FreshSettings) -> None:
    """Names that need quotes, or are too long for PostgreSQL, are told apart like any other."""
    long = "c" * 60

    def change(models: MetaData) -> None:
        sa.Table(
            'Odd "table',
            models,
            sa.Column("the key", sa.Integer, primary_key=True),
            *(sa.Column(each, sa.Text) for each in names),
        ).info[full_text.INFO] = FullText('Odd "table', names)

    names = tuple(sorted(("order", "it's", long, f"{long}d")))
    project = own_project(fresh_settings(kind))  # type: ignore[arg-type]
    runner = Migrations(project, library(change))

    await runner.revision("Odd")
    await runner.upgrade()

    assert await runner.check() == []
    await execute(project, 'INSERT INTO "Odd ""table" ("the key", "it\'s") VALUES (7, \'one\')')
    await runner.downgrade("-1")


async def test_made_without_a_revision(settings: Settings) -> None:
    """A table that its metadata makes brings its index along, and takes it away again."""
    copy = MetaData()
    table = sa.Table("leaf", copy, sa.Column("id", sa.Integer, primary_key=True))
    table.append_column(sa.Column("text", sa.Text))
    full_text.declare(table, ("text",))
    engine = create_async_engine(settings.database_url)
    async with engine.begin() as connection:
        await connection.run_sync(copy.create_all)
        made = await connection.run_sync(full_text.found)
        await connection.run_sync(copy.drop_all)
        left = await connection.run_sync(full_text.found)
    await engine.dispose()

    assert made["leaf"].current
    assert made["leaf"].index == FullText("leaf", ("text",))
    assert "leaf" not in left
