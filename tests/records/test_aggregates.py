"""Aggregates: exact, the same on both databases, and of nothing that is out of sight."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from api import Api, make_role, zoo_on, zoos
from conftest import FreshSettings
from sqlalchemy.ext.asyncio import AsyncConnection
from zoo import RESOURCES, sample

from admin_app.declaration import SYSTEM, Grant
from admin_app.errors import BadRequestError
from admin_app.records.queries.aggregation import parse_aggregation
from admin_app.records.reads.aggregates import aggregates
from admin_app.records.reads.reader import Reader

Row = dict[str, Any]
PARTS: dict[str, Callable[[date], Any]] = {
    "year": lambda day: day.year,
    "quarter": lambda day: f"{day.year:04}-Q{(day.month + 2) // 3}",
    "month": lambda day: f"{day.year:04}-{day.month:02}",
    "week": lambda day: "{:04}-W{:02}".format(*day.isocalendar()[:2]),
    "day": lambda day: day.isoformat(),
}


async def asked(api: Api, plural: str, **parameters: Any) -> list[Row]:
    texts = {
        name: each if isinstance(each, str) else json.dumps(each)
        for name, each in parameters.items()
    }
    answer = await api.get(f"{plural}/aggregate?{urlencode({'limit': 1000, **texts})}")
    assert answer["more"] is False
    found: list[Row] = answer["data"]
    return found


async def specimens(api: Api) -> list[Row]:
    rows = [await api.add("specimens", body) for body in sample("specimen")]
    for days in range(400, 1600, 97):
        day = date.fromordinal(date(2020, 1, 1).toordinal() + days).isoformat()
        body = {
            "short": "x",
            "day": day,
            "local": f"{day}T23:59:59.9",
            "instant": f"{day}T00:00:00Z",
        }
        rows.append(await api.add("specimens", body))
    return rows


def grouped(rows: list[Row], name: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


def values(rows: list[Row], name: str) -> list[Any]:
    return [row[name] for row in rows if row[name] is not None]


def average(numbers: list[Any]) -> str | None:
    if not numbers:
        return None
    quotient = sum(map(Decimal, numbers), Decimal()) / len(numbers)
    return str(quotient.quantize(Decimal("0.000001"), ROUND_HALF_UP))


async def test_numbers(fresh_settings: FreshSettings) -> None:
    """Sums, averages and counts are exact, past 64 bits too."""
    numbers = ("small", "whole", "big", "exact", "money", "units")
    names = ",".join(numbers)
    async with zoos(fresh_settings) as both:
        for api in both:
            rows = await specimens(api)
            rows += [await api.add("specimens", {"short": "y", "big": 2**63 - 1}) for _ in "ab"]
            for group in ("flag", "rank", "short", "clock"):
                parts = grouped(rows, group)
                found = await asked(
                    api, "specimens", group=group, count=f"*,{names}", sum=names, avg=names
                )
                assert len(found) == len(parts)
                for each in found:
                    part = parts[each["group"][group]]
                    assert each["count"] == len(part)
                    for name in numbers:
                        known = values(part, name)
                        total = sum(map(Decimal, known)) if known else None
                        answered = each["sum"][name]
                        assert each["counts"][name] == len(known)
                        assert each["avg"][name] == average(known)
                        assert isinstance(answered, str | None) or name in numbers[:3]
                        assert (answered if answered is None else Decimal(answered)) == total
            (whole,) = await asked(api, "specimens", sum="big")
            assert whole["sum"]["big"] > 2**63


async def test_extremes(fresh_settings: FreshSettings) -> None:
    """The least, the greatest and how many different: in the form in which records have them."""
    async with zoos(fresh_settings) as both:
        answers = []
        for api in both:
            rows = await specimens(api)
            names = ("small", "exact", "ratio", "day", "clock", "local", "name", "big")
            distinct = ("name", "mood", "token", "flag", "instant", "lapse", "exact")
            (found,) = await asked(
                api,
                "specimens",
                min=",".join((*names, "lapse", "instant")),
                max=",".join((*names, "instant")),
            )
            for name in names:
                known = values(rows, name)
                order = Decimal if name == "exact" else None
                assert found["min"][name] == min(known, key=order)
                assert found["max"][name] == max(known, key=order)
            assert found["min"]["lapse"] == "-P719162D"
            (several,) = await asked(api, "specimens", distinct=",".join(distinct))
            for name in distinct:
                assert several["distinct"][name] == len(set(values(rows, name)))
            answers.append((found, several))
        assert answers[0] == answers[1]


async def test_parts_of_dates(fresh_settings: FreshSettings) -> None:
    """Years, quarters, months, ISO weeks, days and hours, of the first date and the last too."""
    async with zoos(fresh_settings) as both:
        for api in both:
            rows = await specimens(api)
            for name in ("day", "local", "instant"):
                for unit, part in PARTS.items():
                    expected: dict[Any, int] = defaultdict(int)
                    for row in rows:
                        text = row[name]
                        expected[text and part(date.fromisoformat(text[:10]))] += 1
                    group = f"{name}.{unit}"
                    found = await asked(api, "specimens", group=group)
                    assert {each["group"][group]: each["count"] for each in found} == expected
            hours = await asked(api, "specimens", group="local.hour")
            expected_hours = {row["local"] and row["local"][:13] for row in rows}
            assert {each["group"]["local.hour"] for each in hours} == expected_hours


ZONES = ("Europe/Lisbon", "Asia/Kathmandu", "America/New_York", "Pacific/Kiritimati", "Etc/UTC")


ENDS = (datetime.min, datetime.max)  # noqa: DTZ901 - as they are stored


def shown(instant: str, zone: str) -> datetime:
    """What clocks of a zone show, as far as there are dates."""
    found = datetime.fromisoformat(instant).replace(tzinfo=None)
    if found in ENDS:
        return found
    try:
        return found.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    except OverflowError:
        return ENDS[found.year > 1]


async def test_parts_in_a_time_zone(fresh_settings: FreshSettings) -> None:
    """Instants are grouped by what clocks of the zone show, and each group is a filter there."""
    async with zoos(fresh_settings) as both:
        for api in both:
            rows = await specimens(api)
            # On this day Lisbon has the hour from one to two twice, New York next week.
            for hour in range(24):
                body = {"short": "x", "instant": f"2024-10-27T{hour:02}:20:00Z"}
                rows.append(await api.add("specimens", body))
            instants = [row["instant"] for row in rows]
            for zone in ZONES:
                local = [each and shown(each, zone) for each in instants]
                for unit, part in {**PARTS, "hour": lambda at: at.isoformat()[:13]}.items():
                    expected = Counter(each and _part(unit, part, each) for each in local)
                    group = f"instant.{unit}"
                    found = await asked(api, "specimens", group=group, tz=zone)
                    assert {each["group"][group]: each["count"] for each in found} == expected
                found = await asked(api, "specimens", group="instant.day", tz=zone)
                days = {each["group"]["instant.day"]: each["count"] for each in found}
                for day in ("2024-10-26", "2024-10-27", "2024-10-28", "2021-02-04"):
                    query = urlencode({"instant": day, "tz": zone, "count": "exact", "limit": 1})
                    page = (await api.get(f"specimens?{query}"))["page"]
                    assert page["total"] == days.get(day, 0), (zone, day)
            local_days = await asked(api, "specimens", group="local.day,day.day", tz="Asia/Tokyo")
            assert local_days == await asked(api, "specimens", group="local.day,day.day")


def _part(unit: str, part: Callable[[Any], Any], at: datetime) -> Any:
    return part(at if unit == "hour" else at.date())


async def test_a_zone_that_the_database_does_not_know(fresh_settings: FreshSettings) -> None:
    """It is refused at its parameter; SQLite asks Python, which does know it."""
    async with zoo_on(fresh_settings, "postgresql") as api:
        await specimens(api)
        specimen = api.registry["specimen"]
        known = parse_aggregation(specimen, api.registry, [("group", "instant.day")])

        async def read(connection: AsyncConnection) -> Any:
            reader = Reader(api.registry, b"a secret of the tests", "postgresql")
            unknown = replace(known, zone="Europe/Atlantis")
            return await aggregates(reader, connection, SYSTEM, specimen, unknown)

        with pytest.raises(BadRequestError, match="knows no time zone Europe/Atlantis") as refused:
            await api.database.read(read)
        assert [each.path for each in refused.value.errors] == [("tz",)]
        answer = await api.call("GET", "specimens/aggregate?group=instant.day&tz=localtime")
        assert answer.problem(400)["errors"][0]["pointer"] == "/tz"


async def test_having_and_order(fresh_settings: FreshSettings) -> None:
    """Groups are chosen and ordered by what was computed of them, nulls last or first."""
    async with zoos(fresh_settings) as both:
        for api in both:
            rows = await specimens(api)
            sums = {
                key: sum(values(part, "big")) if values(part, "big") else None
                for key, part in grouped(rows, "short").items()
            }
            for having, test in (
                (
                    {"sum.big": {"gt": -(2**63)}},
                    lambda total: total is not None and total > -(2**63),
                ),
                ({"sum.big": {"isnull": True}}, lambda total: total is None),
                ({"sum.big": -(2**63)}, lambda total: total == -(2**63)),
                ({"sum.big": {"in": [0, 2**63 - 1]}}, lambda total: total in {0, 2**63 - 1}),
                (
                    {"sum.big": {"between": [0, 2**70]}},
                    lambda total: (total or -1) >= 0 or total == 0,
                ),
                ({"count": {"gte": 2**62}}, lambda _: False),
            ):
                found = await asked(api, "specimens", group="short", sum="big", having=having)
                names = {each["group"]["short"] for each in found}
                assert names == {name for name, total in sums.items() if test(total)}, having
            for sort, first in (("sum.big", False), ("-sum.big:nullsfirst", True)):
                ordered = await asked(api, "specimens", group="short", sum="big", sort=sort)
                totals = [each["sum"]["big"] for each in ordered]
                known = [each for each in totals if each is not None]
                assert known == sorted(known, reverse=first)
                assert (totals[0] is None) == first
                assert (totals[-1] is None) != first
            page = await api.get("specimens/aggregate?group=short&limit=2&sort=-count")
            assert (len(page["data"]), page["more"]) == (2, True)
            assert page["data"][0]["count"] == max(
                len(each) for each in grouped(rows, "short").values()
            )


async def test_through_relations_in_sight(fresh_settings: FreshSettings) -> None:
    """Groups reach through relations to one, where a record out of sight is as none."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for name in RESOURCES:
                for body in sample(name):
                    await api.add(api.registry[name].plural, body)
            await api.add("keepers", {"name": "Ce", "boss_id": 2})
            await api.add("cages", {"name": "e", "keeper_id": 2, "room": "a", "number": 1})
            groups = "keeper.name,composite.name"
            everything = await asked(api, "cages", group=groups, sum="keeper.id")
            assert [each["group"]["keeper.name"] for each in everything] == ["Ana", "Bo", None]
            assert [each["sum"]["keeper.id"] for each in everything] == [1, 2, None]
            chain = await asked(api, "keepers", group="boss.boss.name")
            assert [each["group"]["boss.boss.name"] for each in chain] == ["Ana", None]
            await make_role(
                api.database,
                "some",
                Grant("cage", "read"),
                Grant("keeper", "read", "some"),
                Grant("composite", "read", None, frozenset({"name"})),
            )
            api.token = await api.token_of("una", "some")
            for group in ("keeper.name", "keeper_id"):
                found = await asked(api, "cages", group=group, count="keeper_id")
                assert [(each["count"], each["counts"]["keeper_id"]) for each in found] == [
                    (1, 1),
                    (2, 0),
                ]
            mine = await asked(api, "keepers")
            assert mine == [{"group": {}, "count": 1}]
            refused = await api.call("GET", "cages/aggregate?group=composite.name")
            (error,) = refused.problem(400)["errors"]
            assert (error["pointer"], error["code"]) == ("/group", "unknown_field")
            assert "composite" not in error["detail"]


