"""Schema drift in words: a sentence for each difference between models and database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alembic.operations import ops
from sqlalchemy.types import TypeEngine

MISSING = "is missing in the database"
UNKNOWN = "is in the database and in no model"

_NOUNS = {
    "check_constraint": "check",
    "table_or_column_check_constraint": "check",
    "column_check_constraint": "check",
    "unique_constraint": "unique constraint",
    "foreign_key_constraint": "foreign key",
    "primary_key_constraint": "primary key",
}
_SUBJECTS = frozenset({"table", "column", "index", "constraint", "fk", "full_text"})
_ASPECTS = {"type": "type", "default": "server default", "comment": "comment"}
_EMPTY = {True: "may be empty", False: "must be filled"}


def describe(operations: ops.UpgradeOps) -> list[str]:
    """Say in words, one sentence a difference, what ``operations`` would change."""
    differences = list(_flat(operations.as_diffs()))
    whole = {parts[0].name for kind, *parts in differences if kind.endswith("_table")}
    found: dict[str, list[str]] = {}
    for kind, *parts in differences:
        if kind.endswith("_index") and parts[0].table.name in whole:
            continue
        if kind.endswith("_full_text") and parts[0].table in whole:
            continue
        subject, verdict = _difference(kind, *parts)
        found.setdefault(subject, []).append(verdict)
    for verdicts in found.values():
        if {MISSING, UNKNOWN} <= set(verdicts):
            verdicts[:] = ["differs"]
    return [f"{subject} {each}" for subject, verdicts in found.items() for each in verdicts]


def _flat(differences: Any) -> Iterator[tuple[Any, ...]]:
    for each in differences:
        if isinstance(each, list):
            yield from _flat(each)
        else:
            yield each


def _difference(kind: str, *parts: Any) -> tuple[str, str]:
    verb, _, noun = kind.partition("_")
    if verb in {"add", "remove"} and noun in _SUBJECTS:
        return _subject(noun, parts), MISSING if verb == "add" else UNKNOWN
    if verb == "modify":
        _, table, column, _, stored, declared = parts
        return _modified(f"column {column} of table {table}", noun, stored, declared)
    return f"{kind}: {parts}", "differs"


def _subject(noun: str, parts: tuple[Any, ...]) -> str:
    if noun == "table":
        return f"table {parts[0].name}"
    if noun == "full_text":
        return f"full-text index of table {parts[0].table}"
    if noun == "column":
        _, table, column = parts
        return f"column {column.name} of table {table}"
    (rule,) = parts
    columns = ", ".join(column.name for column in rule.columns)
    name = rule.name or f"on {columns}"
    return (
        f"{_NOUNS.get(rule.__visit_name__, rule.__visit_name__)} {name} of table {rule.table.name}"
    )


def _modified(column: str, aspect: str, stored: Any, declared: Any) -> tuple[str, str]:
    if aspect == "nullable":
        return (
            column,
            f"{_EMPTY[bool(stored)]} in the database, {_EMPTY[bool(declared)]} in the models",
        )
    return (
        f"{_ASPECTS.get(aspect, aspect)} of {column}",
        f"is {_shown(stored)} in the database, {_shown(declared)} in the models",
    )


def _shown(value: Any) -> str:
    if isinstance(value, TypeEngine):
        return repr(value)
    return "none" if value is None else str(getattr(value, "arg", value))
