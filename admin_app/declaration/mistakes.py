"""Checks of declarations: each mistake becomes a line that names class and field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import PydanticUserError
from sqlalchemy import CheckConstraint, Column, Table, TextClause
from sqlalchemy.orm import Mapper
from sqlalchemy.sql.visitors import iterate

from admin_app.database.types import ExactDecimal
from admin_app.declaration.actions import DeclaredAction
from admin_app.declaration.actor import ACTIONS
from admin_app.declaration.base import OUR_PREFIX
from admin_app.declaration.fields import TEXTUAL, Field, Kind, Relation
from admin_app.declaration.forms import check_form
from admin_app.declaration.given import not_callable
from admin_app.declaration.options import ResourceOptions
from admin_app.declaration.values import adapter_of
from admin_app.declaration.widgets import check_widgets
from admin_app.errors import error_classes
from admin_app.suggestions import did_you_mean

ACTION_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
"""Action names, which also stand in paths and grants."""
NAME = re.compile(r"\w[\w-]*")
"""Resource names, which also stand in paths, commands and grants."""
SCHEMAS = (
    *("", "Create", "Update", "Page", "Shaped", "ShapedPage"),
    *("Set", "SetEdit", "BulkCreate", "BulkUpdate", "BulkUpdateItem", "BulkResult"),
    *("Conditions", "Filter", "Query", "Replace", "Sort"),
)
"""Suffixes of a class's name in the names of its schemas."""
OUR_SCHEMAS = (
    *("OpenapiDocument", "PageInfo", "Problem", "ProblemPart"),
    *(f"{each.__name__.removesuffix('Error')}Problem" for each in error_classes()),
    *("AccessExplanation", "AccessExplanationReason", "AccessExplanationVerdict"),
    *("AccessExplainedField", "AccessExplainedGrant", "AccessWithholdingGrant"),
    *("TimePeriod", "TimeBound", "Aggregates", "Facets"),
    *("RecordedChange", "RecordedChangeSet", "RecordHistory", "HistoryPage"),
    *("RecordRevert", "ChangeSetRevert", "RevertResult", "RevertConflict"),
    *("DryRun", "TriedChange", "TriedChangeAfter", "TriedChangeBefore"),
    *("JsonPatch", "JsonPatchOperation", "BatchDeleteKey", "BatchUpdateKey"),
    *("BulkDelete", "BulkDeleteItem", "Affected"),
    *("ImportResult", "ImportedRow", "ImportedChange", "ImportedFault"),
    *("Batch", "BatchCreate", "BatchUpdate", "BatchDelete", "BatchResult"),
    *("ApiToken", "ApiTokenList", "ApiTokenMade", "ApiTokenCreate", "ApiTokenRotate"),
)
_UNHEARD = tuple(
    f"{when}_{what}" for what in ("insert", "update", "delete") for when in ("before", "after")
)
"""Mapper events, which nobody would call: rows are written without entities."""
OUR_PATHS = ("access", "batch", "change-sets", "docs")
"""Paths below the API's prefix that are no resource's."""

_STRING = re.compile(r"'[^']*'")
_JOINTS = re.compile(r"\b(?:AND|OR|NOT)\b|[()]", re.IGNORECASE)


def check_names(
    names: Mapping[type[Any], str], plurals: Mapping[type[Any], str], problems: list[str]
) -> None:
    """Report names that cannot be used and those that two resources, or their schemas, share."""
    taken = {f"schema {each}": "the application" for each in OUR_SCHEMAS}
    taken |= {f"plural {each}": "the application" for each in OUR_PATHS}
    for model, name in names.items():
        where = model.__name__
        own = {f"name {name}", f"plural {plurals[model]}"}
        own |= {f"schema {where}{suffix}" for suffix in SCHEMAS}
        for each in sorted(own):
            kind, _, word = each.partition(" ")
            if not NAME.fullmatch(word):
                problems.append(f"{where}: the {kind} {word!r} must be letters, digits, _ and -")
            if each in taken:
                problems.append(f"{where}: the {kind} {word!r} is taken by {taken[each]}")
            taken[each] = where


def is_own(mapper: Mapper[Any]) -> bool:
    """Whether a class is one of the application's own resources."""
    table, model = mapper.local_table, mapper.class_
    return (
        isinstance(table, Table)
        and table.name.startswith(OUR_PREFIX)
        and "__resource__" in vars(model)
        and model.__module__.partition(".")[0] == __name__.partition(".")[0]
    )


