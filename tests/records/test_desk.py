"""What people keep at their place: preferences, views and who edits what, each for who may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from admin_app.access import ADMINISTRATOR, create_user
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Actor
from admin_app.desk import (
    OPENS,
    PINS,
    EditorRow,
    Place,
    begin_editing,
    begin_work,
    change_view,
    choose,
    content_of,
    end_editing,
    keep_preference,
    keep_upload,
    list_views,
    place_of,
    preferences,
    remove_view,
    save_view,
    tell_work,
    upload_of,
)
from admin_app.desk.preferences import MAX_VALUE, MOST_PREFERENCES
from admin_app.desk.presence import GONE_AFTER
from admin_app.desk.uploads import MAX_UPLOAD, MOST_UPLOADS
from admin_app.desk.views import MOST_VIEWS
from admin_app.errors import (
    BadRequestError,
    ConflictError,
    ContentTooLargeError,
    ForbiddenError,
    NotFoundError,
)


@pytest.fixture
async def people(database: Database) -> tuple[Actor, Actor]:
    """Ana, who administers, and Una."""
    return (
        Actor(
            await create_user(database, "ana", None, []), "ana", roles=frozenset({ADMINISTRATOR})
        ),
        Actor(await create_user(database, "una", None, []), "una"),
    )


async def test_preferences(database: Database, people: tuple[Actor, Actor]) -> None:
    """A choice is kept for one person, replaced by the next, and forgotten by ``None``."""
    ana, una = people
    assert await preferences(database, ana) == {}
    await keep_preference(database, ana, "density", "compact")
    await keep_preference(
        database, ana, "columns:book", [["title", 0], ["Ю\N{GREEK SMALL LETTER PI}", 120]]
    )
    await keep_preference(database, ana, "density", "relaxed")
    assert await preferences(database, ana) == {
        "density": "relaxed",
        "columns:book": [["title", 0], ["Ю\N{GREEK SMALL LETTER PI}", 120]],
    }
    await keep_preference(database, ana, "columns:book", None)
    assert await preferences(database, ana) == {"density": "relaxed"}
    assert await preferences(database, una) == {}


async def test_preferences_have_bounds(database: Database, people: tuple[Actor, Actor]) -> None:
    """Nobody fills the table, and who acts as somebody else or is nobody changes nothing."""
    ana, una = people
    with pytest.raises(BadRequestError):
        await keep_preference(database, ana, "x" * 151, 1)
    with pytest.raises(BadRequestError):
        await keep_preference(database, ana, "x", "y" * MAX_VALUE)
    for number in range(MOST_PREFERENCES):
        await keep_preference(database, una, str(number), number)
    with pytest.raises(BadRequestError):
        await keep_preference(database, una, "one more", 1)
    await keep_preference(database, una, "7", "again")
    await keep_preference(database, Actor(ana.user_id, "ana", impersonator="una"), "x", 1)
    await keep_preference(database, SYSTEM, "x", 1)
    assert await preferences(database, ana) == await preferences(database, SYSTEM) == {}


async def test_views(database: Database, people: tuple[Actor, Actor]) -> None:
    """One's own views and others' shared ones are there; the same name replaces one's own."""
    ana, una = people
    first = await save_view(database, ana, "book", "  Old   ones ", "year__lt=1900")
    assert await save_view(database, ana, "book", "Old ones", "year__lt=1800") == first
    theirs = await save_view(database, una, "book", "Old ones", "year__lt=1700", shared=True)
    (mine, shared) = await list_views(database, ana)
    assert (mine.id, mine.name, mine.query, mine.own, mine.owner) == (
        first, "Old ones", "year__lt=1800", True, "ana",
    )  # fmt: skip
    assert (shared.id, shared.own, shared.owner, shared.shared) == (theirs, False, "una", True)
    assert [each.id for each in await list_views(database, una)] == [theirs]
    await change_view(database, ana, first, shared=True, pinned=True)
    assert [(each.id, each.pinned) for each in await list_views(database, una)] == [
        (first, True),
        (theirs, False),
    ]


