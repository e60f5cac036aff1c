"""The grammar of mappings, from the columns of a file to the fields of a resource.

``FIELD=COLUMN|step|step…``. Without a mapping every column goes to the field of its name, so that
an export can be imported as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from admin_app.declaration import Field, Kind, Registry, Relation, Resource
from admin_app.errors import MAX_ERRORS, BadRequestError, FieldError
from admin_app.suggestions import meant

Mode = Literal["both", "create", "update"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""What an import may do: create what is new and update what is there, or one of the two."""
REPORT_COLUMNS = ("import_line", "import_reason")
"""What a file of refused rows has besides the file's own columns; an import passes them over."""
LONGEST_NAME = 100
"""How much of a name is told, and with how many it is compared: a file may be made to take long."""

STEPS = {
    "trim": False,
    "integer": False,
    "split": True,
    "by": True,
    "create": False,
    "constant": True,
    "default": True,
    "keep": False,
}
"""Every step, and whether it takes a value after a colon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How one field, or one relation, gets its value from a row."""

    target: Field | Relation
    column: str
    """Empty for a constant."""
    trim: bool = False
    integer: bool = False
    split: str | None = None
    by: Field | None = None
    """What the cell holds of related records, where it is not their keys."""
    create: bool = False
    constant: str | None = None
    default: str | None = None
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A mapping as it was written down; ``plan`` makes sense of it."""

    fields: Mapping[str, str] = field(default_factory=dict)
    match: tuple[str, ...] | None = None
    skip: tuple[str, ...] = ()
    mode: Mode = "both"


@dataclass(frozen=True, slots=True)
class Plan:
    """A mapping that fits the resource and the file."""

    resource: Resource
    rules: tuple[Rule, ...]
    match: tuple[Field, ...]
    """The fields that say which record a row is about; none: every row is a new one."""
    members: frozenset[str] | None = None
    """What a row with columns of its own may have; none: anything, and the rules take theirs."""
    mode: Mode = "both"

    def cell(self, row: Mapping[str, Any], name: str) -> Any:
        """What a row has for a field or relation, as it stands in the file."""
        for each in self.rules:
            if name in {each.target.name, *_given(each.target)}:
                return row.get(each.column)
        return row.get(name)

    def filled_by(self, name: str) -> set[str]:
        """The name, and the fields that get their values by the rule for what is called so."""
        targets = (each.target for each in self.rules if each.target.name == name)
        return {name, *(given for each in targets for given in _given(each))}


def read_request(text: str) -> Request:
    """Read a mapping file (TOML).

    Raises ``BadRequestError`` for what is not one.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"The mapping is not TOML: {error}."
        raise BadRequestError(msg) from error
    return request_from(document)


def read_pair(text: str) -> tuple[str, str] | None:
    """A field and where it comes from: ``FIELD=COLUMN|step…``, or ``FIELD|step…`` of its own name.

    None where no field is named.
    """
    name, bar, steps = text.partition("|")
    field_name, equals, column = name.partition("=")
    field_name = field_name.strip()
    return (field_name, f"{column if equals else field_name}{bar}{steps}") if field_name else None


def request_from(document: Mapping[str, Any]) -> Request:
    """Read a mapping that TOML was read into.

    Raises ``BadRequestError`` for what is not one.
    """
    known = ("fields", "match", "skip", "mode")
    fields, match, skip, mode = (document.get(name) for name in known)
    wrong = [f"{name}: unknown; known are {', '.join(known)}" for name in {*document} - {*known}]
    if not _is_texts(fields := fields or {}, dict):
        wrong.append("fields: a table from each field to its column and steps, as text")
    match = [match] if isinstance(match, str) else match
    if match is not None and not _is_texts(match, list):
        wrong.append("match: a field, or a list of fields")
    if not _is_texts(skip := skip or [], list):
        wrong.append("skip: a list of columns")
    if mode not in {None, *MODES}:
        wrong.append(f"mode: one of {', '.join(MODES)}")
    if wrong:
        raise BadRequestError("The mapping cannot be read. " + " · ".join(wrong))
    return Request(fields, None if match is None else tuple(match), tuple(skip), mode or "both")


def _is_texts(value: Any, kind: type[Any]) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return isinstance(value, kind) and all(isinstance(each, str) for each in items)


def plan(
    resource: Resource, registry: Registry, request: Request, columns: Sequence[str] | None
) -> Plan:
    """Fit a mapping to a resource and to the columns of a file (none: each row has its own).

    Raises ``BadRequestError`` with everything that does not fit, each with the nearest name.
    """
    return _Planner(resource, registry, columns).plan(request)


