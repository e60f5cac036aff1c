"""A run of migrations is all or nothing, and several at once are one."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from conftest import KINDS, LIBRARY, PROJECT, FreshSettings, Kind, empty, start_program
from revisions import HEAD, ORDER, OURS, own_project, using, write
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.database import Database, migrations
from admin_app.database.migrations import Migrations
from admin_app.errors import SetupError
from admin_app.settings import DatabaseSection, Settings


@pytest.fixture
def project(settings: Settings) -> Settings:
    """The library as a project whose revisions may be added to."""
    return own_project(settings)


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
