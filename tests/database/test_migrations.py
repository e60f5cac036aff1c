"""What is true of the migrations: one history, no drift, nothing lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from conftest import KINDS, LIBRARY, PROJECT, FreshSettings, Kind
from revisions import HEAD, ORDER, OURS, THEIRS, execute, rows, using

from admin_app.access import shipped_roles
from admin_app.database import Database, migrations
from admin_app.database.migrations import Migrations
from admin_app.database.revisions import OUR_VERSIONS
from admin_app.declaration import OUR_PREFIX
from admin_app.settings import Settings


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
