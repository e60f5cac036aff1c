"""The verdict of one case: whether a user may, what decides it, and the grants that count."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access.grants import Holder, RoleGrantInfo
from admin_app.access.policies import matching, reach
from admin_app.declaration import Actor, Key, Resource, acting
from admin_app.records.explaining.explained_fields import roles_of
from admin_app.records.reads.reader import Reader, key_is

_NEEDS_READ = frozenset({"update", "delete"})
"""Actions whose record must be in sight; a hidden one answers as an absent one."""

Reason = Literal[
    "all_rows",
    "rule",
    "user_disabled",
    "second_factor_owed",
    "no_such_action",
    "no_role",
    "no_grant",
    "required_withheld",
    "absent",
    "not_readable",
    "out_of_sight",
    "no_rule_true",
]


@dataclass(frozen=True, slots=True)
class ExplainedGrant:
    """A grant that has to do with the question, and whether its rule is true for the record."""

    held: RoleGrantInfo
    true: bool | None
    """None where no record was asked about, or where the grant is for every row."""


class Case:
    """One user, one action, and one resource or one record of it."""

    def __init__(self, reader: Reader, holder: Holder, resource: Resource, action: str) -> None:
        self._holder = holder
        self._resource = resource
        self._action = action
        self._seen = reader.sight.registry(holder.actor)[resource.name]
        self.one = False
        """Whether a record is asked about."""
        self.absent = False
        self.true: frozenset[str] | None = None
        """The rules that are true of the record that is asked about."""

    def rules(self) -> set[str]:
        """The rules whose truth matters."""
        found = (reach(self._holder.actor.grants, self._resource, each) for each in self._actions)
        return {name for each in found if not isinstance(each, bool) for name in each}

    @property
    def allowed(self) -> bool:
        return self.reason in {"all_rows", "rule"}

    @property
    def reason(self) -> Reason:
        """What decides: the first that holds."""
        if not self._holder.active:
            return "user_disabled"
        if self._holder.owes_second_factor:
            return "second_factor_owed"
        if self._action not in self._resource.actions:
            return "no_such_action"
        if self.absent:
            return "absent"
        return self._by_grants()

    def _by_grants(self) -> Reason:
        granted = reach(self._holder.actor.grants, self._resource, self._action)
        if granted is False:
            return "no_grant" if self._holder.actor.roles else "no_role"
        if self._action == "create" and self._impossible():
            return "required_withheld"
        if "read" in self._actions and not self._reaches("read"):
            reads = reach(self._holder.actor.grants, self._resource, "read")
            return "out_of_sight" if reads else "not_readable"
        if not self._reaches(self._action):
            return "no_rule_true"
        return "all_rows" if granted is True else "rule"

    @property
    def words(self) -> str:
        """The reason as people read it."""
        who, label = self._holder.actor.name, self._resource.label_plural.lower()
        one = f"this {self._resource.label.lower()}" if self.one else label
        what = f"{who} may {self._action} {one}"
        no = f"{who} may not {self._action} {one}"
        return {
            "all_rows": f"{what}: {self._by_roles()} allows it on every row.",
            "rule": f"{what}{self._by_rules()}.",
            "user_disabled": f"{who} is disabled and may do nothing.",
            "second_factor_owed": f"One of the roles of {who} demands a second factor, which is "
            "not set up: till then, whoever signs in so may do nothing.",
            "no_such_action": f"Nobody may: {label} have no action {self._action}.",
            "absent": f"There is no such {self._resource.label.lower()}.",
            "no_role": f"{no}: {who} has no role.",
            "no_grant": f"{no}: no role of {who} allows it.",
            "required_withheld": f"{no}: {', '.join(self._impossible())} must be given, and may "
            "not be set.",
            "not_readable": f"{no}: {who} may not read {label}, and what is not in sight cannot "
            "be changed.",
            "out_of_sight": f"{no}: it is out of sight, because no rule that lets {who} read is "
            "true for it.",
            "no_rule_true": f"{no}: no rule by which it is allowed is true for it.",
        }[self.reason]

    def grants(self) -> tuple[ExplainedGrant, ...]:
        """The grants that have to do with it."""
        return tuple(
            ExplainedGrant(each, self._true(each))
            for action in self._actions
            for each in self._of(action)
        )

    @property
    def _actions(self) -> tuple[str, ...]:
        """The action, and what it needs."""
        needs_read = self._action in _NEEDS_READ
        return (self._action, "read") if needs_read else (self._action,)

    def _reaches(self, action: str) -> bool:
        found = reach(self._holder.actor.grants, self._resource, action)
        if isinstance(found, bool) or self.true is None:
            return bool(found)
        return not self.true.isdisjoint(found)

    def _true(self, held: RoleGrantInfo) -> bool | None:
        if held.grant.rule is None or self.true is None:
            return None
        return held.grant.rule in self.true

    def _of(self, action: str) -> list[RoleGrantInfo]:
        return [
            each for each in self._holder.grants if matching([each.grant], self._resource, action)
        ]

    def _by_roles(self) -> str:
        return roles_of(each for each in self._of(self._action) if each.grant.rule is None)

    def _by_rules(self) -> str:
        mine = [each for each in self._of(self._action) if self._true(each) is not False]
        rules = " or ".join(sorted({str(each.grant.rule) for each in mine}))
        if self.true is not None:
            return f": {roles_of(mine)} allows it by the rule {rules}, which is true for it"
        if self._action == "create":
            return f" for which the rule {rules} is true: {roles_of(mine)} allows those"
        return f" of the rule {rules}: {roles_of(mine)} allows those, and no others"

    def _impossible(self) -> list[str]:
        return [
            each.name
            for each in self._resource.fields.values()
            if each.required
            and not (each.name in self._seen.fields and self._seen.fields[each.name].creatable)
        ]


async def true_rules(
    connection: AsyncConnection,
    actor: Actor,
    resource: Resource,
    key: Key,
    names: Collection[str],
) -> frozenset[str]:
    """Which of the named rules are true of a record when ``actor`` acts."""
    wanted = sorted(names)
    if not wanted:
        return frozenset()
    columns = [
        exists().where(key_is(resource, key), resource.rules[name]).label(f"rule_{number}")
        for number, name in enumerate(wanted)
    ]
    with acting(actor):
        row = (await connection.execute(select(*columns))).one()
    return frozenset(name for name, true in zip(wanted, row, strict=True) if true)
