"""What is out of sight or withheld is in no answer, however it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api import Api, make_role
from conftest import FreshSettings
from shapes import ask, found, served
from zoo import RESOURCES

from admin_app.declaration import Grant

READ = tuple(
    Grant(name, "read")
    for name in RESOURCES
    if name not in {"keeper", "label", "composite", "passport", "visit", "loan", "folder"}
)


@asynccontextmanager
async def seen_by(api: Api, name: str, *grants: Grant) -> AsyncIterator[None]:
    """Whoever calls meanwhile has these grants."""
    await make_role(api.database, name, *READ, *grants)
    before, api.token = api.token, await api.token_of(name, name)
    yield
    api.token = before


async def test_what_is_out_of_sight_is_not_included(fresh_settings: FreshSettings) -> None:
    """Relations, fields and rows out of sight are not there, however deep they are asked for."""
    async with served(fresh_settings) as both:
        for api in both:
            third = await api.add("keepers", {"name": "Cy", "boss_id": 2, "friends": [1, 2]})
            fourth = await api.add("keepers", {"name": "Di", "boss_id": third["id"]})
            await api.add("cages", {"name": "of Di", "keeper_id": fourth["id"]})
            # The rule "some" is true of keepers with an even number: Bo and Di.
            some = Grant("keeper", "read", "some")
            async with seen_by(api, "some", some, Grant("label", "read")):
                rows = await found(api, "keepers", include="boss.boss,staff,friends,labels.keepers")
                assert [row["name"] for row in rows] == ["Bo", "Di"]
                bo, di = rows
                assert (bo["boss"], bo["boss_id"], bo["staff"], bo["friends"]) == (
                    None,
                    None,
                    [],
                    [],
                )
                assert (di["boss"], di["boss_id"], di["labels"]) == (None, None, [])
                labels = await found(api, "labels", include="keepers.boss.staff")
                assert [each["keepers"] for each in labels] == [[], []]
                cages = await found(
                    api, "cages", fields="name,keeper_id,keeper.name,keeper.boss.id"
                )
                assert cages == [
                    {"name": "c", "keeper_id": None, "keeper": None},
                    {"name": "d", "keeper_id": None, "keeper": None},
                    {
                        "name": "of Di",
                        "keeper_id": fourth["id"],
                        "keeper": {"name": "Di", "boss": None},
                    },
                ]
                one = await ask(api, "keepers/1", include="staff")
                one.problem(404, "not_found")
                # A filter inside an include does not tell of them either.
                inside = {"keeper": {"include": {"staff": {"filter": {"boss": 1}}}}}
                assert await found(api, "cages", name="c", include=inside) == [
                    {**(await found(api, "cages", name="c"))[0], "keeper": None}
                ]


async def test_what_is_withheld_is_unknown(fresh_settings: FreshSettings) -> None:
    """A hidden field, relation or target is refused in the words for one that never was."""
    whole = frozenset[str]()
    cases: tuple[tuple[str, tuple[Grant, ...], str, str, str], ...] = (
        ("no labels", (Grant("keeper", "read"),), "keepers", "labels", "x"),
        ("no boss", (Grant("keeper", "read", None, frozenset({"boss"})),), "keepers", "boss", "x"),
        (
            "no key",
            (Grant("keeper", "read", None, frozenset({"boss_id"})),),
            "keepers",
            "staff",
            "x",
        ),
        ("no keepers", (Grant("label", "read"),), "cages", "keeper", "x"),
        (
            "joined by what is hidden",
            (Grant("folder", "read", None, frozenset({"name"})),),
            "folders",
            "namesakes",
            "x",
        ),
        (
            "visits of some",
            (
                Grant("keeper", "read"),
                Grant("label", "read"),
                Grant("visit", "read", "some", whole),
            ),
            "keepers",
            "visited",
            "x",
        ),
    )
    async with served(fresh_settings) as both:
        for api in both:
            for number, (why, grants, plural, hidden, unknown) in enumerate(cases):
                async with seen_by(api, f"case{number}", *grants):
                    for parameter in ("include", "fields"):
                        for form in ("{}", "{}.name", "{}.{}"):
                            one = await ask(api, plural, **{parameter: form.format(hidden, hidden)})
                            other = await ask(
                                api, plural, **{parameter: form.format(unknown, unknown)}
                            )
                            assert one.status == other.status == 400, why
                            assert [{**each, "detail": ""} for each in one.json["errors"]] == [
                                {**each, "detail": ""} for each in other.json["errors"]
                            ], why
                            assert hidden not in str(one.json["errors"]), why
            grants = (Grant("keeper", "read", None, frozenset({"name"})),)
            async with seen_by(api, "nameless", *grants):
                cages = await found(api, "cages", name="c", include="keeper")
                assert cages[0]["keeper"] == {
                    "id": 1,
                    "version": 2,
                    "boss_id": None,
                    "friends": [2],
                    "friend_of": [2],
                }
                answer = await ask(api, "cages", fields="keeper.name")
                assert answer.problem(400)["errors"][0]["code"] == "unknown_field"
                for inside in ({"filter": {"name": "Ana"}}, {"sort": "name"}, {"fields": ["name"]}):
                    answer = await ask(api, "keepers", include={"staff": inside})
                    answer.problem(400)
