"""Trees of conditions find what they say: against the same tree, evaluated here in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

import hypothesis.strategies as st
import pytest
from api import Api, make_role, zoos
from conftest import FreshSettings
from hypothesis import HealthCheck, Phase, given, settings
from zoo import IN_REACH

from admin_app.declaration import Grant
from admin_app.records.queries.filters import MAX_DEPTH, MAX_RELATIONS, QUANTIFIERS
from admin_app.records.queries.reading import MAX_CONDITIONS, MAX_STEPS

TREES = 60
Row = dict[str, Any]
World = dict[str, dict[Any, Row]]
Truth = bool | None
"""Of SQL: true, false or null."""

LABELS = [("first", "first"), ("l/1", "first"), ("other", "other"), ("none", None)]
KEEPERS: list[tuple[str, int | None, list[str]]] = [
    ("Ana", None, ["first", "other"]),
    ("Bo", 1, []),
    ("ana", 2, ["first", "none"]),
    ("Ćiro", 2, ["none"]),
    ("B%_", 4, ["l/1", "other", "none"]),
    ("", 6, ["l/1"]),
]
FRIENDS = {1: [2, 3], 2: [2], 3: [1, 4, 5], 5: [6]}
CAGES = [("c", 1), ("d", None), ("c", 2), ("", 3), ("e", 3), ("c", 5), ("f", 6)]

RELATIONS: dict[str, dict[str, str]] = {
    "keeper": {
        "boss": "keeper",
        "staff": "keeper",
        "friends": "keeper",
        "friend_of": "keeper",
        "labels": "label",
        "cages": "cage",
    },
    "label": {"keepers": "keeper"},
    "cage": {"keeper": "keeper"},
}
NAMES = {name for relations in RELATIONS.values() for name in relations}
TEXTS = {"keeper": "name", "label": "name", "cage": "name"}
NUMBERS: dict[str, tuple[str, ...]] = {
    "keeper": ("id", "boss_id"),
    "label": (),
    "cage": ("id", "keeper_id"),
}
LINKS: dict[tuple[str, str], Callable[[Row, Row], bool]] = {
    ("keeper", "boss"): lambda row, other: row["boss_id"] == other["id"],
    ("keeper", "staff"): lambda row, other: other["boss_id"] == row["id"],
    ("keeper", "friends"): lambda row, other: other["id"] in row["friends"],
    ("keeper", "friend_of"): lambda row, other: row["id"] in other["friends"],
    ("keeper", "labels"): lambda row, other: other["code"] in row["labels"],
    ("keeper", "cages"): lambda row, other: other["keeper_id"] == row["id"],
    ("label", "keepers"): lambda row, other: row["code"] in other["labels"],
    ("cage", "keeper"): lambda row, other: row["keeper_id"] == other["id"],
}
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "gte": operator.ge,
    "in": lambda value, these: value in these,
    "nin": lambda value, these: value not in these,
    "between": lambda value, ends: ends[0] <= value <= ends[1],
    "contains": lambda value, part: part in value,
    "startswith": lambda value, part: value.startswith(part),
    "ilike": lambda value, part: part.strip("%").lower() in value.lower(),
}


def negated(truth: Truth) -> Truth:
    return None if truth is None else not truth


def every(truths: Iterable[Truth]) -> Truth:
    found = list(truths)
    return False if False in found else None if None in found else True


def some(truths: Iterable[Truth]) -> Truth:
    return negated(every(negated(each) for each in truths))


class Seen:
    """The world as somebody sees it: ``rows`` with what is masked, ``whole`` with what is there."""

    def __init__(self, whole: World, *, ruled: bool) -> None:
        self.whole = whole
        classes = {"keeper": "Keeper", "label": "Label", "cage": "Cage"}
        self.keys = {
            name: {key for key, row in rows.items() if not ruled or IN_REACH[classes[name]](row)}
            for name, rows in whole.items()
        }
        self.rows = {
            name: {key: self.masked(row) for key, row in rows.items()}
            for name, rows in whole.items()
        }

    def masked(self, row: Row) -> Row:
        hidden = {
            name
            for name in ("boss_id", "keeper_id")
            if name in row and row[name] not in self.keys["keeper"]
        }
        return {**row, **dict.fromkeys(hidden)}

    def found(self, tree: Any) -> list[Any]:
        """The keys of the keepers that a tree holds for."""
        return [key for key in sorted(self.keys["keeper"]) if self.holds("keeper", key, tree)]

    def holds(self, resource: str, key: Any, tree: Any) -> Truth:
        return every(self.member(resource, key, *each) for each in tree.items())

    def member(self, resource: str, key: Any, name: str, value: Any) -> Truth:
        if name == "_not":
            return negated(self.holds(resource, key, value))
        if name in {"_and", "_or"}:
            parts = (self.holds(resource, key, each) for each in value)
            return every(parts) if name == "_and" else some(parts)
        if name in RELATIONS[resource]:
            return every(self.related(resource, key, name, *each) for each in value.items())
        return every(self.compared(resource, key, name, *each) for each in value.items())

    def compared(self, resource: str, key: Any, name: str, word: str, value: Any) -> Truth:
        found = self.rows[resource][key][name]
        if word == "isnull":
            return bool((found is None) == value)
        return None if found is None else COMPARED[word](found, value)

    def related(self, resource: str, key: Any, name: str, word: str, value: Any) -> Truth:
        target = RELATIONS[resource][name]
        row = self.whole[resource][key]
        linked = [
            other
            for other in self.keys[target]
            if LINKS[resource, name](row, self.whole[target][other])
        ]
        if word == "isnull":
            return bool((not linked) == value)
        if word in {"eq", "in"}:
            return any(other in (value if word == "in" else [value]) for other in linked)
        truths = [self.holds(target, other, value) is True for other in linked]
        return {"some": any(truths), "none": not any(truths), "all": all(truths)}[word]


TEXT = st.sampled_from(["Ana", "ana", "Bo", "B%_", "", "first", "c", "Ć", "n"])
SMALL = st.integers(0, 7)
TEXTUAL: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("eq", "ne", "contains", "startswith"), TEXT),
    **dict.fromkeys(("in", "nin"), st.lists(TEXT, max_size=3)),
    "ilike": TEXT.filter(lambda text: "_" not in text).map("%{}%".format),
    "isnull": st.booleans(),
}
NUMERIC: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("lt", "gte", "ne"), SMALL),
    "between": st.lists(SMALL, min_size=2, max_size=2),
    "isnull": st.booleans(),
}
KEYS = {"label": st.sampled_from(["first", "none"])}


@st.composite
def trees(draw: st.DrawFn, resource: str, relations: int = 0, depth: int = 1) -> Any:
    """A tree of conditions on a resource, as JSON data."""
    ways = ["compared", "compared"]
    ways += ["related"] * 3 if relations < MAX_RELATIONS else []
    ways += ["_not", "_or", "_and"] if depth < MAX_DEPTH // 2 else []
    way = draw(st.sampled_from(ways))
    inner = trees(resource, relations, depth + 1)
    match way:
        case "_not":
            return {way: draw(inner)}
        case "_or" | "_and":
            return {way: draw(st.lists(inner, min_size=1, max_size=2))}
        case "related":
            name, target = draw(st.sampled_from(list(RELATIONS[resource].items())))
            return {name: draw(related(target, relations + 1, depth + 1))}
        case _:
            name = draw(st.sampled_from([TEXTS[resource], *NUMBERS[resource]]))
            known = TEXTUAL if name == TEXTS[resource] else NUMERIC
            words = draw(st.lists(st.sampled_from(list(known)), min_size=1, max_size=2))
            return {name: {word: draw(known[word]) for word in words}}


@st.composite
def related(draw: st.DrawFn, target: str, relations: int, depth: int) -> Any:
    word = draw(st.sampled_from([*QUANTIFIERS, *QUANTIFIERS, "eq", "in", "isnull"]))
    key = KEYS.get(target, st.integers(1, 6))
    match word:
        case "isnull":
            return {word: draw(st.booleans())}
        case "eq":
            return {word: draw(key)}
        case "in":
            return {word: draw(st.lists(key, max_size=2))}
        case _:
            return {word: draw(trees(target, relations, depth))}


def fits(tree: Any) -> bool:
    """Whether a request has room for a tree."""
    conditions = steps = deepest = 0
    left = [(tree, 1)]
    while left:
        found, depth = left.pop()
        conditions += len(found)
        deepest = max(deepest, depth)
        for name, value in found.items():
            if name == "_not":
                left.append((value, depth + 1))
            elif name in {"_and", "_or"}:
                left += [(each, depth + 1) for each in value]
            elif name in NAMES:
                steps += len(value)
                left += [(each, depth + 1) for word, each in value.items() if word in QUANTIFIERS]
            else:
                conditions += len(value)
    return conditions <= MAX_CONDITIONS and steps <= MAX_STEPS and deepest <= MAX_DEPTH


def drawn() -> list[Any]:
    """Trees that a request has room for."""
    found: list[Any] = []

    @settings(
        max_examples=2 * TREES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(trees("keeper"))
    def draw(tree: Any) -> None:
        if fits(tree):
            found.append(tree)

    draw()
    return found[-TREES:]


async def filled(api: Api) -> World:
    for code, name in LABELS:
        await api.add("labels", {"code": code, "name": name})
    for name, _, labels in KEEPERS:
        await api.add("keepers", {"name": name, "boss_id": None, "labels": labels})
    for key, (_, boss, _) in enumerate(KEEPERS, 1):
        links = {"boss_id": boss, "friends": FRIENDS.get(key, [])}
        assert (await api.call("PATCH", f"keepers/{key}", links)).status == 200
    for name, keeper in CAGES:
        await api.add("cages", {"name": name, "keeper_id": keeper})
    return {
        "keeper": {row["id"]: row for row in (await api.get("keepers"))["data"]},
        "label": {row["code"]: row for row in (await api.get("labels"))["data"]},
        "cage": {row["id"]: row for row in (await api.get("cages"))["data"]},
    }


@pytest.mark.slow
async def test_trees(fresh_settings: FreshSettings) -> None:
    """Whatever is asked, of everything or of the rows of rules, what is true of them is found."""
    asked = drawn()
    assert len(asked) == TREES
    async with zoos(fresh_settings) as both:
        for api in both:
            world = await filled(api)
            grants = [Grant(name, "read", "some") for name in world]
            await make_role(api.database, "some", *grants)
            everything = api.token
            ruled = await api.token_of("una", "some")
            sizes = set()
            for token, seen in (
                (everything, Seen(world, ruled=False)),
                (ruled, Seen(world, ruled=True)),
            ):
                api.token = token
                for tree in asked:
                    answer = await api.call("POST", "keepers/query", {"filter": tree})
                    assert answer.status == 200, (tree, answer)
                    found = [row["id"] for row in answer.json["data"]]
                    assert found == seen.found(tree), tree
                    sizes.add(len(found))
            assert len(sizes) > 4
