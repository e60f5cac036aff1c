"""The matrix as rows and columns: resources and their actions down, roles across."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from admin_app.access import RoleGrantInfo, RoleInfo, is_fixed
from admin_app.declaration import EVERY_RESOURCE, Registry
from admin_app.declaration.keys import join_key, split_key
from admin_app.panel.granted import EVERY_LABEL
from admin_app.panel.layout import in_order
from admin_app.panel.visit import id_from

_PARTS = 4


class Stored(frozenset[str]):
    """That there is a grant: the fields that it does not extend to."""


class Place(NamedTuple):
    """Where a grant stands, whether or not there is one."""

    role: int
    resource: str
    action: str
    rule: str | None

    def text(self, without: Iterable[str] = ()) -> str:
        """The place, and the fields that are withheld there, as the form holds it."""
        return join_key(
            [str(self.role), self.resource, self.action, self.rule or "", *sorted(without)]
        )

    @classmethod
    def read(cls, text: str) -> tuple[Place, Stored]:
        """Read ``text`` back. Raises ``ValueError``."""
        parts = split_key(text)
        if len(parts) < _PARTS:
            raise ValueError(text)
        role, resource, action, rule = parts[:_PARTS]
        return cls(id_from(role), resource, action, rule or None), Stored(parts[_PARTS:])

    def wire(self) -> dict[str, Any]:
        """A grant here, as a create takes it."""
        return {
            "role_id": self.role,
            "resource": self.resource,
            "action": self.action,
            "rule": self.rule,
            "without": None,
        }


@dataclass(frozen=True, slots=True)
class Box:
    """All rows, or those of one rule: granted or not."""

    place: Place
    held: RoleGrantInfo | None
    checked: bool
    """As the form shows it: what is stored, or what was chosen and not saved."""
    clash: bool

    @property
    def value(self) -> str:
        return self.place.text()

    @property
    def was(self) -> str:
        """What is stored, for the form to hold."""
        return self.place.text(self.without)

    @property
    def without(self) -> list[str]:
        return sorted(self.held.grant.without) if self.held else []


@dataclass(frozen=True, slots=True)
class Cell:
    """What one role may do by one action."""

    role: str
    fixed: bool
    """Whether it stays as it is shipped."""
    boxes: tuple[Box, ...]
    through: RoleGrantInfo | None
    """The grant of every declared resource that this one is among."""


@dataclass(frozen=True, slots=True)
class Line:
    """One action of a resource."""

    action: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One resource."""

    label: str
    lines: tuple[Line, ...]

    @property
    def granted(self) -> bool:
        """Whether anything of it is."""
        return any(box.held for line in self.lines for cell in line.cells for box in cell.boxes)


@dataclass(frozen=True, slots=True)
class Table:
    """The whole of it."""

    roles: tuple[str, ...]
    groups: tuple[Group, ...]
    idle: tuple[RoleGrantInfo, ...]
    """Grants of what is no longer declared: they allow nothing."""

    @property
    def clashes(self) -> list[tuple[str, str, Box]]:
        """Resource, role and box of each place that somebody else has changed."""
        return [
            (group.label, cell.role, box)
            for group in self.groups
            for line in group.lines
            for cell in line.cells
            for box in cell.boxes
            if box.clash
        ]


def matrix_table(
    registry: Registry,
    roles: Iterable[RoleInfo],
    chosen: Mapping[Place, bool] | None = None,
    clashes: Collection[Place] = (),
) -> Table:
    """Lay out what ``roles`` grant, with what was ``chosen`` in a form that could not be saved."""
    columns = list(roles)
    held = {
        Place(role.id, each.grant.resource, each.grant.action, each.grant.rule): each
        for role in columns
        for each in role.grants
    }
    drawn: set[Place] = set()

    def box(place: Place) -> Box:
        drawn.add(place)
        checked = (chosen or {}).get(place, place in held)
        return Box(place, held.get(place), checked, place in clashes)

    def cell(role: RoleInfo, resource: str, action: str, rules: Iterable[str], own: bool) -> Cell:
        every = Place(role.id, EVERY_RESOURCE, action, None)
        through = None if own or resource == EVERY_RESOURCE else held.get(every)
        places = [Place(role.id, resource, action, rule) for rule in (None, *rules)]
        fixed = is_fixed(role.name, resource, action)
        return Cell(role.name, fixed, tuple(map(box, places)), through)

    def group(
        label: str, resource: str, actions: Iterable[str], rules: Iterable[str], own: bool
    ) -> Group:
        names = sorted(rules)
        return Group(
            label,
            tuple(
                Line(each, tuple(cell(role, resource, each, names, own) for role in columns))
                for each in actions
            ),
        )

    declared = [each for each in registry.values() if not each.own]
    known = {action for each in declared for action in each.actions}
    every = [each for each in registry.actions if each in known]
    groups = (
        group(EVERY_LABEL, EVERY_RESOURCE, every, (), own=False),
        *(
            group(each.label_plural, each.name, each.actions, each.rules, each.own)
            for each in in_order(registry.values())
        ),
    )
    idle = tuple(each for place, each in held.items() if place not in drawn)
    return Table(tuple(each.name for each in columns), groups, idle)
