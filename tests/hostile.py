"""Requests nobody should send: what each is, and the one status it must have on both databases."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Row:
    """A request and its only right answer."""

    status: int
    method: str
    target: str
    raw: bytes | None = None
    headers: tuple[tuple[str, str | bytes], ...] = ()
    anonymous: bool = False

    def __str__(self) -> str:
        headers = f" {self.headers}" if self.headers else ""
        return f"{self.method} {self.target[:160]} {(self.raw or b'')[:160]!r}{headers}"


def row(status: int, method: str, target: str, raw: str | bytes | None = None, **more: Any) -> Row:
    content = raw.encode() if isinstance(raw, str) else raw
    headers = tuple((name.replace("_", "-"), value) for name, value in more.items())
    return Row(status, method, target, content, headers)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


_TEXTS = ("null", '"1234567890123"', '"a\\u0000"', '"\\ud800"', "5", "true", "[]", "{}")
_NUMBERS = ('"1"', "true", "1.5", "[]", "{}", "1" * 400, "1e3", "NaN")
_64_BYTES_AND_ONE = f'"{base64.b64encode(bytes(65)).decode()}"'

BAD_VALUES: dict[str, Iterable[str]] = {
    "short": _TEXTS,
    "name": ('"123456789012345678901"', "5", '"\\udfff"'),
    "text": ('"\\u0000"', "0", '"\\ud83d"'),
    "sure": ("null", "1", "0", '"true"', '"yes"', "[]"),
    "flag": ("2", '"x"', '""', "{}"),
    "small": ("32768", "-32769", *_NUMBERS),
    "whole": ("2147483648", "-2147483649", '""', "1.0"),
    "big": ("9223372036854775808", "-9223372036854775809", "9" * 4000, "9" * 5000),
    "exact": (
        *('"1.23456"', '"100000000000000"', '"1e-5"', '"NaN"', '"sNaN"', '"Infinity"', '"1e400"'),
        *('"abc"', '""', '" 1"', '"1_000"', '"\\u0661"', '"0x10"', "true", "[]", "1e400", "NaN"),
        *("12345678901234.5678", '"' + "9" * 2000 + '"', '"1e-999999999"', '"--1"'),
    ),
    "money": ('"10000.00"', '"0.001"', "1.005", "10000", '"1e4"', '"-10000"'),
    "units": ('"1.5"', '"1000000000000000000"', "0.5"),
    "ratio": ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", '"1.5"', "true", '"NaN"', "[]"),
    "single": ("3.5e38", "-1e39", "1e400", '"1"'),
    "day": (
        *('"2026-02-30"', '"2023-02-29"', '"0000-01-01"', '"10000-01-01"', '"-0001-01-01"'),
        *('"2026-2-3"', '"20261120"', '"2026-11-20T00:00:00"', '" 2026-01-01"', "0", '"today"'),
        *('"\\u0662\\u0660\\u0662\\u0666-01-01"', '""', "1700000000"),
    ),
    "clock": (
        *('"24:00"', '"24:00:00"', '"23:60"', '"23:59:60"', '"12:00Z"', '"12:00+01:00"'),
        *('"12"', '"1:00"', "43200", '"12:00:00.1234567"', '"-01:00"'),
    ),
    "local": (
        *('"2026-01-01T00:00:00Z"', '"2026-01-01T00:00:00+01:00"', '"2026-01-01"', "0"),
        *('"0000-01-01T00:00:00"', '"2026-01-01T24:00:00"', '"2026-06-30T23:59:60"'),
        *('"10000-01-01T00:00:00"', '"2026-13-01T00:00:00"', '"now"'),
    ),
    "instant": (
        *('"2026-01-01T00:00:00"', '"0001-01-01T00:00:00+01:00"', '"9999-12-31T23:59:59-01:00"'),
        *('"2026-01-01T00:00:00+24:00"', '"2026-01-01T00:00:00+99:99"', '"2026-06-30T23:59:60Z"'),
        *('"0000-01-01T00:00:00Z"', "1700000000", '"2026-01-01T24:00:00Z"', '"2026-01-01"'),
        *('"2026-01-01T00:00:00 UTC"', '"2026-01-01T00:00:00.1234567Z"'),
    ),
    "lapse": (
        *('"P1Y"', '"P1M"', '"P"', '"PT"', '"P1DT"', '"1 day"', '"P9999999999D"', '"P2932897D"'),
        *('"-P719163D"', "3600", '"PT1.0000001S"', '"P-1D"', '"01:00:00"', '"P999999999W"'),
    ),
    "mood": ('"CALM"', '"calmer"', "1", "[]", '""'),
    "size": ('"SMALL"', '"s"', "{}"),
    "rank": ("3", '"1"', "true", "1.0", '"FIRST"', "[1]"),
    "colour": ('"blue"', '"RED"', "0", '""'),
    "grade": ('"b"', '""', "[]"),
    "level": ("4", '"1"', "true", "1.0", "0"),
    "document": (
        *("NaN", '{"a":Infinity}', "1e400", "[-1e400]", '"\\u0000"', '"\\ud800"', '{"\\u0000":1}'),
        *(nested(65), nested(5000), '{"a":' * 70 + "1" + "}" * 70, "9" * 5000, "9" * 4301),
        *(f"[{'9' * 4301}]", "12345678901234567890123"),
    ),
    "token": ('"x"', '"00000000-0000-0000-0000-00000000000g"', '""', "5", "[]"),
    "blob": ('"x"', '"AA"', '"A A="', '"===="', '"AA==\\n"', "5", '"é"', _64_BYTES_AND_ONE),
    "tags": ('"x"', "[1]", "[null]", '["12345678901"]', '{"0":"a"}', '[["a"]]', '["\\u0000"]'),
    "numbers": ("[2147483648]", '["1"]', "[true]", "[1.5]", "[null]", "1", "{}"),
}
"""JSON that is no value of a ``Specimen``'s field."""


