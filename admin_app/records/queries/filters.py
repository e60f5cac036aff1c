"""The grammar of filters: one parameter of a query string, or a tree of conditions in JSON.

A name leads through relations, with a quantifier where it matters, to a field or a relation and
ends with an operator: ``year__lt``, ``authors.name__ilike``, ``comments__none.stars__gte``. In JSON
the same names stand as members, the operators inside or in the name: ``{"year": {"lt": 1900}}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from admin_app.declaration import Field, Relation, Resource
from admin_app.errors import BadRequestError
from admin_app.records.queries.conditions import (
    TRUE,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    KeyIn,
    Not,
    Quantifier,
    Related,
)
from admin_app.records.queries.operands import (
    flag,
    json_flag,
    json_key,
    json_list,
    json_operand,
    operand,
    split,
    text_key,
)
from admin_app.records.queries.operators import RELATION, operators_of
from admin_app.records.queries.periods import is_period
from admin_app.records.queries.reading import MAX_NAME, Path, Reading

QUANTIFIERS: tuple[Quantifier, ...] = get_args(Quantifier)
COMBINATIONS = ("_and", "_or", "_not")
MAX_RELATIONS = 3
"""Relations that one filter goes through, one inside the other."""
MAX_DEPTH = 10
"""Levels that a tree of conditions may nest."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A name, resolved."""

    steps: tuple[tuple[Relation, Quantifier], ...]
    target: Field | Relation
    operator: str
    """Empty where the name says none."""

    def reached(self, condition: Condition) -> Condition:
        """Wrap a condition on the target in the steps that lead there."""
        for relation, quantifier in reversed(self.steps):
            condition = Related(relation, quantifier, condition)
        return condition


def filter_of(
    reading: Reading,
    resource: Resource,
    name: str,
    text: str,
    parameters: Sequence[str] = (),
) -> Condition | None:
    """Read one parameter of a query string; ``parameters`` are known beside the names of fields."""
    path: Path = (name,)
    named = _named(reading, resource, name, path, 0, ("unknown_parameter", parameters))
    if named is None:
        return None
    target, operator = named.target, named.operator or "eq"
    if not _allowed(reading, path, target, operator, operators_for(target)):
        return None
    try:
        if isinstance(target, Relation):
            condition, values = _by_key(reading, target, operator, text)
        else:
            value = operand(target, operator, text)
            condition, values = _compared(reading, target, operator, value)
    except BadRequestError as error:
        reading.refuse_value(path, error)
        return None
    reading.count_condition(path, values, len(named.steps) + isinstance(target, Relation))
    return named.reached(condition)


def condition_of(
    reading: Reading,
    resource: Resource,
    data: Any,
    path: Path,
    *,
    depth: int = 0,
    relations: int = 0,
) -> Condition | None:
    """Read a tree of conditions on ``resource`` from JSON data; none where something is wrong.

    ``relations`` were gone through to get here.
    """
    if not isinstance(data, dict):
        reading.refuse(path, "bad_value", "Give an object of conditions.")
        return None
    if depth >= MAX_DEPTH:
        reading.refuse(path, "too_deep", f"At most {MAX_DEPTH} levels of conditions.")
        return None
    if not data:
        reading.count_condition(path, 0)  # Nothing to compare, and no less to keep.
    tree = _Tree(reading, resource, depth, relations)
    return _all_of([tree.member(name, value, (*path, name)) for name, value in data.items()])


@dataclass(frozen=True, slots=True)
class _Tree:
    """One level of a tree of conditions."""

    reading: Reading
    resource: Resource
    depth: int
    relations: int

    def member(self, name: str, value: Any, path: Path) -> Condition | None:
        if name == "_not":
            self.reading.count_condition(path, 0)
            inner = self.below(value, path)
            return None if inner is None else Not(inner)
        if name in COMBINATIONS:
            return self.combination(name, value, path)
        named = _named(
            self.reading,
            self.resource,
            name,
            path,
            self.relations,
            ("unknown_field", COMBINATIONS),
        )
        if named is None:
            return None
        found = _all_of([self.leaf(named, *each) for each in self.operations(named, value, path)])
        return None if found is None else named.reached(found)

    def below(self, data: Any, path: Path) -> Condition | None:
        return condition_of(
            self.reading,
            self.resource,
            data,
            path,
            depth=self.depth + 1,
            relations=self.relations,
        )

    def combination(self, name: str, value: Any, path: Path) -> Condition | None:
        if not isinstance(value, list) or not value:
            self.reading.refuse(path, "bad_value", "Give a list of conditions.")
            return None
        self.reading.count_condition(path, 0)
        found = []
        for place, each in enumerate(value):
            if self.reading.full:
                return None
            found.append(self.below(each, (*path, place)))
        whole = tuple(each for each in found if each is not None)
        if len(whole) < len(found):
            return None
        return AllOf(whole) if name == "_and" else AnyOf(whole)

    def operations(self, named: _Named, value: Any, path: Path) -> Iterator[tuple[str, Any, Path]]:
        """Operators with their operands, and where each stands."""
        if named.operator or not isinstance(value, Mapping):
            yield named.operator or "eq", value, path
            return
        if not value:
            known = ", ".join(self.operators(named.target))
            self.reading.refuse(path, "bad_value", f"Give one of {known}.")
        for operator, each in value.items():
            yield operator, each, (*path, operator)

    def operators(self, target: Field | Relation) -> tuple[str, ...]:
        known = operators_for(target)
        return (*known, *QUANTIFIERS) if isinstance(target, Relation) else known

    def leaf(self, named: _Named, operator: str, value: Any, path: Path) -> Condition | None:
        target = named.target
        if not _allowed(self.reading, path, target, operator, self.operators(target)):
            return None
        for quantifier in QUANTIFIERS:
            if isinstance(target, Relation) and operator == quantifier:
                return self.related(named, target, quantifier, value, path)
        steps = len(named.steps) + isinstance(target, Relation)
        try:
            if isinstance(target, Relation):
                condition, values = _by_json_key(self.reading, target, operator, value)
            else:
                read = json_operand(target, operator, value)
                condition, values = _compared(self.reading, target, operator, read)
        except BadRequestError as error:
            self.reading.refuse_value(path, error)
            return None
        self.reading.count_condition(path, values, steps)
        return condition

    def related(
        self, named: _Named, relation: Relation, quantifier: Quantifier, value: Any, path: Path
    ) -> Condition | None:
        gone = self.relations + len(named.steps) + 1
        if not _near_enough(self.reading, path, gone):
            return None
        self.reading.count_condition(path, 0, len(named.steps) + 1)
        inner = condition_of(
            self.reading,
            self.reading.registry.target(relation),
            value,
            path,
            depth=self.depth + 1,
            relations=gone,
        )
        return None if inner is None else Related(relation, quantifier, inner)


