"""Steps: the net effect on each record of what is to be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from admin_app.declaration import Registry, Resource
from admin_app.records.trail.net import Net, fold
from admin_app.records.trail.past import PastChange


@dataclass(slots=True)
class Step:
    """What one act did to one record, to be undone."""

    root: int
    """The change that all of the act goes back to."""
    net: Net
    own: bool
    """Whether it is the act itself, and not what that brought about."""
    links: dict[str, list[Any]] = field(default_factory=dict)
    """Of a record that has come back, the keys of its sets that were not there yet."""
    later: frozenset[str] = frozenset()
    """Its foreign keys that had to wait."""


class Steps:
    """Makes steps of changes; ``sight`` is the ``registry`` as the actor sees it."""

    def __init__(self, registry: Registry, sight: Registry) -> None:
        self._registry = registry
        self._sight = sight

    def of(self, raw: Sequence[PastChange], seen: Mapping[int, PastChange]) -> list[Step]:
        """By act in sight, its net effect on each record."""
        roots: dict[int, int] = {}
        steps: list[Step] = []
        caused: dict[tuple[int, str, str], list[PastChange]] = {}
        for each in raw:
            cause = each.cause_id
            root = roots[each.id] = each.id if cause is None else roots.get(cause, each.id)
            if root not in seen:
                continue
            if root != each.id:
                caused.setdefault((root, each.resource, each.key), []).append(each)
                continue
            net = self.net([seen[root]], self._sight[each.resource])
            if each.action == "delete":
                # All of it comes back.
                net = replace(self.net([each]), resource=net.resource, title=net.title)
            steps.append(Step(root, net, own=True))
        steps += [Step(root, self.net(some), own=False) for (root, *_), some in caused.items()]
        return steps

    def net(self, changes: Sequence[PastChange], resource: Resource | None = None) -> Net:
        """The net effect of changes of one record; on as much of it as ``resource`` has."""
        whole = self._registry[changes[0].resource]
        return fold(resource or whole, whole.parse_key(changes[0].key), changes)