def bad_values() -> Iterable[Row]:
    """Each bad value in a create, and the first of each field in an update."""
    for field, values in BAD_VALUES.items():
        for number, value in enumerate(values):
            other = "" if field == "short" else '"short": "x", '
            status = 400 if _is_no_json(value) else 422
            yield row(status, "POST", "specimens", f'{{{other}"{field}": {value}}}')
            if number == 0:
                yield row(status, "PATCH", "specimens/1", f'{{"{field}": {value}}}')


def _is_no_json(value: str) -> bool:
    return "\\ud" in value or len(value) > 4300


JSON = "application/json"
SPECIMEN = '{"short": "x"}'

BODIES = [
    row(415, "POST", "specimens", SPECIMEN, content_type="text/plain"),
    row(415, "POST", "specimens", SPECIMEN, content_type="application/x-www-form-urlencoded"),
    row(415, "POST", "specimens", SPECIMEN, content_type="multipart/form-data; boundary=x"),
    row(415, "POST", "specimens", SPECIMEN, content_type="application/merge-patch+json"),
    row(415, "POST", "specimens", SPECIMEN, content_type=""),
    row(415, "POST", "specimens", SPECIMEN, content_type=b"\xff\xfe"),
    row(415, "POST", "specimens"),
    row(422, "PATCH", "specimens/1", SPECIMEN, content_type="application/json-patch+json"),
    row(400, "POST", "specimens", b"", content_type=JSON),
    row(400, "POST", "specimens", b" ", content_type=JSON),
    row(400, "POST", "specimens", b"{"),
    row(400, "POST", "specimens", b"{'short': 'x'}"),
    row(400, "POST", "specimens", b'{"short": "x",}'),
    row(400, "POST", "specimens", b'{"short": "x"} {}'),
    row(400, "POST", "specimens", b'{"short": "\xff"}'),
    row(400, "POST", "specimens", b'{"short": "\xed\xa0\x80"}'),
    row(400, "POST", "specimens", b'\xff\xfe{\x00"\x00}\x00'),
    row(400, "POST", "specimens", b'\xef\xbb\xbf{"short": "x"}'),
    row(400, "POST", "specimens", b'{"short": "\n"}'),
    row(400, "POST", "specimens", b"\x00"),
    row(400, "POST", "specimens", nested(100_000)),
    row(422, "POST", "specimens", b"[]"),
    row(422, "POST", "specimens", b'[{"short": "x"}]'),
    row(422, "POST", "specimens", b"null"),
    row(422, "POST", "specimens", b'"short"'),
    row(422, "POST", "specimens", b"1"),
    row(422, "POST", "specimens", b"{}"),
    row(422, "POST", "specimens", b'{"short": "x", "shrot": 1}'),
    row(422, "POST", "specimens", b'{"short": "x", "id": 7}'),
    row(422, "POST", "specimens", b'{"short": "x", "version": 7}'),
    row(422, "POST", "specimens", b'{"short": "x", "__class__": {}}'),
    row(422, "POST", "specimens", b'{"short": "x", "": 1}'),
    row(422, "POST", "specimens", b'{"short": "x", "\\u0000": 1}'),
    row(422, "PATCH", "specimens/1", b'{"id": 2}'),
    row(422, "PATCH", "specimens/1", b'{"version": 1}'),
    row(422, "PATCH", "specimens/1", b"[]"),
    row(422, "PATCH", "texts/plain", b'{"code": "other"}'),
    row(422, "PATCH", "computing/1", b'{"doubled": 1}'),
    row(422, "PATCH", "computing/1", b'{"made_by": "me"}'),
    row(422, "PATCH", "computing/1", b'{"made_at": "2026-01-01T00:00:00Z"}'),
    row(422, "PATCH", "computing/1", b'{"changed_at": "2026-01-01T00:00:00Z"}'),
    row(422, "PATCH", "computing/1", b'{"shout": "A"}'),
    row(422, "POST", "specimens", "{" + ",".join(f'"k{n}": 1' for n in range(20_000)) + "}"),
    row(413, "POST", "specimens", b'{"short": "' + b"x" * (1024 * 1024) + b'"}'),
    row(413, "PATCH", "specimens/1", b" " * (3 * 1024 * 1024)),
    row(201, "POST", "specimens", b'{"short": "one", "short": "two"}'),
    row(201, "POST", "specimens", SPECIMEN, content_type="Application/JSON; charset=utf-8"),
    row(200, "PATCH", "specimens/1", b"{}"),
]