def check_mapping(
    mapper: Mapper[Any],
    fields: Mapping[str, Field],
    relations: Mapping[str, Relation],
    problems: list[str],
) -> None:
    """Report parts of a class's mapping that cannot be served."""
    where, table = mapper.class_.__name__, mapper.local_table
    if mapper.inherits is not None or not isinstance(table, Table):
        problems.append(f"{where}: its records are not the rows of one table of its own")
        return
    if table.name.startswith(OUR_PREFIX) and not is_own(mapper):
        problems.append(f"{where}: table names that begin with {OUR_PREFIX!r} are reserved")
    problems.extend(
        f"{where}.{each.key}: a composite is no field; declare its columns"
        for each in mapper.composites
    )
    problems.extend(
        f"{where}: SQLAlchemy's {each} is not called here, where records are written without"
        " entities; use before_write or after_commit"
        for each in _UNHEARD
        # A composite listens for itself.
        if getattr(mapper.dispatch, each) and not mapper.composites
    )
    for name, field in fields.items():
        if field.primary_key and field.kind in {Kind.JSON, Kind.ARRAY}:
            problems.append(f"{where}.{name}: a key of {field.kind} values has no order")
        if field.primary_key and field.sensitive:
            problems.append(f"{where}.{name}: a key is read by everybody and cannot be sensitive")
        owner = name.partition("__")[0]
        if owner != name and owner in {**fields, **relations}:
            problems.append(
                f"{where}.{name}: reads like a filter of {owner!r}; rename the attribute"
            )
        try:
            adapter_of(field.shape)
        except Exception as error:  # noqa: BLE001 - pydantic, and values it cannot work with
            reason = str(error).rpartition("\n")[2].strip()
            problems.append(f"{where}.{name}: no value can be of its type: {reason}")
        if field.column is not None and isinstance(field.column.type, ExactDecimal):
            problems.extend(
                f"{where}.{name}: {each}" for each in _scaled(field.column, field.column.type)
            )


def _scaled(column: Column[Any], type_: ExactDecimal) -> Iterator[str]:
    """What is wrong with text SQL about a decimal, which SQLite stores as a scaled integer."""
    if type_.scale == 0:
        return
    factor = f"on SQLite the column holds its value times {10**type_.scale}"
    default = getattr(column.server_default, "arg", None)
    if isinstance(default, str | TextClause) and not _is_zero(str(default)):
        yield f"server_default {str(default)!r} is text, but {factor}; give default=Decimal(…)"
    for check in sorted(_checks(column), key=str):
        if not _compares_with_zero(check, column.name):
            yield (
                f"the check {check!r} is text, but {factor}; in text compare the column itself with"
                " 0 only, validate the rest in @validates"
            )


def _is_zero(default: str) -> bool:
    try:
        return Decimal(default.strip("'() ")) == 0
    except InvalidOperation:
        return default.strip().upper() == "NULL"


def _checks(column: Column[Any]) -> set[str]:
    """The checks of the table, or parts of them, that are text and name ``column``."""
    name = re.compile(rf"\b{re.escape(column.name)}\b", re.IGNORECASE)
    rules = {*column.table.constraints, *column.constraints}
    texts = (
        str(part)
        for rule in rules
        if isinstance(rule, CheckConstraint)
        for part in iterate(rule.sqltext)
        if isinstance(part, TextClause)
    )
    return {each for each in texts if name.search(_STRING.sub("", each))}


def _compares_with_zero(check: str, column: str) -> bool:
    """Whether every condition about ``column`` means the same whatever it is multiplied by."""
    name = rf'(?:"?\w+"?\.)?"?{re.escape(column)}"?'
    operator, zero = r"\s*(?:[<>]=?|<>|!=|==?)\s*", r"[+-]?0+(?:\.0*)?"
    allowed = re.compile(
        rf"\s*(?:{name}{operator}{zero}|{zero}{operator}{name}|{name}\s+IS\s+NULL)\s*",
        re.IGNORECASE,
    )
    plain = re.sub(r"\bIS\s+NOT\s+NULL\b", "IS NULL", _STRING.sub("''", check), flags=re.IGNORECASE)
    return all(
        allowed.fullmatch(each)
        for each in _JOINTS.split(plain)
        if re.search(rf"\b{re.escape(column)}\b", each, re.IGNORECASE)
    )