async def test_views_are_their_owners(database: Database, people: tuple[Actor, Actor]) -> None:
    """Nobody changes another's view, but administrators those that are shared."""
    ana, una = people
    private = await save_view(database, una, "book", "Mine", "")
    for refused in (
        remove_view(database, ana, private),
        change_view(database, ana, private, shared=True),
        remove_view(database, una, private + 1),
    ):
        with pytest.raises(NotFoundError):
            await refused
    shared = await save_view(database, ana, "book", "Everybody's", "", shared=True)
    acting = Actor(ana.user_id, "ana", roles=ana.roles, impersonator="una")
    await change_view(database, una, private, shared=True)
    for actor, view in ((una, shared), (acting, private), (acting, shared)):
        with pytest.raises(NotFoundError):
            await remove_view(database, actor, view)
        with pytest.raises(NotFoundError):
            await change_view(database, actor, view, pinned=True)
    await remove_view(database, ana, private)
    assert [each.id for each in await list_views(database, una)] == [shared]
    for actor in (SYSTEM, Actor(una.user_id, "una", impersonator="ana")):
        with pytest.raises(ForbiddenError):
            await save_view(database, actor, "book", "x", "")


async def test_place(database: Database, people: tuple[Actor, Actor]) -> None:
    """A place has all preferences, and of the views those of the menu and of the page."""
    ana, una = people
    assert await place_of(database, SYSTEM) == Place()
    for value in ("relaxed", ["title", 1], {"a": None}, 1.5, False):
        await keep_preference(database, ana, f"{value}", value)
    mine = await save_view(database, ana, "book", "b", "x=1", pinned=True)
    other = await save_view(database, ana, "author", "z", "")
    theirs = await save_view(database, una, "book", "A", "x=2", shared=True, pinned=True)
    private = await save_view(database, una, "book", "B", "x=3")
    await keep_preference(database, una, "density", "compact")

    async def shown(actor: Actor, *page: Any) -> list[int]:
        place = await place_of(database, actor, *page)
        known = await list_views(database, actor)
        assert [*place.views] == [each for each in known if each in place.views]
        return [each.id for each in place.views]

    assert (await place_of(database, ana)).preferences == await preferences(database, ana)
    assert await shown(ana) == [mine]
    assert [
        await shown(ana, "book", each) for each in (other, theirs, private, mine, 0, 2**60)
    ] == [
        *([other, mine], [theirs, mine], [mine], [mine], [mine], [mine]),
    ]
    await keep_preference(database, ana, f"{OPENS}book", theirs)
    assert (await shown(ana, "book"), await shown(ana, "author")) == ([theirs, mine], [mine])
    await keep_preference(database, ana, f"{OPENS}book", private)
    assert await shown(ana, "book") == [mine]
    await keep_preference(database, ana, PINS, [theirs, private, "x", None, True, -1, 10**30, 0.5])
    assert [each.id for each in (await place_of(database, ana)).pinned("book")] == [theirs, mine]
    await keep_preference(database, ana, PINS, "nonsense")
    assert [each.id for each in (await place_of(database, ana)).pinned("book")] == [mine]
    assert [each.id for each in (await place_of(database, una)).pinned("book")] == [theirs]
    assert (await place_of(database, una)).preferences == {"density": "compact"}
    assert [each.id for each in await list_views(database, ana, "book")] == [theirs, mine]