CONSTRAINTS = [
    row(409, "POST", "ruled", b'{"code": "one"}'),
    row(409, "PATCH", "ruled/2", b'{"code": "one"}'),
    row(409, "POST", "ruled", b'{"code": "new", "town": "t", "street": "s"}'),
    row(409, "POST", "ruled", b'{"code": "new", "name": "open"}'),
    row(422, "POST", "ruled", b'{"code": "new", "low": 2, "high": 1}'),
    row(422, "PATCH", "ruled/1", b'{"low": 3}'),
    row(422, "PATCH", "ruled/1", b'{"code": null}'),
    row(201, "POST", "ruled", b'{"code": "new", "town": "t"}'),
    row(201, "POST", "ruled", b'{"code": "new2", "town": "t"}'),
    row(409, "POST", "texts", b'{"code": "plain"}'),
    row(409, "POST", "uniques", b'{"id": "00000000-0000-0000-0000-000000000000"}'),
    row(409, "POST", "dated", b'{"day": "2026-11-20"}'),
    row(409, "POST", "composites", b'{"room": "a", "number": 1}'),
    row(409, "POST", "parts", b'{"room": "a", "number": 1, "position": 1}'),
    row(422, "POST", "parts", b'{"room": "a", "number": 2, "position": 1}'),
    row(422, "POST", "parts", b'{"room": "a", "number": 1}'),
    row(409, "POST", "passports", b'{"number": "P1", "keeper_id": 2}'),
    row(409, "POST", "passports", b'{"number": "P2", "keeper_id": 1}'),
    row(422, "POST", "passports", b'{"number": "P3", "keeper_id": 99}'),
    row(422, "PATCH", "keepers/1", b'{"boss_id": 99}'),
    row(422, "PATCH", "keepers/1", b'{"boss_id": -1}'),
    row(422, "PATCH", "keepers/1", b'{"labels": ["nope"]}'),
    row(422, "PATCH", "keepers/1", b'{"labels": ["\\u0000"]}'),
    row(422, "PATCH", "keepers/1", b'{"labels": [1]}'),
    row(422, "PATCH", "keepers/1", b'{"labels": null}'),
    row(422, "PATCH", "keepers/1", b'{"labels": "l/1"}'),
    row(422, "PATCH", "keepers/1", b'{"friends": [99, 98]}'),
    row(422, "PATCH", "keepers/1", b'{"friends": [9223372036854775808]}'),
    row(422, "PATCH", "keepers/1", b'{"friends": ["1"]}'),
    row(422, "PATCH", "keepers/1", b'{"composites": ["a,2"]}'),
    row(422, "PATCH", "keepers/1", b'{"composites": ["a", ",", "a,1,1", "~9,1", "\\u0000,1"]}'),
    row(422, "PATCH", "keepers/1", b'{"visited": ["l/1"]}'),
    row(422, "PATCH", "keepers/1", b'{"staff": [2]}'),
    row(422, "PATCH", "keepers/1", b'{"passport": 1}'),
    row(422, "PATCH", "keepers/1", f'{{"friends": {[1] * 10_001}}}'),
    row(422, "PATCH", "cages/1", b'{"room": "nope"}'),
    row(422, "PATCH", "visits/1,l~11", b'{"keeper_id": 2}'),
    row(409, "DELETE", "keepers/1"),
    row(204, "DELETE", "composites/a,1"),
    row(422, "POST", "validated", b'{"email": "no at"}'),
    row(422, "PATCH", "validated/1", b'{"even": 3}'),
    row(422, "POST", "validated", b'{"email": "a@b", "code": "abc"}'),
    row(422, "PATCH", "validated/1", b'{"code": "abc"}'),
]  # fmt: skip

