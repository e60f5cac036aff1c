"""The outcome of imported rows as JSON data, for REST and the panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from admin_app.declaration import Registry
from admin_app.records.transfer.mapping import Plan
from admin_app.records.transfer.run import Done, Failure, Outcome

MOST_SHOWN = 200
"""The most characters of a quoted cell."""


def counts(outcome: Outcome) -> dict[str, int]:
    """The number of rows by outcome."""
    return {
        "created": outcome.created,
        "changed": outcome.changed,
        "unchanged": outcome.unchanged,
        "refused": len(outcome.failures),
    }


def row_outcomes(plan: Plan, seen: Registry, outcome: Outcome) -> list[dict[str, Any]]:
    """The outcome of every row, in the order of the file."""
    done = [_done(plan, seen, each) for each in outcome.done]
    refused = [_refused(plan, each) for each in outcome.failures]
    return sorted([*done, *refused], key=lambda each: each["line"])


def _done(plan: Plan, seen: Registry, done: Done) -> dict[str, Any]:
    told: dict[str, Any] = {
        "line": done.row.line,
        "result": done.result,
        "key": plan.resource.key_text(done.key),
        "title": plan.resource.title_of(done.after),
    }
    if done.result != "unchanged":
        told["changes"] = {
            name: {"before": before, "after": after}
            for name in done.given
            if _is_told(plan, name)
            for before in [None if done.before is None else _wire(plan, seen, name, done.before)]
            for after in [_wire(plan, seen, name, done.after)]
            if before != after
        }
    return told


def _is_told(plan: Plan, name: str) -> bool:
    return name in plan.resource.readable or name in plan.resource.sets


def _wire(plan: Plan, seen: Registry, name: str, values: Any) -> Any:
    relation = plan.resource.sets.get(name)
    if relation is None:
        return plan.resource.wire(name, values.get(name))
    target = seen.target(relation)
    return [target.reference_wire(target.dereference(each)) for each in values.get(name) or ()]


def _refused(plan: Plan, failure: Failure) -> dict[str, Any]:
    return {
        "line": failure.row.line,
        "result": "refused",
        "errors": [
            {
                "pointer": each.pointer,
                "code": each.code,
                "detail": each.detail,
                "value": _cell(plan, failure, each.path),
            }
            for each in failure.errors
        ],
    }


def _cell(plan: Plan, failure: Failure, path: Sequence[str | int]) -> str | None:
    """The content of the cell at fault."""
    value = plan.cell(failure.row.cells, str(path[0])) if path else None
    if value is None:
        return None
    text = value if isinstance(value, str) else str(value)
    # Half a character is none that an answer could have.
    return text[:MOST_SHOWN].encode("utf-8", "replace").decode()