async def test_views_are_changed(database: Database, people: tuple[Actor, Actor]) -> None:
    """A view takes another name and other parameters, but not the name of another of its owner."""
    ana, una = people
    first = await save_view(database, ana, "book", "One", "a=1")
    await save_view(database, ana, "book", "Two", "a=2")
    await save_view(database, ana, "author", "Three", "")
    with pytest.raises(ConflictError):
        await change_view(database, ana, first, name=" Two ")
    for name in ("", "x" * 101):
        with pytest.raises(BadRequestError):
            await change_view(database, ana, first, name=name)
    with pytest.raises(BadRequestError):
        await change_view(database, ana, first, query="x" * 5000)
    with pytest.raises(NotFoundError):
        await change_view(database, una, first, name="Mine")
    await change_view(database, ana, first, name="Three", query="", shared=True)
    await change_view(database, ana, first, name="Three")
    found = {each.id: each for each in await list_views(database, ana)}[first]
    assert (found.name, found.query, found.shared, found.pinned) == ("Three", "", True, False)


async def test_views_have_bounds(database: Database, people: tuple[Actor, Actor]) -> None:
    """What cannot be kept is refused with words, and nothing is kept of it."""
    ana, _ = people
    for name, query in (("", ""), (" ", ""), ("x" * 101, ""), ("x\0", ""), ("x", "y" * 5000)):
        with pytest.raises(BadRequestError):
            await save_view(database, ana, "book", name, query)
    assert await list_views(database, ana) == []
    for number in range(MOST_VIEWS):
        await save_view(database, ana, "book", str(number), "")
    with pytest.raises(BadRequestError):
        await save_view(database, ana, "book", "one more", "")


async def test_editors(database: Database, people: tuple[Actor, Actor]) -> None:
    """Each hears of the other while they are there, and of nobody on another record."""
    ana, una = people
    assert await begin_editing(database, ana, "book", "1") == []
    assert [each.name for each in await begin_editing(database, una, "book", "1")] == ["ana"]
    assert await begin_editing(database, una, "book", "2") == []
    assert [each.name for each in await begin_editing(database, ana, "book", "1")] == ["una"]
    await end_editing(database, una, "book", "1")
    assert await begin_editing(database, ana, "book", "1") == []
    assert await begin_editing(database, ana, "book", "x" * 501) == []


async def test_who_fell_silent_is_gone(database: Database, people: tuple[Actor, Actor]) -> None:
    """A browser that was closed without a word is forgotten."""
    ana, una = people
    await begin_editing(database, una, "book", "1")
    past = update(EditorRow).values(at=datetime.now(UTC) - GONE_AFTER)
    await database.write(lambda session: session.execute(past))
    assert await begin_editing(database, ana, "book", "1") == []


async def test_uploads(database: Database, people: tuple[Actor, Actor]) -> None:
    """A file is whose it is, is taken in once, and tells how far that is; the oldest makes way."""
    ana, una = people
    file = await keep_upload(database, ana, "book", "a.csv", b"title")
    await choose(database, ana, file, {"mode": "create"})
    for actor, resource in ((una, "book"), (SYSTEM, "book"), (ana, "author")):
        with pytest.raises(NotFoundError):
            await upload_of(database, actor, resource, file)
    assert await content_of(database, una, file) == b""
    assert not await begin_work(database, una, file)
    await choose(database, una, file, {})
    await tell_work(database, una, file, {"done": True})
    found = await upload_of(database, ana, "book", file)
    assert (found.name, found.choices, found.started) == ("a.csv", {"mode": "create"}, False)
    assert [await begin_work(database, ana, file) for _ in range(2)] == [True, False]
    await choose(database, ana, file, {"mode": "update"})
    found = await upload_of(database, ana, "book", file)
    assert (found.choices, found.running, found.stopped) == ({"mode": "create"}, True, False)
    await tell_work(database, ana, file, {"done": True}, b"refused")
    assert not (await upload_of(database, ana, "book", file)).running
    assert await content_of(database, ana, file) == b"refused"
    later = [await keep_upload(database, ana, "book", "b.csv", b"") for _ in range(MOST_UPLOADS)]
    with pytest.raises(NotFoundError):
        await upload_of(database, ana, "book", file)
    assert all([await upload_of(database, ana, "book", each) for each in later])
    with pytest.raises(ContentTooLargeError):
        await keep_upload(database, ana, "book", "c.csv", bytes(MAX_UPLOAD + 1))