_AUTHORIZATIONS: tuple[str | bytes, ...] = (
    "", "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "bearer adm_", "Bearer " + "x" * 20_000,
    b"Bearer \xff\xfe", b"\xc3\x28", "Bearer a b", "Bearer adm_\x01", "Token x",
)  # fmt: skip
_NO_KEYS = (
    "0", "99", "-1", "x", "1.0", "01", "+1", "1e3", "9223372036854775808", "9" * 400, "%00", "%FF",
    "..", ".", "%2E%2E", "%2F", "1%2F2", "1,1", ",", "~", "~9", "1%20", "%201", "null", "undefined",
    "%F0%9F%A6%89", "'", "1;drop", "x" * 20_000, "query", "%ED%A0%80", "１",  # noqa: RUF001
)  # fmt: skip

PATHS = [
    *(row(404, method, f"specimens/{key}", SPECIMEN if method == "PATCH" else None)
      for key in _NO_KEYS for method in ("GET", "PATCH", "DELETE")),
    *(row(404, "GET", f"composites/{key}") for key in ("a", "a,1,1", "a,x", "a,01", ",1", "a,2,")),
    *(row(404, "GET", f"texts/{key}")
      for key in ("a,b", "~3plain", "%00", "a/b", "bulk", "x" * 41)),
    *(row(404, "GET", f"uniques/{key}")
      for key in ("x", "0" * 32, "{" + "0" * 36 + "}", "A" * 36)),
    *(row(404, "GET", f"dated/{key}") for key in ("2026-02-30", "today", "20261120", "0")),
    *(row(404, "GET", target) for target in (
        "", "/", "nope", "/api", "/api/v2/specimens", "specimens/", "specimens//1", "specimens/1/",
        "specimens/1/x", "../v1/specimens", "%2e%2e/specimens", "Specimens", "specimen", "%00",
        "openapi.json/", "x" * 60_000, "keepers/1/labels", "admin_user",
    ) if target != "/"),
    *(row(405, method, "specimens", SPECIMEN) for method in ("PUT", "TRACE")),
    *(row(400, method, "specimens", SPECIMEN) for method in ("PATCH", "DELETE")),
    *(row(405, method, "specimens/1", SPECIMEN) for method in ("POST", "X-ODD")),
    row(404, "GET", "specimens/bulk"),
    row(422, "PATCH", "specimens/bulk", SPECIMEN),
    row(415, "DELETE", "specimens/bulk"),
    row(405, "POST", "openapi.json", SPECIMEN),
    *(row(401, "GET", "specimens", authorization=each) for each in _AUTHORIZATIONS),
    Row(401, "GET", "specimens", anonymous=True),
    Row(401, "POST", "specimens", SPECIMEN.encode(), anonymous=True),
    Row(401, "PATCH", "specimens/1", SPECIMEN.encode(), anonymous=True),
    Row(401, "DELETE", "specimens/1", anonymous=True),
    Row(401, "GET", "specimens/99", anonymous=True),
    Row(401, "GET", "openapi.json", anonymous=True),
    *(row(412, "PATCH", "specimens/1", SPECIMEN, if_match=each) for each in (
        '"0"', "1", '"99"', 'W/"1"', "", '"', "\xff", '"1', "'1'", '"2", "3"', "x" * 9000)),
    row(412, "DELETE", "specimens/1", if_match='"9"'),
    row(404, "DELETE", "specimens/99", if_match='"9"'),
    row(400, "GET", "specimens", host="evil.example"),
    row(400, "GET", "specimens", host=""),
    row(400, "GET", "specimens", host=b"\xff"),
    row(400, "GET", "specimens", host="library.test@evil"),
]  # fmt: skip