async def test_filters(fresh_settings: FreshSettings) -> None:
    """What a list is filtered by filters here too, and names of this endpoint make way by __eq."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for body in sample("odd_name"):
                await api.add("odd_names", body)
            condition = {"_or": [{"count": {"lt": 1}}, {"limit__eq": 3}]}
            found = await asked(
                api, "odd_names", group="count", filter=condition, sort="-group.count"
            )
            assert [each["group"]["count"] for each in found] == [3, 0]
            assert await asked(api, "odd_names", count__eq="3", offset="3") == [
                {"group": {}, "count": 1}
            ]


async def test_refusals(fresh_settings: FreshSettings) -> None:
    """What cannot be computed is refused where it was asked for; too large a float sum as well."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await specimens(api)
            await specimens(api)
            for query, pointer in (
                ("group=nope", "/group"),
                ("group=day.hour", "/group"),
                ("group=document", "/group"),
                ("group=short,short", "/group"),
                ("group=id,small,whole,big,name,text", "/group"),
                ("sum=name", "/sum"),
                ("avg=day", "/avg"),
                ("min=flag", "/min"),
                ("distinct=blob", "/distinct"),
                ("count=nope", "/count"),
                ("sort=nope", "/sort"),
                ("limit=0", "/limit"),
                ("limit=1001", "/limit"),
                ("cursor=x", "/cursor"),
                ("having=[]", "/having"),
                ("having={", "/having"),
                ('having={"nope":1}', "/having/nope"),
                ('having={"count":{"like":1}}', "/having/count/like"),
                ('having={"count":"1"}', "/having/count/eq"),
                ("sum=ratio", "/sum"),
                ("bogus=1", "/bogus"),
                (f"sum=small,big&having={json.dumps({'sum.big': 10**60})}", "/having/sum.big/eq"),
            ):
                refused = await api.call("GET", f"specimens/aggregate?{query}")
                refused.problem(400, "bad_request")
                assert refused.pointers[0] == pointer, query
