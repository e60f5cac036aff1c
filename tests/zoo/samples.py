"""Values to put into the zoo: records as JSON data, in the form in which they are answered."""

from __future__ import annotations

import base64
from typing import Any

Wire = dict[str, Any]

_DEEP: Any = []
for _ in range(62):
    _DEEP = [_DEEP]

_KINDS: dict[str, list[Any]] = {
    "short": [
        "plain",
        "é" * 12,
        "🦉🦉🦉",
        "e\u0301",
        " ",
        "<b>&amp;</b>",
        "'; --",
        "%_\\",
        "\ufeffbom",
    ],
    "sure": [True, False],
    "small": [0, -(2**15), 2**15 - 1, None],
    "whole": [0, -(2**31), 2**31 - 1, None],
    "big": [0, -(2**63), 2**63 - 1, 2**53 + 1, None],
    "name": ["", "  two  spaces ", "Ω≈ç√∫µ≤≥÷", "\u202eright to left", "null", "🇵🇹👩‍👩‍👧", None],
    "text": ["", "line\nline\r\ntab\t", "\u2028\u0085\x7f\x01", "=1+1", "x" * 5000, None],
    "flag": [True, False, None],
    "exact": ["0.0000", "-0.0001", "99999999999999.9999", "-99999999999999.9999", "12.5000", None],
    "money": ["0.00", "9999.99", "-9999.99", "0.01", None],
    "units": ["0", "999999999999999999", "-999999999999999999", None],
    "ratio": [0.0, -1.5, 0.1, 1.7976931348623157e308, 5e-324, 1e16, 123456789.12345678, None],
    "double": [0.0, 0.30000000000000004, -2.2250738585072014e-308, 1e-7, None],
    "single": [0.0, 0.5, 3.4028234663852886e38, 0.10000000149011612, -16777216.0, None],
    "day": ["2026-11-20", "0001-01-01", "9999-12-31", "2024-02-29", "0999-12-31", None],
    "clock": ["00:00:00", "23:59:59.999999", "12:30:00", "00:00:00.000001", None],
    "local": [
        "2026-11-20T14:30:00",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59.999999",
        "2026-03-29T02:30:00",
        None,
    ],
    "instant": [
        "2026-11-20T14:30:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
        "1969-12-31T23:59:59.500000Z",
        None,
    ],
    "lapse": ["P1DT2H30M", "PT0S", "-P1DT1S", "PT0.000001S", "-P719162D", "P2932896D", None],
    "mood": ["calm", "wild & free", None],
    "size": ["S", "L", None],
    "rank": [1, 2, None],
    "colour": ["red", "deep blue", "grün", None],
    "grade": ["a", "b+", "c", None],
    "level": [1, 2, 3, None],
    "document": [
        {},
        [],
        "",
        "text",
        0,
        -(2**63),
        [1.5],
        True,
        False,
        {"b": 1, "a": [None, {"": "é🦉"}], "n": 1.0, "big": 2**70, "exp": 1e300, "zero": -0.0},
        _DEEP,
        None,
    ],
    "token": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-4fff-bfff-ffffffffffff", None],
    "blob": ["", base64.b64encode(bytes(range(64))).decode(), "AA==", None],
    "tags": [[], ["one", "", 'q"u,o{te}', "NULL", "🦉"], None],
    "numbers": [[], [0, -(2**31), 2**31 - 1], None],
}


def _specimens() -> list[Wire]:
    """As many records as the longest list of values; the shorter lists repeat."""
    count = max(len(values) for values in _KINDS.values())
    return [
        {name: values[index % len(values)] for name, values in _KINDS.items()}
        for index in range(count)
    ]


def _odd_name(text: str | None, number: int | None) -> Wire:
    texts = (
        "meta sort cursor search errors process populate_obj copy schema model_config model_fields"
        " key keys items csrf_token select q"
    )
    numbers = ("limit", "offset", "page", "count", "größe")
    return {
        **dict.fromkeys(texts.split(), text),
        **dict.fromkeys(numbers, number),
        "data": text or "",
        "validate": None if number is None else number > 0,
        "json": None if number is None else {"json": number},
    }