def q(text: str) -> str:
    return quote(text, safe="")


_LISTS = (
    "limit=0", "limit=-1", "limit=201", "limit=x", "limit=", "limit=1.0", "limit=%2B1", "limit=1e2",
    "limit=99999999999999999999", "limit=%D9%A1", "limit=1&limit=1", "offset=x", "page=1", "skip=1",
    "cursor=x", "cursor=", "cursor=%00", "cursor=é", "cursor=" + "A" * 5000, "cursor=AAAA",
    "cursor==", "cursor=" + q("../../etc/passwd"), "count=yes", "count=", "count=EXACT",
    "count=none&count=none", "sort=nope", "sort=-", "sort=--short", "sort=short,short",
    "sort=short,-short", "sort=document", "sort=blob", "sort=tags", "sort=__table__",
    "sort=metadata", "sort=short%20desc", "sort=short;drop", "sort=" + "short," * 5000,
    "sort=" + ",".join(f"x{number}" for number in range(5000)), "sort=%00", "nope=1", "=", "=1",
    "&nope&", "short__nope=1", "short__=1", "__short=1", "short____eq=1", "short__eq__eq=1",
    "document=1", "document__eq=1", "document__contains=1", "blob=AA==", "blob__gt=AA==",
    "tags=a", "tags__in=a", "sure__gt=true", "sure__in=true", "mood__gt=calm", "mood__like=calm",
    "whole__like=1", "whole__contains=1", "whole__startswith=1", "day__like=2026", "token__like=0",
    "whole=x", "whole=", "whole=2147483648", "whole=1.0", "whole=%2B", "whole=" + "1" * 400,
    "whole=1_0", "whole=%20" + "1", "whole=%D9%A1", "whole=0x1", "small=32768", "small__lt=-32769",
    "big=9223372036854775808", "big__in=1,9223372036854775808", "big__in=1,,2",
    "big__between=1", "big__between=1,2,3", "big__between=", "big__between=a,b", "sure=1",
    "sure=True", "sure=", "flag=null", "flag__isnull=1", "flag__isnull=", "flag__isnull=TRUE",
    "exact=x", "exact=1.00001", "exact=1e400", "exact=NaN", "exact=Infinity", "exact=1e-999999999",
    "money=10000", "ratio=NaN", "ratio=inf", "ratio=1e400", "ratio=x", "ratio__gt=-Infinity",
    "single=1e39", "day=2026-02-30", "day=todays", "day=today-1x", "day=2026-13",
    "day=0000-01-01", "day__between=2026-01-01",
    "clock=24:00", "clock=12:00Z", "local=2026-01-01T00:00:00Z", "local=2026-1-1",
    "local=today+99999999999d",
    "instant=2026-01-01T00:00:00", "instant=2026-W99", "tz=Nowhere",
    "instant=0001-01-01T00:00:00%2B01:00",
    "instant=2026-01-01T00:00:00+01:00%20", "lapse=1", "lapse=P1Y", "lapse__gt=P", "mood=CALM",
    "rank=3", "rank=x", "rank=true", "rank=1.0", "colour=blue", "grade=b", "level=9", "token=x",
    "token__in=x", "short=%00", "short__contains=%00", "short__like=%00", "short__like=" + q("\\"),
    "short__ilike=" + q("%\\"), "short__like=" + q("\\\\\\"), "short=1234567890123",
    "search=%00", "search=" + "+".join("word" for _ in range(21)), "search=a&search=b",
    "short__in=" + ",".join("a" for _ in range(501)), "short__contains=" + "a" * 70_000,
    "short__like=" + q("%a" * 30_000), "search=" + "a" * 70_000,
    "text__eq=" + "a" * 200_000 + "%00",
    "short__in=" + "a" * 140_000, "&".join(f"x{number}=1" for number in range(3000)),
)  # fmt: skip
_KEEPER_LISTS = (
    "labels=a,b", "labels__in=%00", "friends=x", "friends__in=1,x", "friends__gt=1",
    "friends__isnull=x", "composites=a", "composites=a,x", "composites__in=a,1", "boss=x",
    "boss_id=x", "staff=x", "visited__gt=l~11", "passport=x", "labels.nope=x", "labels__name=x",
    "boss.name__gt=%00", "sort=labels", "sort=boss", "sort=boss.name",
    "friends__in=9223372036854775808",
)  # fmt: skip
_MANY = "&".join(
    f"{name}__{operator}=0"
    for name in ("small", "whole", "big", "exact", "money", "units", "ratio", "double", "single")
    for operator in ("eq", "ne", "lt", "lte", "gt", "gte")
)

