"""What the document describes, sent wrong: both databases say the same, and nothing breaks."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice
from typing import Any

import pytest
from api import Answer, Api, zoos
from conftest import FreshSettings
from corpus import Case, cases
from survived import fill, still_reads

MODELS = ("zoo", "admin_app.models")
STEP = 61
"""One case in so many is sent; a prime, so that it is not always the same text or header."""


def verdict(answer: Answer) -> Any:
    """What an answer says, without what differs from one run to the next."""
    if answer.status < 400:
        return answer.status
    found = answer.json
    if found["code"] == "unique_violation":
        return answer.status  # Of two at once, each database tells of the one it looked at first.
    return (
        answer.status,
        found["code"],
        [(each["pointer"], each["code"]) for each in found.get("errors", ())],
    )


def fault(document: Any, case: Case, answer: Answer) -> str:
    """What is wrong with an answer, whichever database it comes from."""
    operation = document["paths"][case.path].get(case.method.lower(), {})
    if answer.status >= 500:
        return f"{answer.status}"
    if answer.status >= 400:
        answer.problem(answer.status)
    if str(answer.status) not in operation["responses"]:
        return f"{answer.status} is not documented"
    words = answer.body[:100_000].decode(errors="replace").lower() if answer.status >= 400 else ""
    leak = re.search(r"sqlalchemy|asyncpg|sqlite3|traceback|insert into", words)
    return f"{leak[0]} in the answer" if leak else ""


@pytest.mark.slow
async def test_hostile_corpus(fresh_settings: FreshSettings) -> None:
    """Thousands of requests: no 5xx, only documented answers, the same on both databases."""
    faults: list[str] = []
    seen: Counter[int] = Counter()
    async with zoos(fresh_settings, models=MODELS) as both:
        for api in both:
            await fill(api)
        document = await both[0].get("openapi.json")
        # Those would end the token that all the others are sent with.
        whole = (each for each in cases(document) if "/access/tokens/{key}" not in each.path)
        sent = list(islice(whole, 0, None, STEP))
        for case in sent:
            answers = [await send(api, case) for api in both]
            faults += [
                f"{api.database.dialect}: {found}: {case}: {answer.body[:300]!r}"
                for api, answer in zip(both, answers, strict=True)
                if (found := fault(document, case, answer))
            ]
            first, second = map(verdict, answers)
            if first != second:
                faults.append(f"{first} on SQLite, {second} on PostgreSQL: {case}")
            seen[answers[0].status] += 1
        for api in both:
            await still_reads(api)
            for resource in api.registry.values():
                if not resource.own:
                    await api.get(resource.plural)
    assert len(sent) >= 1_500, len(sent)
    assert {200, 400, 404, 422} <= set(seen), seen
    assert not faults, "\n".join([f"{len(faults)} of {len(sent)}", *faults[:60]])


async def send(api: Api, case: Case) -> Answer:
    return await api.call(case.method, case.target, raw=case.raw, headers=case.headers)


def test_it_covers_the_document() -> None:
    """Each place of an operation is filled: path, query, headers, body and its members."""
    body = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    parameters = [{"in": "path", "name": "key"}, {"in": "query", "name": "q"}]
    operation = {
        "parameters": parameters,
        "requestBody": {"content": {"application/json": {"schema": body}}},
    }
    made = list(cases({"paths": {"/x/{key}": {"patch": operation}}}))
    assert {each.method for each in made} == {"PATCH"}
    assert any(each.target.startswith("/x/%27") for each in made)
    assert any("?q=%27" in each.target for each in made)
    assert any(dict(each.headers).get("Prefer") == "tx=maybe" for each in made)
    assert any(each.raw == json.dumps({"a": {}}).encode() for each in made)
    assert len({repr(each) for each in made}) == len(made)
