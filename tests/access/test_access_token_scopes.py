"""What is true of the scopes of tokens: they narrow what their owner may do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from people import set_roles
from tokens import granted

from admin_app.access import (
    check_known,
    create_token,
    create_user,
    list_tokens,
)
from admin_app.access.actors import narrowed
from admin_app.access.escalation import covers
from admin_app.access.scopes import within
from admin_app.database import Database
from admin_app.declaration import Base, Grant, Registry
from admin_app.errors import (
    InvalidInputError,
)


async def test_scopes_narrow(database: Database) -> None:
    """A token with scopes may do what both they and its owner's roles allow, as it is then."""
    await create_user(database, "bot", None, ["editor"])
    scopes = ["book:read", "comment:*", "*:delete", "book:read"]
    token = await create_token(database, "bot", "script", None, scopes=scopes)

    (info,) = await list_tokens(database)
    assert info.scopes == ["book:read", "comment:*", "*:delete"]
    assert await granted(database, token) == {
        ("book", "read"),
        *(("comment", action) for action in ("read", "create", "update", "delete")),
        ("*", "delete"),
    }
    await set_roles(database, "bot", ["viewer"])
    assert await granted(database, token) == {("book", "read"), ("comment", "read")}
    await set_roles(database, "bot", [])
    assert await granted(database, token) == set()


async def test_administrators_tokens(database: Database) -> None:
    """What is the application's own must be named: no ``*`` and no lack of scopes means it."""
    await create_user(database, "root", None, ["administrator"])
    for scopes in (None, ["*:*"], ["*:read", "book:*"]):
        token = await create_token(database, "root", "script", None, scopes=scopes)
        found = await granted(database, token)
        assert found
        assert not any(resource.startswith("admin_") for resource, _ in found)
    token = await create_token(database, "root", "script", None, scopes=["admin_user:read"])
    assert await granted(database, token) == {("admin_user", "read")}


@pytest.mark.parametrize(
    "scopes",
    [
        [],
        ["book:read"] * 101,
        ["book"],
        ["book:"],
        [":read"],
        ["a:b:c"],
        ["book:read\n"],
        ["book read"],
        ["\0:\0"],
        ["bo*:read"],
        [f"{'x' * 200}:read"],
    ],
)
async def test_what_is_no_scope(database: Database, scopes: list[str]) -> None:
    """Scopes are pairs of names, one to a hundred; anything else is refused at its place."""
    await create_user(database, "bot", None, [])
    with pytest.raises(InvalidInputError) as refused:
        await create_token(database, "bot", "script", None, scopes=scopes)
    place = ("scopes", 0) if len(scopes) == 1 else ("scopes",)
    assert refused.value.errors[0].path == place
    assert await list_tokens(database) == []


def test_declared_scopes() -> None:
    """A scope of an undeclared resource or action is refused, with the nearest that there is."""
    registry = Registry.from_base(Base, ["admin_app.models"])
    check_known(
        ["book:read", "*:*", "*:update", "book:*", "admin_token:issue", "no scope"], registry
    )
    check_known(None, registry)
    with pytest.raises(InvalidInputError) as refused:
        check_known(["book:read", "bok:read", "book:raed", "*:impersonated"], registry)
    assert [(each.path, each.detail) for each in refused.value.errors] == [
        (("scopes", 1), "There is no resource bok. Did you mean book?"),
        (("scopes", 2), "book has no action raed. Did you mean read?"),
        (("scopes", 3), "* has no action impersonated. Did you mean impersonate?"),
    ]


NAMES = st.sampled_from(["*", "book", "comment", "admin_user"])


ACTS = st.sampled_from(["*", "read", "update"])


SCOPES = st.none() | st.lists(st.builds("{}:{}".format, NAMES, ACTS), min_size=1, max_size=3)


GRANTS = st.frozensets(
    st.builds(Grant, NAMES, st.sampled_from(["read", "update"]), st.sampled_from([None, "own"])),
    max_size=4,
)


@given(SCOPES, SCOPES, GRANTS)
def test_scopes_within_scopes(
    scopes: list[str] | None, wider: list[str] | None, grants: frozenset[Grant]
) -> None:
    """Scopes within others allow no more than they, whatever the owner may do."""
    assert within(scopes, scopes)
    if within(scopes, wider):
        assert covers(narrowed(grants, wider), narrowed(grants, scopes))
    assert covers(grants, narrowed(grants, scopes))
