"""What a value is: the same to both databases, whoever made it up."""

from __future__ import annotations

import base64
import enum
import json
import math
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import pytest
from api import zoos
from conftest import FreshSettings
from hypothesis import HealthCheck, given, settings
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ARRAY, JSON, Enum, Float, Integer, Numeric, PickleType, String
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from zoo.kinds import Rank

from admin_app.declaration.fields import Kind, Shape, UnsupportedTypeError, shape_of
from admin_app.declaration.values import (
    MAX_INTERVAL,
    MIN_INTERVAL,
    from_text,
    storable_json,
    wire_type,
)

EXAMPLES = 12


class Odd(enum.Enum):
    HALF = 0.5


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)
_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False) | st.decimals(-100, 100, places=2)
STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "short": st.text(max_size=14),
    "sure": st.booleans(),
    "small": st.integers(-40_000, 40_000),
    "whole": st.integers(-(2**32), 2**32),
    "big": st.integers(-(2**64), 2**64),
    "text": st.text(max_size=40),
    "exact": _DECIMALS.map(
        lambda value: format(value, "f") if abs(value.adjusted()) < 50 else str(value)
    ),
    "money": st.decimals(-20_000, 20_000, places=3).map(str) | st.integers(-20_000, 20_000),
    "ratio": st.floats(),
    "single": st.floats() | st.floats(width=32),
    "day": st.dates().map(str),
    "clock": st.times().map(str),
    "local": st.datetimes().map(lambda value: value.isoformat()),
    "instant": st.datetimes(timezones=st.sampled_from([UTC]) | st.timezones()).map(
        lambda value: value.isoformat()
    ),
    "lapse": st.timedeltas().map(
        lambda value: f"P{value.days}DT{value.seconds}S".replace("P-", "-P")
    ),
    "document": _JSON,
    "token": st.uuids().map(str),
    "blob": st.binary(max_size=70).map(lambda value: base64.b64encode(value).decode()),
    "tags": st.lists(st.text(max_size=11), max_size=4),
    "numbers": st.lists(st.integers(-(2**32), 2**32), max_size=4),
}


