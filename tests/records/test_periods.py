"""Periods: what ``today`` and its like mean, at both doors, on both databases, on another day."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from api import Api, zoos
from conftest import FreshSettings

from admin_app import Base
from admin_app.declaration import Kind, Registry
from admin_app.errors import BadRequestError
from admin_app.records.queries.form import form_of
from admin_app.records.queries.grammar import parse_query
from admin_app.records.queries.periods import MOMENTS, in_zone, period_of, settled

NOW = datetime(2024, 2, 29, 13, 30, tzinfo=UTC)
"""A Thursday; the day and the month before are none of their usual lengths."""
DAYS = [date(2024, 2, 29) + timedelta(days=each) for each in (*range(-430, -423), *range(-60, 32))]
LAST_31 = date(2024, 3, 31)


def ends(text: str, zone: str = "UTC", now: datetime = NOW) -> tuple[str, str]:
    """When a period begins and ends, in its zone."""
    period = period_of(Kind.INSTANT, "lt", text)
    assert period is not None
    begin, end = period.ends(in_zone(now, zone))
    return begin.isoformat(), end.isoformat()


def test_what_they_are() -> None:
    """Words are periods around now, moved by whole units; texts of dates are what they say."""
    for text, begin, end in (
        ("today", "2024-02-29", "2024-03-01"), ("today-1d", "2024-02-28", "2024-02-29"),
        ("today+1d", "2024-03-01", "2024-03-02"), ("today 1d", "2024-03-01", "2024-03-02"),
        ("today-1y", "2023-02-28", "2023-03-01"), ("today+1m", "2024-03-29", "2024-03-30"),
        ("week", "2024-02-26", "2024-03-04"), ("week-1w", "2024-02-19", "2024-02-26"),
        ("month", "2024-02-01", "2024-03-01"), ("month-2m", "2023-12-01", "2024-01-01"),
        ("month+11m", "2025-01-01", "2025-02-01"), ("year-1y", "2023-01-01", "2024-01-01"),
        ("2024", "2024-01-01", "2025-01-01"), ("2023-12", "2023-12-01", "2024-01-01"),
        ("2024-Q4", "2024-10-01", "2025-01-01"), ("2020-W53", "2020-12-28", "2021-01-04"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
    ):  # fmt: skip
        assert ends(text) == (f"{begin}T00:00:00+00:00", f"{end}T00:00:00+00:00"), text
    assert ends("now-36h") == ("2024-02-28T01:30:00+00:00",) * 2
    assert ends("now-1m", now=NOW.replace(month=3, day=31)) == ("2024-02-29T13:30:00+00:00",) * 2
    for text in (
        "",
        "Today",
        "today-",
        "today-1",
        "now-7d ",
        "2024-13",
        "0001",
        "9999",
        "2024-W60",
    ):
        assert period_of(Kind.INSTANT, "lt", text) is None, text
    assert period_of(Kind.DATE, "lt", "2024-02-29") is None
    assert period_of(Kind.STRING, "eq", "today") is None
    for operator, text in (
        ("eq", "now"), ("in", "today"), ("lt", "week-1d"), ("lt", "month-1w"), ("lt", "year-1m"),
        ("lt", "today-99999w"), ("lt", "now-1001y"), ("lt", "today-1h"),
    ):  # fmt: skip
        with pytest.raises(BadRequestError):
            period_of(Kind.INSTANT, operator, text)


def test_days_of_zones() -> None:
    """A day begins at midnight of its zone, also on the day that clocks are changed."""
    assert ends("today", "Asia/Tokyo") == ("2024-02-29T00:00:00+09:00", "2024-03-01T00:00:00+09:00")
    assert ends("today", "Pacific/Kiritimati")[0] == "2024-03-01T00:00:00+14:00"
    spring = datetime(2024, 3, 31, 12, tzinfo=UTC)
    assert ends("today", "Europe/Lisbon", spring) == (
        "2024-03-31T00:00:00+00:00",
        "2024-04-01T00:00:00+01:00",
    )


def test_nothing_kept_has_a_day_in_it() -> None:
    """What is kept of an address holds words; moments, of one form every day, come in later."""
    registry = Registry.from_base(Base, ["zoo"])
    query = parse_query(registry["specimen"], registry, [("day", "today"), ("instant__gte", "now")])
    first, second = (settled(query, NOW + timedelta(days=each)) for each in (0, 1))
    assert query.timed
    assert str(query.filters) == str(first.written) == str(second.written)
    (form, values), (other, later) = form_of(first), form_of(second)
    assert form == other
    assert values == [date(2024, 2, 29), date(2024, 3, 1), NOW]
    assert later == [each + timedelta(days=1) for each in values]


async def found(api: Api, **parameters: Any) -> list[str]:
    rows = await api.get(f"specimens?{urlencode({'limit': 200, 'sort': 'day', **parameters})}")
    return [row["day"] for row in rows["data"]]


def within(first: date, last: date) -> list[str]:
    return [each.isoformat() for each in DAYS if first <= each <= last]


async def test_both_databases(fresh_settings: FreshSettings) -> None:
    """Dates, local times and instants are found by periods, in parameters, trees and groups."""
    async with zoos(fresh_settings) as both:
        for api in both:
            api.records.clock = lambda: NOW
            items = [
                {
                    "short": "x",
                    "day": day.isoformat(),
                    "local": f"{day}T00:00:00",
                    "instant": f"{day}T23:30:00Z",
                }
                for day in DAYS
            ]
            answer = await api.call("POST", "specimens/bulk", {"items": items})
            assert answer.status == 200, answer
            await api.add("specimens", {"short": "without"})
            today = date(2024, 2, 29)
            for name in ("day", "local", "instant"):
                assert await found(api, **{name: "today"}) == ["2024-02-29"]
                week = within(date(2024, 2, 23), today)
                assert await found(api, **{f"{name}__between": "today-6d,today"}) == week
                month = within(date(2024, 1, 1), date(2024, 1, 31))
                assert await found(api, **{name: "month-1m"}) == month
                assert await found(api, **{name: "2024-01"}) == month
                assert await found(api, **{f"{name}__gt": "month"}) == within(
                    date(2024, 3, 1), LAST_31
                )
                assert await found(api, **{f"{name}__lte": "2022-Q4"}) == within(
                    DAYS[0], date(2022, 12, 31)
                )
                assert len(await found(api, **{f"{name}__lt": "2023"})) == 6
                tree = {"_not": {name: {"gte": "2023"}}}
                assert len(await found(api, filter=json.dumps(tree))) == 6
                others = (await api.get(f"specimens?{name}__ne=2023&count=exact"))["page"]["total"]
                assert others == sum(each.year != 2023 for each in DAYS)
            assert await found(api, instant__gte="now-1d", instant__lt="now") == ["2024-02-28"]
            assert (await found(api, instant="today", tz="Asia/Tokyo")) == ["2024-02-28"]
            assert await found(api, day__between="2024-02-28,today") == ["2024-02-28", "2024-02-29"]
            assert await found(api, day__gte="now") == within(today, LAST_31)
            groups = await api.get("specimens/aggregate?group=day.month&day=month-1m")
            assert groups["data"] == [{"group": {"day.month": "2024-01"}, "count": 31}]
            body = {"filter": {"local": "today"}, "tz": "UTC"}
            answer = await api.call("POST", "specimens/query", body)
            assert [row["day"] for row in answer.json["data"]] == ["2024-02-29"]
            assert await found(api, day="today") == ["2024-02-29"]
            api.records.clock = lambda: NOW + timedelta(days=1)
            assert await found(api, day="today") == ["2024-03-01"], "the same address, a day later"


async def test_includes_and_relations(fresh_settings: FreshSettings) -> None:
    """Periods are taken inside of relations and of includes as well."""
    async with zoos(fresh_settings) as both:
        for api in both:
            api.records.clock = lambda: NOW
            declared = [each for each in api.registry.values() if not each.own]
            ways = [
                (resource, relation, field)
                for resource in declared
                for relation in resource.relations.values()
                for field in api.registry.target(relation).readable.values()
                if field.kind in MOMENTS
            ]
            assert ways
            for resource, relation, field in ways:
                paths = [f"{resource.plural}?{relation.name}.{field.name}__gte=year"]
                if relation.many:
                    include = json.dumps({relation.name: {"filter": {field.name: "month"}}})
                    paths.append(f"{resource.plural}?include={quote(include)}")
                for path in paths:
                    assert (await api.call("GET", path)).status == 200, path


async def test_refusals(fresh_settings: FreshSettings) -> None:
    """What is no period, and no zone, is refused at its parameter."""
    async with zoos(fresh_settings) as both:
        for api in both:
            for query, pointer in (
                ("instant=now", "/instant"), ("day__in=today,2024-01-01", "/day__in"),
                ("day=today-99999y", "/day"), ("day=tomorow", "/day"), ("tz=Mars/Base", "/tz"),
                ("tz=", "/tz"), ("tz=..%2F..%2Fetc%2Fpasswd", "/tz"), ("tz=%00", "/tz"),
                ("clock=today", "/clock"), ("lapse=today", "/lapse"),
                ("day__between=today", "/day__between"),
            ):  # fmt: skip
                answer = await api.call("GET", f"specimens?{query}&limit=1")
                answer.problem(400)
                assert answer.pointers == [pointer], query
            tree = {"filter": {"day": {"in": ["today"]}}}
            answer = await api.call("POST", "specimens/query", tree)
            assert answer.pointers == ["/filter/day/in"]
            answer = await api.call("POST", "specimens/query", {"tz": 5})
            assert answer.pointers == ["/tz"]
