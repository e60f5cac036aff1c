"""What is true of the changes people make to tables that hold rows already."""

from __future__ import annotations

import pytest
from changing import written
from conftest import LIBRARY
from revisions import HEAD, library, own_project, write
from sqlalchemy.exc import IntegrityError

from admin_app.database.migrations import Migrations
from admin_app.errors import SetupError
from admin_app.settings import Settings


@pytest.fixture
def project(settings: Settings) -> Settings:
    return own_project(settings)


class TestFailure:
    """A revision that the database refuses."""

    async def test_names_revision(self, project: Settings) -> None:
        """It is named, with the first line of what the database says and no value."""
        write(project, "fine", HEAD, "pass")
        insert = (
            "op.execute(sa.text('INSERT INTO author (id, version, name) VALUES (1, 1, :secret)')"
            ".bindparams(secret='hidden'))"
        )
        write(project, "broken", "fine", f"{insert}\n    {insert}")

        with pytest.raises(SetupError) as caught:
            await Migrations(project, LIBRARY).upgrade()

        said = str(caught.value)
        assert said.startswith("Revision broken failed, and nothing was changed: ")
        assert not any(each in said for each in ("hidden", "INSERT", "sqlalche.me", "\n", "<class"))
        assert isinstance(caught.value.__cause__, IntegrityError)

    async def test_names_revision_taken_back(self, project: Settings) -> None:
        """So is one that cannot be taken back."""
        write(project, "broken", HEAD, "pass", "op.execute('DROP TABLE nothing')")
        runner = Migrations(project, LIBRARY)
        await runner.upgrade()

        with pytest.raises(SetupError, match=r"^Revision broken failed.*nothing"):
            await runner.downgrade("-1")

        assert set((await runner.current()).applied) == {"admin_app_0007", "broken"}

    async def test_after_autocommit(self, project: Settings) -> None:
        """What was kept by leaving the transaction is not denied."""
        write(
            project,
            "outside",
            HEAD,
            "with op.get_context().autocommit_block():\n        op.execute('DROP TABLE nothing')",
        )

        with pytest.raises(SetupError, match="Revision outside failed, and what its autocommit"):
            await Migrations(project, LIBRARY).upgrade()


class TestDropped:
    """A revision that drops something says so."""

    async def test_column(self, project: Settings, caplog: pytest.LogCaptureFixture) -> None:
        """The column is named, with what to do if it was renamed."""
        models = library(
            lambda each: each.tables["book"]._columns.remove(each.tables["book"].c.description)
        )

        text = await written(Migrations(project, models))

        sentence = (
            "Drops book.description with all that is in it. If description was renamed, edit the"
            " revision: op.alter_column('book', 'description', new_column_name='…')"
        )
        assert [each.message for each in caplog.records] == [sentence]
        up, down = _comments(text)
        assert (up, down) == (sentence, "")

    async def test_table(self, project: Settings, caplog: pytest.LogCaptureFixture) -> None:
        """So is the table."""
        models = library(lambda each: each.remove(each.tables["comment"]))

        text = await written(Migrations(project, models))

        sentence = (
            "Drops table comment with all that is in it. If it was renamed, edit the revision:"
            " op.rename_table('comment', …)"
        )
        assert [each.message for each in caplog.records] == [sentence]
        assert _comments(text) == (sentence, "")


def _comments(text: str) -> tuple[str, str]:
    """The comments of both ways of a revision."""
    up, down = (
        " ".join(
            line.strip().removeprefix("#").strip()
            for line in part.splitlines()
            if line.strip().startswith("#")
        )
        for part in text.split("def downgrade")
    )
    return up, down