LISTS = [
    *(row(400, "GET", f"specimens?{each}") for each in _LISTS),
    *(row(400, "GET", f"keepers?{each}") for each in _KEEPER_LISTS),
    row(200, "GET", f"specimens?{_MANY}"),
    row(400, "GET", "computing?secret=x"),
    row(400, "GET", "validated?code=abc"),
    row(200, "GET", "validated?code=ABC"),
    row(400, "GET", "computing?secret__startswith=x"),
    row(400, "GET", "computing?sort=secret"),
    row(400, "GET", "odd_names?limit__x=1"),
    row(400, "GET", "specimens/1?fields=nope"),
    row(400, "POST", "specimens?x=1", SPECIMEN),
    row(400, "PATCH", "specimens/1?x=1", SPECIMEN),
    row(400, "DELETE", "specimens/1?force=true"),
    row(200, "GET", "specimens?short__like=" + q("%\\%%")),
    row(200, "GET", "specimens?big__in="),
    row(200, "GET", "specimens?short__in=" + ",".join("a" for _ in range(500))),
    row(200, "GET", "specimens?short__contains=" + q("%_\\")),
    row(200, "GET", "specimens?search=" + q("%_\\ ' \" ; --")),
    row(200, "GET", "specimens?sort=-instant,lapse,-exact&count=exact"),
    row(200, "GET", "keepers?labels=l~11&composites__in=" + q('"a,1","a~2b~1c,-5"')),
    row(200, "GET", "odd_names?limit=3&limit__eq=3&sort=sort&sort__eq=value&cursor__isnull=true"),
]  # fmt: skip

GROUPS: dict[str, list[Row]] = {
    "values": list(bad_values()),
    "bodies": BODIES,
    "constraints": CONSTRAINTS,
    "paths": PATHS,
    "lists": LISTS,
}
