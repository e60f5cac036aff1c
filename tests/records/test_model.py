"""The API beside a dictionary: whatever is done, in whatever order, both hold the same.

Hypothesis thinks of the steps. After each the lists are walked page by page and compared with the
model in plain Python, relations from both their ends, and versions have only risen.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from api import Answer, Api, zoo_on
from conftest import KINDS, FreshSettings, Kind
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from admin_app.declaration.keys import join_key

T = TypeVar("T")
CODES = ("a", "b/c", "query", "é,")
NAMES = ("one", "two", "", None)

codes = st.sampled_from(CODES)
names = st.sampled_from(NAMES)
some_codes = st.lists(codes, unique=True, max_size=3)
numbers = st.integers(0, 5)


@dataclass
class Keeper:
    """A keeper, as the model knows them."""

    name: str
    labels: set[str] = field(default_factory=set)


class Zoo(RuleBasedStateMachine):
    """Labels with keys of their own, and keepers with keys of the database, linked."""

    def __init__(self, runner: asyncio.Runner, api: Api) -> None:
        super().__init__()
        self.runner = runner
        self.api = api
        self.labels: dict[str, str | None] = {}
        self.keepers: dict[int, Keeper] = {}
        self.versions: dict[str, int] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def call(self, method: str, target: str, body: object = None, **headers: str) -> Answer:
        given = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self.run(self.api.call(method, target, body, headers=given))

    def label(self, code: str) -> str:
        return f"labels/{quote(join_key([code]), safe='')}"

    def keeper(self, number: int) -> int:
        """One of the keepers there are, or one that is not there."""
        known = sorted(self.keepers)
        return known[number % len(known)] if known else 10**6

    def known(self, wanted: list[str]) -> bool:
        return all(each in self.labels for each in wanted)

    @initialize()
    def emptied(self) -> None:
        for plural in ("keepers", "labels"):
            for row in self.run(self.api.walk(plural)):
                name = plural.removesuffix("s")
                assert self.call("DELETE", self.api.address(name, row)).status == 204

    @rule(code=codes, name=names)
    def create_label(self, code: str, name: str | None) -> None:
        answer = self.call("POST", "labels", {"code": code, "name": name})
        if code in self.labels:
            answer.problem(409, "unique_violation")
        else:
            assert answer.status == 201, answer
            self.labels[code] = name

    @rule(code=codes, name=names)
    def put_label(self, code: str, name: str | None) -> None:
        body = {} if name is None else {"name": name}
        answer = self.call("PUT", self.label(code), {"code": code, **body})
        assert answer.status == (200 if code in self.labels else 201), answer
        self.labels[code] = name

    @rule(code=codes, name=names, ignore=st.booleans())
    def upsert_label(self, code: str, name: str | None, ignore: bool) -> None:
        body = {"code": code} if name is None else {"code": code, "name": name}
        prefer = f"resolution={'ignore' if ignore else 'merge'}-duplicates"
        answer = self.call("POST", "labels?on_conflict=code", body, prefer=prefer)
        assert answer.status == (200 if code in self.labels else 201), answer
        if code not in self.labels or (name is not None and not ignore):
            self.labels[code] = name

    @rule(code=codes)
    def delete_label(self, code: str) -> None:
        answer = self.call("DELETE", self.label(code))
        assert answer.status == (204 if code in self.labels else 404), answer
        self.labels.pop(code, None)
        for each in self.keepers.values():
            each.labels.discard(code)

    @rule(name=st.sampled_from(("Ana", "Bo")), labels=some_codes, twice=st.booleans())
    def create_keeper(self, name: str, labels: list[str], twice: bool) -> None:
        body = {"name": name, "labels": labels}
        headers = {"idempotency_key": uuid.uuid4().hex} if twice else {}
        answer = self.call("POST", "keepers", body, **headers)
        if not self.known(labels):
            answer.problem(422)
            return
        assert answer.status == 201, answer
        if twice:
            again = self.call("POST", "keepers", body, **headers)
            assert (again.status, again.body) == (201, answer.body)
        self.keepers[answer.json["id"]] = Keeper(name, set(labels))

    @rule(number=numbers, labels=some_codes)
    def set_labels(self, number: int, labels: list[str]) -> None:
        key = self.keeper(number)
        answer = self.call("PATCH", f"keepers/{key}", {"labels": labels})
        if key in self.keepers and self.known(labels):
            assert answer.status == 200, answer
            self.keepers[key].labels = set(labels)
        else:
            answer.problem(422 if key in self.keepers else 404)

    @rule(number=numbers, add=some_codes, remove=some_codes)
    def edit_labels(self, number: int, add: list[str], remove: list[str]) -> None:
        key = self.keeper(number)
        add = [each for each in add if each in self.labels and each not in remove]
        held = self.keepers[key].labels if key in self.keepers else set()
        remove = [each for each in remove if each in held]
        edit = {"labels": {"add": add, "remove": remove}}
        answer = self.call("PATCH", f"keepers/{key}", edit)
        assert answer.status == (200 if key in self.keepers else 404), answer
        if key in self.keepers:
            self.keepers[key].labels = (held | set(add)) - set(remove)

    @rule(number=numbers)
    def delete_keeper(self, number: int) -> None:
        key = self.keeper(number)
        answer = self.call("DELETE", f"keepers/{key}")
        assert answer.status == (204 if self.keepers.pop(key, None) else 404), answer

    @rule(several=st.lists(some_codes, min_size=1, max_size=4), atomic=st.booleans())
    def create_keepers(self, several: list[list[str]], atomic: bool) -> None:
        items = [{"name": f"K{at}", "labels": each} for at, each in enumerate(several)]
        target = "keepers/bulk" if atomic else "keepers/bulk?atomic=false"
        answer = self.call("POST", target, {"items": items})
        good = [self.known(each) for each in several]
        if atomic and not all(good):
            answer.problem(422)
            return
        assert answer.status == 200, answer
        results = answer.json["items"]
        assert [each["status"] for each in results] == [201 if each else 422 for each in good]
        for each, item in zip(results, items, strict=True):
            if each["status"] == 201:
                made = Keeper(str(item["name"]), set(item["labels"]))
                self.keepers[each["data"]["id"]] = made

    @precondition(lambda self: self.keepers)
    @rule(number=numbers, body=st.sampled_from(({"name": "Dry"}, {"labels": []})))
    def rehearse(self, number: int, body: Any) -> None:
        """Whatever is only tried leaves nothing behind: the invariant sees to it."""
        key = self.keeper(number)
        for method, given in (("PATCH", body), ("DELETE", None)):
            answer = self.call(method, f"keepers/{key}", given, prefer="tx=rollback")
            assert answer.status == 200, answer
        assert self.call("POST", "keepers", {"name": "x"}, prefer="tx=rollback").status == 200

    @precondition(lambda self: self.keepers)
    @rule(number=numbers, writers=st.integers(2, 4))
    def race(self, number: int, writers: int) -> None:
        """Of several who change what they have read, one wins."""
        key = self.keeper(number)
        etag = self.call("GET", f"keepers/{key}").header("etag") or ""

        async def write(at: int) -> Answer:
            body = {"name": f"{self.keepers[key].name[:8]}{at}"}
            return await self.api.call(
                "PATCH", f"keepers/{key}", body, headers=[("if-match", etag)]
            )

        async def all_at_once() -> list[Answer]:
            return list(await asyncio.gather(*map(write, range(writers))))

        answers = self.run(all_at_once())
        assert Counter(each.status for each in answers) == {200: 1, 412: writers - 1}
        (won,) = [each.json for each in answers if each.status == 200]
        self.keepers[key].name = won["name"]

    @invariant()
    def same(self) -> None:
        labels = self.run(self.api.walk("labels?limit=2&sort=-name"))
        assert {each["code"]: each["name"] for each in labels} == self.labels
        keepers = self.run(self.api.walk("keepers?limit=2&sort=name"))
        found = {each["id"]: Keeper(each["name"], set(each["labels"])) for each in keepers}
        assert found == self.keepers
        for each in labels:
            held = {key for key, one in self.keepers.items() if each["code"] in one.labels}
            assert set(each["keepers"]) == held
        self.risen({f"keeper {each['id']}": each["version"] for each in keepers})

    def risen(self, versions: dict[str, int]) -> None:
        for name, version in versions.items():
            assert version >= self.versions.get(name, 0), name
        self.versions = versions

    @precondition(lambda self: self.labels)
    @invariant()
    def filtered(self) -> None:
        for code in self.labels:
            held = {key for key, one in self.keepers.items() if code in one.labels}
            found = self.run(self.api.walk(f"keepers?labels.code={quote(code, safe='')}&fields=id"))
            assert {each["id"] for each in found} == held


def explore(fresh: FreshSettings, kind: Kind, **options: Any) -> None:
    """Let hypothesis try to find steps after which the two differ."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        stack = AsyncExitStack()
        api = runner.run(stack.enter_async_context(zoo_on(fresh, kind)))
        try:
            run_state_machine_as_test(
                lambda: Zoo(runner, api),  # type: ignore[arg-type]
                settings=settings(
                    deadline=None, suppress_health_check=list(HealthCheck), **options
                ),
            )
        finally:
            runner.run(stack.aclose())


@pytest.mark.parametrize("kind", KINDS)
def test_model(fresh_settings: FreshSettings, kind: Kind) -> None:
    """After any steps the API holds what a dictionary would."""
    explore(fresh_settings, kind, max_examples=3, stateful_step_count=15)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_model_at_length(fresh_settings: FreshSettings, kind: Kind) -> None:
    """The same for many more."""
    explore(fresh_settings, kind, max_examples=60, stateful_step_count=40)