def names_of(resource: Resource) -> tuple[str, ...]:
    """What a filter on the resource can begin with."""
    return (*resource.readable, *resource.relations)


def operators_for(target: Field | Relation) -> tuple[str, ...]:
    """The operators that a field or relation takes in a query string."""
    return RELATION if isinstance(target, Relation) else operators_of(target.kind)


def _named(
    reading: Reading,
    resource: Resource,
    name: str,
    path: Path,
    relations: int,
    unknown: tuple[str, Sequence[str]],
) -> _Named | None:
    """Resolve a name on ``resource``; none, and refused, where a part of it is not there."""
    code, others = unknown
    steps: list[tuple[Relation, Quantifier]] = []
    *before, last = name.split(".")
    if not _near_enough(reading, path, relations + len(before)):
        return None
    for segment in before:
        step = step_of(resource, segment)
        if step is None:
            known = resource.relations if steps else (*others, *names_of(resource))
            reading.refuse_unknown(path, code, _stem(segment), known)
            return None
        steps.append(step)
        resource, others = reading.registry.target(step[0]), ()
    target, operator = target_of(resource, last)
    if target is None:
        reading.refuse_unknown(path, code, _stem(last), (*others, *names_of(resource)))
        return None
    return _Named(tuple(steps), target, operator)


def step_of(resource: Resource, segment: str) -> tuple[Relation, Quantifier] | None:
    """The relation that a part of a name leads through, and its quantifier."""
    if segment in resource.relations:
        return resource.relations[segment], "some"
    name, _, word = segment.rpartition("__")
    for quantifier in QUANTIFIERS:
        if word == quantifier and name in resource.relations:
            return resource.relations[name], quantifier
    return None


def target_of(resource: Resource, name: str) -> tuple[Field | Relation | None, str]:
    """What the end of a name stands for, and its operator, empty where it says none."""
    known: dict[str, Field | Relation] = {**resource.readable, **resource.relations}
    if name in known:
        return known[name], ""
    attribute, _, operator = name.rpartition("__")
    return known.get(attribute) if operator else None, operator


def _stem(segment: str) -> str:
    return segment[:MAX_NAME].partition("__")[0]


def _near_enough(reading: Reading, path: Path, relations: int) -> bool:
    if relations > MAX_RELATIONS:
        reading.refuse(path, "too_deep", f"At most {MAX_RELATIONS} relations, one in the other.")
    return relations <= MAX_RELATIONS


def _allowed(
    reading: Reading,
    path: Path,
    target: Field | Relation,
    operator: str,
    known: Sequence[str],
) -> bool:
    if operator not in known:
        words = f"{target.label} is filtered by {', '.join(known)}."
        reading.refuse(path, "unknown_operator", words)
    return operator in known


def _by_key(
    reading: Reading, relation: Relation, operator: str, text: str
) -> tuple[Condition, int]:
    if operator == "isnull":
        return _emptiness(relation, flag(text)), 0
    target = reading.registry.target(relation)
    keys = [text_key(target, each) for each in (split(text) if operator == "in" else [text])]
    return Related(relation, "some", KeyIn(tuple(keys))), len(keys)


def _by_json_key(
    reading: Reading, relation: Relation, operator: str, data: Any
) -> tuple[Condition, int]:
    if operator == "isnull":
        return _emptiness(relation, json_flag(data)), 0
    target = reading.registry.target(relation)
    keys = [json_key(target, each) for each in (json_list(data) if operator == "in" else [data])]
    return Related(relation, "some", KeyIn(tuple(keys))), len(keys)


def _emptiness(relation: Relation, empty: bool) -> Condition:
    return Related(relation, "none" if empty else "some", TRUE)


def _all_of(found: Sequence[Condition | None]) -> Condition | None:
    whole = tuple(each for each in found if each is not None)
    if len(whole) < len(found):
        return None
    return whole[0] if len(whole) == 1 else AllOf(whole)


def _compared(reading: Reading, field: Field, operator: str, value: Any) -> tuple[Condition, int]:
    reading.timed = reading.timed or is_period(value)
    return Comparison(field, operator, value), len(value) if isinstance(value, list) else 1
