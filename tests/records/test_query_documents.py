"""Queries as documents: what parameters say, said in JSON."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from api import zoos
from conftest import FreshSettings
from walks import filled, ids


async def test_documents(fresh_settings: FreshSettings) -> None:
    """QUERY and POST take the parameters as a document, and answer pages with their cursors."""
    async with zoos(fresh_settings) as both:
        for api in both:
            await filled(api)
            condition = {"_or": [{"small": {"lt": 0}}, {"flag__isnull": True}]}
            document = {"filter": condition, "sort": ["-small:nullsfirst", "name"], "limit": 3}
            query = urlencode({"filter": json.dumps(condition), "count": "exact"})
            expected = (await api.get(f"specimens?{query}"))["page"]["total"]
            for method, target in (("QUERY", "specimens"), ("POST", "specimens/query")):
                found: list[int] = []
                cursor = None
                while True:
                    answer = await api.call(method, target, {**document, "cursor": cursor})
                    assert answer.status == 200, answer
                    assert answer.header("link") is None
                    found += ids(answer.json["data"])
                    cursor = answer.json["page"]["next"]
                    if cursor is None:
                        break
                assert len(set(found)) == len(found) == expected
            refused = await api.call("QUERY", "specimens/1", {})
            refused.problem(405, "method_not_allowed")
            assert "QUERY" not in (refused.header("allow") or "")
            allowed = (await api.call("PUT", "specimens", {})).header("allow")
            assert allowed is not None
            assert "QUERY" in allowed
            nobody = await api.call("QUERY", "specimens", {}, anonymous=True)
            nobody.problem(401)


async def test_mistakes_in_documents(fresh_settings: FreshSettings) -> None:
    """What is wrong in a document is refused where it stands, nothing of it being guessed."""
    deep: Any = {}
    for _ in range(10):
        deep = {"_not": deep}
    cases: list[tuple[Any, str]] = [
        ({"filter": {"_or": [{"id": 1}, {"nmae": "x"}]}}, "/filter/_or/1/nmae"),
        (
            {"filter": {"boss": {"some": {"labels": {"all": {"code": 1}}}}}},
            "/filter/boss/some/labels/all/code",
        ),
        ({"filter": {"name": {"near": "x"}}}, "/filter/name/near"),
        ({"filter": {"name": {}}}, "/filter/name"),
        ({"filter": {"id": "1"}}, "/filter/id"),
        ({"filter": {"id": True}}, "/filter/id"),
        ({"filter": {"id": None}}, "/filter/id"),
        ({"filter": {"id": 10**30}}, "/filter/id"),
        ({"filter": {"id": {"in": list(range(501))}}}, "/filter/id/in"),
        ({"filter": {"id": {"between": [1]}}}, "/filter/id/between"),
        ({"filter": {"name": "\x00"}}, "/filter/name"),
        ({"filter": {"labels": {"some": []}}}, "/filter/labels/some"),
        ({"filter": {"composites": {"in": ["a,1", "nothing"]}}}, "/filter/composites/in"),
        ({"filter": {"_or": []}}, "/filter/_or"),
        ({"filter": deep}, "/filter" + "/_not" * 10),
        ({"filter": {"_and": [{"id": 1}] * 200}}, "/filter/_and/99/id"),
        ({"filter": {"_and": [{"id__in": list(range(500))}] * 11}}, "/filter/_and/10/id__in"),
        ({"filter": {"boss.boss.boss.boss.name": "x"}}, "/filter/boss.boss.boss.boss.name"),
        (
            {"filter": {"_and": [{"boss.boss.boss.name": "x"}] * 7}},
            "/filter/_and/6/boss.boss.boss.name",
        ),
        ({"sort": {"name": 1}}, "/sort"),
        ({"sort": ["nope"]}, "/sort"),
        ({"limit": "5"}, "/limit"),
        ({"count": 1}, "/count"),
        ({"cursor": 5}, "/cursor"),
        ({"search": ["x"]}, "/search"),
        ({"fliter": {}}, "/fliter"),
    ]
    async with zoos(fresh_settings) as both:
        for api in both:
            for document, pointer in cases:
                refused = await api.call("POST", "keepers/query", document)
                refused.problem(400, "bad_request")
                assert refused.pointers == [pointer], document
            for raw in (b"[]", b"{", b'{"filter":{"name":"\\ud800"}}', b"[" * 5000, b"\xff"):
                (await api.call("POST", "keepers/query", raw=raw)).problem(400, "bad_request")
