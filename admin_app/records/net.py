"""What several changes of one record come to, all in all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from admin_app.declaration import Key, Resource
from admin_app.records.changes import SENSITIVE_MARKER, Facts
from admin_app.records.past import PastChange


@dataclass(slots=True)
class Net:
    """What some changes did to one record, all in all."""

    resource: Resource
    """As the actor sees it."""
    key: Key
    title: str
    was_there: bool
    is_there: bool
    was: Facts = field(default_factory=dict)
    left: Facts = field(default_factory=dict)
    lost: dict[str, dict[Any, None]] = field(default_factory=dict)
    """By set, the keys that it lost, and likewise those that it gained."""
    gained: dict[str, dict[Any, None]] = field(default_factory=dict)
    caused: bool = False
    """Whether all of it was brought about by what was done to other records."""

    @property
    def identity(self) -> tuple[str, Key]:
        return self.resource.name, self.key

    @property
    def moved(self) -> list[str]:
        """The sets that have lost keys or gained some."""
        return [name for name in self.lost if self.lost[name] or self.gained[name]]

    @property
    def changed(self) -> list[str]:
        """The fields of a record that was there and still is."""
        both = (name for name in self.was if name in self.left)
        return [name for name in both if told_apart(self.was[name], self.left[name])]


def fold(resource: Resource, key: Key, changes: Sequence[PastChange]) -> Net:
    """What the changes of one record come to."""
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
    """Whether two values are the same JSON; Python takes 1 and true for equal."""
    return bool(one == other) and (
        isinstance(one, str) or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    )


def is_secret(value: Any) -> bool:
    """Whether a change does not tell a value."""
    return bool(value == SENSITIVE_MARKER)


def told_apart(one: Any, other: Any) -> bool:
    """Whether a change from one value to the other is one, for all that is known."""
    return is_secret(one) or not same(one, other)