class _Planner:
    def __init__(
        self, resource: Resource, registry: Registry, columns: Sequence[str] | None
    ) -> None:
        self.resource = resource
        self.registry = registry
        self.columns = columns
        self.errors: list[FieldError] = []
        self.members: frozenset[str] | None = None
        self.named = {*resource.fields, *resource.relations}
        self.labelled = by_label(resource)
        self.targets: dict[str, Field | Relation] = {
            **{name: each for name, each in resource.relations.items() if each.writable},
            **{name: each for name, each in resource.fields.items() if _takes(each)},
        }

    def plan(self, request: Request) -> Plan:
        written = dict(request.fields) or self.by_name(request.skip)
        rules = [rule for name, text in written.items() if (rule := self.rule(name, text))]
        given = {name for each in rules for name in _given(each.target)}
        match = self.match(request.match, given)
        rules = [each for each in rules if self.usable(each, match, told=bool(request.fields))]
        if request.mode == "update" and not match and not self.errors:
            self.refuse(("match",), "Say by which fields the records are known.")
        if not rules and not self.errors:
            self.refuse((), "The file has no column that could be taken.")
        if self.errors:
            msg = "The file cannot be taken in so."
            raise BadRequestError(msg, errors=self.errors)
        return Plan(self.resource, tuple(rules), match, self.members, request.mode)

    def refuse(self, path: tuple[str, ...], detail: str) -> None:
        self.errors.append(FieldError(path, "bad_mapping", detail))

    def by_name(self, skip: Iterable[str]) -> dict[str, str]:
        """Every column to the field of its name; what only reads is passed over."""
        passed = {*skip, *REPORT_COLUMNS, ""}
        if self.columns is None:
            self.members = frozenset(self.named | passed)
        if self.columns is None:
            return {name: name for name in self.targets if name not in passed}
        found: dict[str, str] = {}
        for column in dict.fromkeys(self.columns):
            name = column if column in self.named else self.labelled.get(column.casefold(), "")
            if column in passed:
                continue
            if not name and len(self.errors) < MAX_ERRORS:
                near = meant(column, self.named)
                words = "This column is no field: map it to one, or skip it."
                self.refuse((column[:LONGEST_NAME],), words + near)
            elif name in self.targets:
                found.setdefault(name, column.replace("|", r"\|"))
        return found

    def rule(self, name: str, text: str) -> Rule | None:
        target = self.targets.get(name)
        if target is None:
            near = meant(name, self.targets)
            known = name in self.named
            words = "It cannot be written." if known else "There is no such field."
            self.refuse((name,), words + near)
            return None
        column, *steps = split_escaped(text)
        rule: dict[str, Any] = {"target": target, "column": column}
        for each in steps:
            step, colon, value = each.partition(":")
            if step not in STEPS or STEPS[step] != bool(colon):
                self.refuse((name,), _bad_step(step))
            else:
                rule[step] = value if colon else True
        self.check_column(name, rule)
        self.check_steps(name, target, rule)
        return Rule(**rule)

    def check_column(self, name: str, rule: dict[str, Any]) -> None:
        column = rule["column"]
        if ("constant" in rule) == bool(column):
            self.refuse((name,), "Give either a column or a constant.")
        elif column and self.columns is not None and column not in self.columns:
            near = meant(column, self.columns)
            self.refuse((name,), f"The file has no column {column!r}." + near)
        elif self.columns is not None and self.columns.count(column) > 1:
            self.refuse((name,), f"The file has {column!r} more than once.")

    def check_steps(self, name: str, target: Field | Relation, rule: dict[str, Any]) -> None:
        many = isinstance(target, Relation) and target.many
        if rule.get("split") == "":
            self.refuse((name,), "split needs a separator, such as split:;")
        elif "split" in rule and not (many or _is_array(target)):
            self.refuse((name,), f"{target.label} is one value: there is nothing to split.")
        if "by" in rule:
            rule["by"] = self.natural(name, target, rule["by"])
        elif rule.get("create"):
            self.refuse((name,), "create needs by:FIELD, the field that the cell holds.")

    def natural(self, name: str, target: Field | Relation, by: str) -> Field | None:
        """The field of the related resource that a cell holds."""
        if not isinstance(target, Relation):
            relations = [each for each in self.targets.values() if isinstance(each, Relation)]
            near = meant(name, [each.name for each in relations])
            self.refuse((name,), f"by needs a relation.{near}")
            return None
        other = self.registry.target(target)
        known = {key: each for key, each in other.readable.items() if each.sortable}
        if by not in known:
            label, near = other.label.lower(), meant(by, known)
            self.refuse((name,), f"by names {by!r}, no field of {label}.{near}")
        return known.get(by)

    def match(self, names: tuple[str, ...] | None, given: set[str]) -> tuple[Field, ...]:
        if names is None:
            key = self.resource.key
            return key if all(each.name in given for each in key) else ()
        found = []
        for name in names:
            each = self.resource.readable.get(name)
            if each is None or not each.sortable or name not in given:
                usable = [key for key in given if key in self.resource.readable]
                self.refuse(("match",), f"{name!r} is not given." + meant(name, usable))
            else:
                found.append(each)
        return tuple(found)

    def usable(self, rule: Rule, match: tuple[Field, ...], *, told: bool) -> bool:
        """Whether a rule can be followed: an automatic key only says which record is meant."""
        target = rule.target
        if isinstance(target, Relation) or target.creatable or target.withheld or target in match:
            return True
        if told:
            self.refuse(
                (target.name,), "It is given by the database; name it in --match or leave it."
            )
        return False


def by_label(resource: Resource) -> dict[str, str]:
    """Fields and relations by what people call them, where only one is called so."""
    found: dict[str, list[str]] = {}
    targets: list[Field | Relation] = [*resource.fields.values(), *resource.relations.values()]
    for each in targets:
        found.setdefault(each.label.casefold(), []).append(each.name)
    return {label: names[0] for label, names in found.items() if len(names) == 1}


def _takes(each: Field) -> bool:
    return each.creatable or each.primary_key or each.withheld


def _given(target: Field | Relation) -> tuple[str, ...]:
    return target.fields if isinstance(target, Relation) else (target.name,)


def _is_array(target: Field | Relation) -> bool:
    return isinstance(target, Field) and target.kind is Kind.ARRAY


def _bad_step(step: str) -> str:
    if step in STEPS:
        form = f"{step}:VALUE" if STEPS[step] else step
        return f"This step is written {form}."
    return f"There is no step {step!r}." + meant(step, STEPS)


def split_escaped(text: str) -> list[str]:
    r"""The parts between ``|``, trimmed; ``\|`` is the character itself."""
    return [each.replace(r"\|", "|").strip() for each in re.split(r"(?<!\\)\|", text)]