def rules_of(model: type[Any], options: ResourceOptions, problems: list[str]) -> dict[str, Any]:
    """The model's rules as conditions; each that fails is added to ``problems``."""
    where = model.__name__
    rules: dict[str, Any] = {}
    for name, rule in options.rules.items():
        try:
            condition = rule(model)
        except Exception as error:  # noqa: BLE001 - whatever a rule does wrong is reported
            problems.append(f"{where}: rule {name!r} fails: {error}")
            continue
        if not hasattr(condition, "self_group"):
            problems.append(f"{where}: rule {name!r} is not a condition")
        else:
            rules[name] = condition
    return rules


def actions_of(model: type[Any]) -> list[DeclaredAction]:
    """The actions that a class declares or inherits."""
    found = {name: each for cls in reversed(model.__mro__) for name, each in vars(cls).items()}
    return [each for each in found.values() if isinstance(each, DeclaredAction)]


def check_actions(model: type[Any], problems: list[str]) -> None:
    """Report actions that cannot be called as they are, or called at all."""
    taken: set[str] = set(ACTIONS)
    for each in actions_of(model):
        where = f"{model.__name__}: action {each.name!r}"
        if not ACTION_NAME.fullmatch(each.name):
            problems.append(f"{where} must be lower-case letters, digits and -, 32 at most")
        if each.name in taken:
            problems.append(f"{where} is there twice; give another name")
        taken.add(each.name)
        reason = not_callable(each.run)
        if reason:
            problems.append(f"{where} {reason}")
        try:
            _ = each.adapter, each.answers
        except PydanticUserError as error:
            problems.append(f"{where}: {error.message}")


def check_options(
    model: type[Any],
    options: ResourceOptions,
    all_fields: Mapping[type[Any], Mapping[str, Field]],
    relations: Mapping[str, Relation],
    problems: list[str],
) -> None:
    """Report options that name no field, or one that cannot be used so."""
    where, fields = model.__name__, all_fields[model]
    details = [options.detail] if isinstance(options.detail, str) else [*(options.detail or ())]
    titles = [options.title] if options.title else []
    sorts = [each.removeprefix("-") for each in options.sort]
    both = {**fields, **relations}
    named: tuple[tuple[str, Iterable[str], Mapping[str, Any]], ...] = (
        ("list", options.list, both),
        ("filters", options.filters, both),
        ("labels", options.labels, both),
        ("help", options.help, both),
        ("sensitive", options.sensitive, fields),
        ("sort", sorts, fields),
        ("title", titles, fields),
        ("detail", details, fields),
    )
    for option, names, known in named:
        problems.extend(_unknown(f"{where}: {option}", names, known))
    if options.trash is not None:
        field = fields.get(options.trash)
        if field is None or field.kind is not Kind.INSTANT or not field.nullable:
            problems.append(f"{where}: trash names {options.trash!r}, which is no nullable instant")
    problems.extend(
        f"{where}: sort names {name!r}, whose values have no order"
        for name in sorts
        if name in fields and not fields[name].sortable
    )
    problems.extend(
        f"{where}: {option} names {name!r}, which is sensitive"
        for option, names in (("title", titles), ("detail", details))
        for name in names
        if name in fields and fields[name].sensitive
    )
    for path in options.search:
        _check_search(where, path, fields, relations, all_fields, problems)
    problems.extend(check_form(where, options, fields, relations))
    problems.extend(check_widgets(where, options.widgets, fields))
    if not 1 <= options.page_size <= options.page_limit:
        problems.append(f"{where}: page_size must be between 1 and page_limit")


def _unknown(option: str, names: Iterable[str], known: Mapping[str, Any]) -> Iterator[str]:
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            yield f"{option} names {name!r}, which is no field of it{hint}"


def _check_search(
    where: str,
    path: str,
    fields: Mapping[str, Field],
    relations: Mapping[str, Relation],
    all_fields: Mapping[type[Any], Mapping[str, Field]],
    problems: list[str],
) -> None:
    relation, dot, name = path.partition(".")
    if not dot:
        known: Mapping[str, Field] = fields
        name = path
    elif relation in relations:
        known = all_fields[relations[relation].expression.property.mapper.class_]
    else:
        problems.append(f"{where}: search names {path!r}: {relation!r} is no relation of it")
        return
    if name not in known:
        problems.append(f"{where}: search names {path!r}, which is no field")
    elif known[name].kind not in TEXTUAL:
        problems.append(f"{where}: search names {path!r}, which is not text")
    elif known[name].sensitive:
        problems.append(f"{where}: search names {path!r}, which is sensitive")
