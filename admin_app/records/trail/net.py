"""The net effect of several changes of one record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from admin_app.declaration import Key, Resource
from admin_app.records.trail.changes import SENSITIVE_MARKER, Facts
from admin_app.records.trail.past import PastChange


@dataclass(slots=True)
class Net:
    """The net effect of some changes on one record."""

    resource: Resource
    """As the actor sees it."""
    key: Key
    title: str
    was_there: bool
    is_there: bool
    was: Facts = field(default_factory=dict)
    left: Facts = field(default_factory=dict)
    lost: dict[str, dict[Any, None]] = field(default_factory=dict)
    """By set relation, the keys that were removed; ``gained`` likewise those added."""
    gained: dict[str, dict[Any, None]] = field(default_factory=dict)
    caused: bool = False
    """Whether every change was an effect of changes to other records."""

    @property
    def identity(self) -> tuple[str, Key]:
        return self.resource.name, self.key

    @property
    def moved(self) -> list[str]:
        """The set relations whose keys differ."""
        return [name for name in self.lost if self.lost[name] or self.gained[name]]

    @property
    def changed(self) -> list[str]:
        """The fields that differ, of a record that existed before and after."""
        both = (name for name in self.was if name in self.left)
        return [name for name in both if told_apart(self.was[name], self.left[name])]


def fold(resource: Resource, key: Key, changes: Sequence[PastChange]) -> Net:
    """Fold the changes of one record into their net effect."""
    # What an act brings about is written after all acts, and has happened before the next.
    in_turn = sorted(changes, key=lambda each: (each.cause_id or each.id, each.id))
    first, last = in_turn[0], in_turn[-1]
    net = Net(
        resource,
        key,
        last.title,
        was_there=first.action != "create",
        is_there=last.action != "delete",
        caused=all(each.cause_id is not None for each in changes),
    )
    for each in in_turn:
        for name in {**each.before, **each.after}:
            if name in resource.sets:
                _move(net, name, each.before.get(name) or (), each.after.get(name) or ())
            else:
                if name in each.before:
                    net.was.setdefault(name, each.before[name])
                if name in each.after:
                    net.left[name] = each.after[name]
    return net


def _move(net: Net, name: str, lost: Iterable[Any], gained: Iterable[Any]) -> None:
    gone, come = net.lost.setdefault(name, {}), net.gained.setdefault(name, {})
    for keys, here, there in ((lost, gone, come), (gained, come, gone)):
        for key in keys:
            if key in there:
                del there[key]
            else:
                here[key] = None


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; for Python 1 and true are equal."""
    return bool(one == other) and (
        isinstance(one, str) or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


def is_secret(value: Any) -> bool:
    """Whether a recorded value is the marker of a sensitive field."""
    return bool(value == SENSITIVE_MARKER)


def told_apart(one: Any, other: Any) -> bool:
    """Whether two recorded values differ, or may differ because they are secret."""
    return is_secret(one) or not same(one, other)
