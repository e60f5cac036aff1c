"""Obstacles of an undoing: later changes, and values that cannot be known."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from admin_app.declaration import Key, Registry, Relation, Resource
from admin_app.errors import Conflict, ForbiddenError, RevertConflictError
from admin_app.records.reads.reader import Values
from admin_app.records.trail.net import Net, is_secret, same
from admin_app.records.writes.undo.reversal import ConflictCode, conflict

Identity = tuple[str, str]
"""A record: its resource and its key's text."""


class Obstacles:
    """What of an undoing is left undone, and why.

    Of a record or a field out of sight nothing is told: somebody else has decided anew there.
    """

    def __init__(self, registry: Registry, *, skip: bool) -> None:
        self._registry = registry
        self.skip = skip
        self.conflicts: list[Conflict] = []
        self._excluded: set[tuple[str, Key, str | None]] = set()
        self.made: Collection[Identity] = ()
        """Records that came with what is undone, which makes it none that they are gone."""
        self._acts: dict[tuple[str, Key], Net] = {}

    def hide(self, net: Net, act: Net) -> None:
        """Tell of what went along, out of sight, nothing but that it did so with an act."""
        self._acts[net.identity] = act

    def stops(self, net: Net, name: str | None = None) -> bool:
        """Whether a record, or a field of it, stays as it is."""
        return {(*net.identity, None), (*net.identity, name)} & self._excluded != set()

    def refuse(self) -> None:
        """Raise ``RevertConflictError`` where there are conflicts that are not to be skipped."""
        if self.conflicts and not self.skip:
            raise RevertConflictError(self.conflicts)

    def add(self, net: Net, code: ConflictCode, name: str | None = None, **known: Any) -> None:
        """Note a conflict, and leave alone what it is about."""
        if (*net.identity, name) not in self._excluded:
            act = self._acts.get(net.identity)
            told = (
                conflict(net, code, field=name, **known)
                if act is None
                else conflict(act, code, detail=_WENT_ALONG)
            )
            if told not in self.conflicts:
                self.conflicts.append(told)
        self.leave(net, name)

    def leave(self, net: Net, name: str | None = None) -> None:
        """Leave a record or a field alone."""
        self._excluded.add((*net.identity, name))

    def compare(self, net: Net, now: Values | None) -> None:
        """Look at what a record is ``now``, which is not what it was left as, perhaps."""
        if net.is_there and net.was_there:
            if now is None and (net.resource.name, net.resource.key_text(net.key)) in self.made:
                self.leave(net)
            elif now is None:
                self.add(net, "gone")
            else:
                self._compare_fields(net, now)
        elif net.was_there:
            self._compare_deleted(net, now)
        elif net.is_there and now is not None:
            self._compare_created(net, now)

    def compare_unseen(self, net: Net, now: Values | None, seen: Net | None) -> None:
        """The same, of all of a record: ``net`` and ``now`` hold what is out of sight as well.

        ``seen``: as much of ``net`` as the actor sees; none where that is nothing at all.
        """
        there = Obstacles(self._registry, skip=True)
        there.made = self.made
        there.compare(net, now)
        created = net.is_there and not net.was_there
        if seen and created and there.conflicts and not self.stops(net):
            self.add(seen, "changed")
        if not seen or not created:
            self._excluded |= there._excluded

    def know(self, net: Net) -> None:
        """Leave alone the fields of which nobody knows what they were."""
        for name in net.changed if net.is_there else [*net.was]:
            self._is_unknown(net, name)

    def _compare_created(self, net: Net, now: Values) -> None:
        for name, left in net.left.items():
            value = self._now(net, name, now)
            known = self.restorable(net.resource, name) and not is_secret(left)
            if known and value is not _NONE and not same(value, left):
                self.add(net, "changed", name, left=left, now=value)
                self.leave(net)

    def _compare_deleted(self, net: Net, now: Values | None) -> None:
        if now is None:
            self.know(net)
            return
        known = [name for name in net.was if self.restorable(net.resource, name)]
        restored = all(
            is_secret(net.was[name]) or same(net.was[name], self._now(net, name, now))
            for name in known
        )
        if restored:
            self.leave(net)
        else:
            self.add(net, "there")

    def _compare_fields(self, net: Net, now: Values) -> None:
        for name in net.changed:
            if self._is_unknown(net, name) or not self.restorable(net.resource, name):
                continue
            value = self._now(net, name, now)
            if value is _NONE or same(value, net.left[name]):
                continue
            if same(value, net.was[name]):
                self.leave(net, name)
            else:
                known = {"was": net.was[name], "left": net.left[name], "now": value}
                self.add(net, "changed", name, **known)

    def _is_unknown(self, net: Net, name: str) -> bool:
        if name not in net.resource.fields:
            self.add(net, "not_declared", name)
        elif is_secret(net.was.get(name)):
            self.add(net, "not_kept", name)
        else:
            return False
        return True

    def _now(self, net: Net, name: str, now: Values) -> Any:
        return net.resource.wire(name, now[name]) if name in now else _NONE

    def restorable(self, resource: Resource, name: str) -> bool:
        """Whether a field is given by people, and not by the database or the declaration."""
        whole = self._registry[resource.name]
        known = whole.fields.get(name)
        return known is not None and (known.updatable or name == whole.options.trash)

    def check_rights(self, nets: Iterable[Net]) -> None:
        """Refuse what may not be changed by the actor, who sees the resources so.

        Raises ``ForbiddenError``.
        """
        for net in nets:
            if net.was_there and net.is_there:
                for name in (*net.changed, *net.moved):
                    if not self.stops(net, name) and self._is_withheld(net.resource, name):
                        fields, sets = net.resource.fields, net.resource.sets
                        label = sets[name].label if name in sets else fields[name].label
                        msg = f"You may not change the {label.lower()} of {net.title}."
                        raise ForbiddenError(msg)

    def _is_withheld(self, seen: Resource, name: str) -> bool:
        whole = self._registry[seen.name]
        source: Any = seen.sets.get(name) or seen.fields.get(name)
        if isinstance(source, Relation):
            return whole.settable(source, "update") and not seen.settable(source, "update")
        return source is not None and whole.fields[name].updatable and not source.updatable


_WENT_ALONG = "What went along with it cannot be put back."
_NONE = object()
"""Stands for a value that is not there to be compared."""