KEY_TEXTS = (
    "plain", "a/b", "a,b", "a b", ".", "..", "...", "query", "bulk", "create", "aggregate", "~",
    "actions", "~0", "~3query", "", " ", "%2F", "a?b", "a#b", "a+b", "a&b=c", "é🦉", "openapi.json",
    "'\"",
    "<x>", ";", "a\\b", "new", "0", "\u202e",
)  # fmt: skip

_RECORDS: dict[str, list[Wire]] = {
    "specimen": _specimens(),
    "odd_name": [_odd_name("value", 3), _odd_name("", 0), _odd_name(None, None)],
    "renamed": [
        {"label": "one", "first": "first", "second": "second"},
        {"label": "", "first": None, "second": ""},
    ],
    "unique": [
        {"id": "00000000-0000-0000-0000-000000000000", "name": "given"},
        {"id": "0193a0e5-7b1c-7c3e-8f00-000000000001", "name": None},
    ],
    "text": [{"code": each, "name": each or None} for each in KEY_TEXTS],
    "dated": [{"day": "2026-11-20", "name": "x"}, {"day": "0001-01-01", "name": None}],
    "composite": [
        {"room": "a", "number": 1, "name": "one"},
        {"room": "a,b/c", "number": -5, "name": None},
        {"room": "", "number": 0, "name": ""},
        {"room": "..", "number": 2**31 - 1, "name": "~"},
    ],
    "part": [
        {"room": "a", "number": 1, "position": 1, "name": "x"},
        {"room": "a,b/c", "number": -5, "position": 0, "name": None},
    ],
    "ruled": [
        {"code": "one", "name": "n", "town": "t", "street": "s", "low": 1, "high": 2, "owner": "o"},
        {
            "code": "two",
            "name": None,
            "town": None,
            "street": None,
            "low": None,
            "high": None,
            "owner": None,
        },
    ],
    "computing": [{"name": "abc", "price": "1.50", "amount": 60, "note": None}],
    "unversioned": [{"name": "x", "number": 1}, {"name": None, "number": 0}],
    "validated": [
        {"email": "a@example.org", "even": 2, "code": "ABC"},
        {"email": "b@example.org", "even": None, "code": None},
    ],
    "label": [{"code": "l/1", "name": "first"}, {"code": "query", "name": None}],
    "keeper": [
        {
            "name": "Ana",
            "boss_id": None,
            "labels": ["l/1", "query"],
            "composites": ["a,1", "a~2b~1c,-5"],
            "friends": [],
            "friend_of": [],
        },
        {
            "name": "Bo",
            "boss_id": 1,
            "labels": [],
            "composites": [],
            "friends": [1],
            "friend_of": [1],
        },
    ],
    "folder": [{"name": "root", "parent_id": None}, {"name": "child", "parent_id": 1}],
    "passport": [{"number": "P1", "keeper_id": 1}],
    "cage": [
        {"name": "c", "keeper_id": 1, "room": "a", "number": 1},
        {"name": "d", "keeper_id": None, "room": None, "number": None},
    ],
    "loan": [{"name": "book", "keeper_id": 1}],
    "sheet": [
        {"number": 1, "mark": "m", "owner": "ann", "follows_id": None, "staples": []},
        {"number": 2, "mark": None, "owner": None, "follows_id": 1, "staples": []},
    ],
    "staple": [{"name": "s", "sheets": [1, 2]}],
    "lamp": [
        {"name": "desk", "level": 3, "owner": "ann"},
        {"name": "hall", "level": 0, "owner": None},
    ],
    "visit": [{"keeper_id": 1, "label_code": "l/1", "note": "once"}],
}

RESOURCES = tuple(_RECORDS)
"""Every resource, each after those it refers to."""


def sample(resource: str) -> list[Wire]:
    """Records of a resource as JSON data, each as it will be answered.

    Created in the order of ``RESOURCES`` in an empty database they all find what they refer to.
    """
    return [dict(each) for each in _RECORDS[resource]]