def examples(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """The first values of a strategy, the same every time."""
    found: list[Any] = []

    @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
    @given(strategy)
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


async def test_both_databases_agree(fresh_settings: FreshSettings) -> None:
    """Of values at random, one database takes what the other takes, and answers the same bytes."""
    async with zoos(fresh_settings) as (one, other):
        for api in (one, other):
            await api.add("specimens", {"short": "x"})
        taken = 0
        for name, strategy in STRATEGIES.items():
            for value in examples(strategy, EXAMPLES):
                raw = json.dumps({name: value}).encode("utf-8", "surrogatepass")
                first = await one.call("PATCH", "specimens/1", raw=raw)
                second = await other.call("PATCH", "specimens/1", raw=raw)
                assert first.status == second.status, (name, value, first, second)
                assert first.status in {200, 400, 422}, (name, value, first)
                if first.status == 200:
                    taken += 1
                    assert first.body == second.body, (name, value)
                    again = await one.call("PATCH", "specimens/1", {name: first.json[name]})
                    assert again.body == first.body, (name, value, "is not the same when sent back")
        assert (await one.call("GET", "specimens/1")).body == (
            await other.call("GET", "specimens/1")
        ).body
        assert taken > len(STRATEGIES) * EXAMPLES / 3


def adapter(kind: Kind, **limits: Any) -> TypeAdapter[Any]:
    return TypeAdapter(wire_type(Shape(kind=kind, **limits)))


@given(st.timedeltas(MIN_INTERVAL, MAX_INTERVAL))
def test_durations(value: timedelta) -> None:
    """A duration is written in days and times, and reads back to the microsecond."""
    found = adapter(Kind.INTERVAL)
    text = found.dump_json(value)
    assert b"Y" not in text
    assert found.validate_json(text) == value


@given(st.integers(-(10**40), 10**40), st.integers(0, 20))
def test_decimals_keep_every_digit(whole: int, places: int) -> None:
    """A decimal of an adopted column without limits is not rounded, however long it is."""
    value = Decimal((int(whole < 0), tuple(map(int, str(abs(whole)))), -places))
    found = adapter(Kind.DECIMAL)
    assert found.validate_json(json.dumps(format(value, "f"))) == value


@given(st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{1,4})?", fullmatch=True))
def test_decimals_however_written(text: str) -> None:
    """The usual form of a decimal, which is read quickly, is taken as the same with an exponent."""
    found = adapter(Kind.DECIMAL, precision=5, scale=2)
    verdicts: list[object] = []
    for each in (text, f"{text}e0"):
        try:
            verdicts.append(found.validate_json(json.dumps(each)).as_tuple())
        except ValidationError as error:
            verdicts.append([each["type"] for each in error.errors()])
    assert verdicts[0] == verdicts[1]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_read_back(value: float) -> None:
    """A float is answered with all its digits, and there is no negative zero."""
    found = adapter(Kind.FLOAT)
    kept = found.validate_json(json.dumps(value))
    assert json.loads(found.dump_json(kept)) == value
    assert math.copysign(1, kept) == 1 or kept != 0


@pytest.mark.parametrize(
    ("kind", "text", "data"),
    [
        (Kind.INTEGER, "-5", -5),
        (Kind.INTEGER, "\u0665", "\u0665"),
        (Kind.INTEGER, "1_0", "1_0"),
        (Kind.FLOAT, "1e3", 1000.0),
        (Kind.FLOAT, "inf", "inf"),
        (Kind.BOOLEAN, "true", True),
        (Kind.BOOLEAN, "yes", "yes"),
        (Kind.JSON, '{"a": 1}', {"a": 1}),
        (Kind.JSON, "[" * 100_000, "[" * 100_000),
        (Kind.DATE, "2026-01-31", "2026-01-31"),
    ],
)
def test_text_as_data(kind: Kind, text: str, data: object) -> None:
    """Text from outside becomes data of the column's kind, or stays text to be refused."""
    assert from_text(Shape(kind=kind), text) == data


def test_enums_by_type() -> None:
    """An enum's value is itself only: neither 1.0 nor true is 1."""
    found = TypeAdapter(wire_type(shape_of(Enum(Rank))))
    assert found.validate_json("1") is Rank.FIRST
    for other in ("true", "1.0", '"1"', "3", "null", "[1]"):
        with pytest.raises(ValidationError):
            found.validate_json(other)


def test_types_without_a_portable_meaning() -> None:
    """A type that cannot mean the same on both databases is refused with what to do instead."""
    for type_ in (
        ARRAY(Integer),
        ARRAY(Integer, dimensions=2).with_variant(JSON(), "sqlite"),
        ARRAY(Numeric).with_variant(JSON(), "sqlite"),
        JSONB(),
        TSVECTOR(),
        PickleType(),
        Enum(Odd),
    ):
        with pytest.raises(UnsupportedTypeError):
            shape_of(type_)


def test_shapes() -> None:
    """Everything a column type says is in its shape."""
    assert shape_of(String(5)) == Shape(kind=Kind.STRING, max_length=5)
    assert shape_of(String()) == Shape(kind=Kind.TEXT)
    assert shape_of(Float(24)).single
    assert not shape_of(Float(53)).single
    assert shape_of(Numeric(30, 5)) == Shape(kind=Kind.DECIMAL, precision=30, scale=5)
    assert shape_of(JSONB().with_variant(JSON(), "sqlite")).kind is Kind.JSON
    assert shape_of(String(5), {"choices": ("a",)}).kind is Kind.ENUM


def test_json_that_would_not_read_back() -> None:
    """JSON of endless depth is refused before anything recurses through it."""
    deep: Any = None
    for _ in range(500):
        deep = [deep]
    with pytest.raises(Exception, match="deeper"):
        storable_json(deep)
