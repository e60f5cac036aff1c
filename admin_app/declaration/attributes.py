"""Make ``Field`` and ``Relation`` of a mapper's attributes: everything a column already says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import eq
from typing import Any

from sqlalchemy import BinaryExpression, Column, Integer, UniqueConstraint
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import ColumnProperty, Mapper, RelationshipProperty
from sqlalchemy.orm.interfaces import MANYTOONE
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BooleanClauseList
from sqlalchemy.types import NullType

from admin_app.database import InexactError, within_bounds
from admin_app.declaration.fields import (
    Field,
    Relation,
    UnsupportedTypeError,
    shape_of,
    words,
)
from admin_app.declaration.options import ResourceOptions
from admin_app.suggestions import did_you_mean

HYBRID = HybridExtensionType.HYBRID_PROPERTY


def fields_of(
    mapper: Mapper[Any], options: ResourceOptions, problems: list[str]
) -> dict[str, Field]:
    """Every column and hybrid of a model; each unsupported one is added to ``problems``."""
    fields: dict[str, Field] = {}
    properties = sorted(mapper.column_attrs, key=lambda each: not _is_key(mapper, each))
    for each in properties:
        if _info(each).get("private"):
            continue  # No door knows of it.
        try:
            fields[each.key] = _column_field(mapper, each, options)
        except UnsupportedTypeError as error:
            problems.append(f"{mapper.class_.__name__}.{each.key}: {error}")
    for name, descriptor in mapper.all_orm_descriptors.items():
        # A private name is where ``hybrid.inplace`` leaves the same hybrid once more.
        if descriptor.extension_type is HYBRID and not str(name).startswith("_"):
            try:
                field = _hybrid_field(mapper, str(name), options)
            except UnsupportedTypeError as error:
                problems.append(f"{mapper.class_.__name__}.{name}: {error}")
                continue
            if field is not None:
                fields[field.name] = field
    return fields


def _info(attribute: ColumnProperty[Any]) -> dict[Any, Any]:
    """What is said of a column or an expression; the latter may have nothing to say it with."""
    return {**getattr(attribute.columns[0], "info", {}), **attribute.info}


def _is_key(mapper: Mapper[Any], attribute: ColumnProperty[Any]) -> bool:
    # By identity: to compare columns is to write SQL.
    return any(each is attribute.columns[0] for each in mapper.primary_key)


def _column_field(
    mapper: Mapper[Any], attribute: ColumnProperty[Any], options: ResourceOptions
) -> Field:
    name, column = attribute.key, attribute.columns[0]
    info = _info(attribute)
    expression = getattr(mapper.class_, name)
    if not isinstance(column, Column):
        try:
            expression = within_bounds(expression)
        except InexactError as error:
            raise UnsupportedTypeError(str(error)) from error
    if isinstance(column.type, NullType) and column.foreign_keys:
        raise UnsupportedTypeError(_lost(column))
    shape = shape_of(column.type, info)
    common: dict[str, Any] = {
        "name": name,
        "shape": shape,
        "label": options.labels.get(name) or info.get("label") or words(name),
        "help": options.help.get(name) or info.get("help") or "",
        "unit": options.units.get(name, ""),
        "tones": options.colors.get(name, {}),
        "expression": expression,
        "sensitive": name in options.sensitive or bool(info.get("sensitive")),
    }
    if not isinstance(column, Column):
        return Field(**common, nullable=True)
    given = _given_by_database(column) or _is_version(mapper, column) or name == options.trash
    read_only = given or bool(info.get("read_only")) or "stamp" in info
    automatic = _numbered(column)
    creatable = not (read_only or automatic or column.onupdate is not None)
    filled = column.default is not None or column.server_default is not None
    return Field(
        **common,
        column=column,
        nullable=bool(column.nullable),
        primary_key=_is_key(mapper, attribute),
        creatable=creatable,
        updatable=creatable and not _is_key(mapper, attribute),
        required=creatable and not column.nullable and not filled,
        unique=_alone_unique(column),
        stamp=info.get("stamp"),
        server_default=column.server_default is not None,
    )


def _lost(column: Any) -> str:
    """Where a foreign key leads that leads nowhere."""
    target = next(iter(column.foreign_keys)).target_fullname
    name, _, far = target.rpartition(".")
    tables = column.table.metadata.tables
    if name not in tables:
        hint = did_you_mean(name, tables)
        return f"its foreign key points to the table {name!r}, which is not declared{hint}"
    hint = did_you_mean(far, tables[name].columns.keys())
    return f"its foreign key points to {target!r}, and the table has no such column{hint}"


def _given_by_database(column: Column[Any]) -> bool:
    return column.computed is not None or (
        column.identity is not None and bool(column.identity.always)
    )


def _is_version(mapper: Mapper[Any], column: Column[Any]) -> bool:
    return mapper.version_id_col is column


def _numbered(column: Column[Any]) -> bool:
    return (
        column.primary_key
        and isinstance(column.type, Integer)
        and column.table.autoincrement_column is column
        and column.default is None
    )


def _alone_unique(column: Column[Any]) -> bool:
    if column.unique or (column.primary_key and len(column.table.primary_key.columns) == 1):
        return True
    rules = [each for each in column.table.constraints if isinstance(each, UniqueConstraint)]
    return any(len(each.columns) == 1 and each.columns.contains_column(column) for each in rules)


def _hybrid_field(mapper: Mapper[Any], name: str, options: ResourceOptions) -> Field | None:
    try:
        expression = getattr(mapper.class_, name)
        type_ = expression.type
        expression = within_bounds(expression)
        shape = shape_of(type_)
    except InexactError as error:
        raise UnsupportedTypeError(str(error)) from error
    except Exception:  # noqa: BLE001 - a hybrid may be for Python only, with any failure in SQL
        return None
    if isinstance(type_, NullType):
        return None
    return Field(
        name=name,
        shape=shape,
        label=options.labels.get(name) or words(name),
        help=options.help.get(name) or "",
        unit=options.units.get(name, ""),
        tones=options.colors.get(name, {}),
        expression=expression,
        nullable=True,
        sensitive=name in options.sensitive,
    )


def relations_of(
    mapper: Mapper[Any],
    options: ResourceOptions,
    names: Mapping[type[Any], str],
    fields: Mapping[str, Field],
) -> dict[str, Relation]:
    """Every relationship whose target is a resource too."""
    return {
        each.key: _relation(mapper, each, options, names, fields)
        for each in mapper.relationships
        if each.mapper.class_ in names
    }


def _relation(
    mapper: Mapper[Any],
    relationship: RelationshipProperty[Any],
    options: ResourceOptions,
    names: Mapping[type[Any], str],
    fields: Mapping[str, Field],
) -> Relation:
    name = relationship.key
    common: dict[str, Any] = {
        "name": name,
        "target": names[relationship.mapper.class_],
        "label": options.labels.get(name) or relationship.info.get("label") or words(name),
        "help": options.help.get(name) or relationship.info.get("help") or "",
        "expression": getattr(mapper.class_, name),
    }
    if relationship.secondary is not None:
        return _set_relation(mapper, relationship, common, names)
    if relationship.direction is not MANYTOONE:
        return Relation(
            **common,
            many=bool(relationship.uselist),
            pointing=_pointing_fields(mapper, relationship),
        )
    local = _local_fields(mapper, relationship)
    owned = [fields[each] for each in local if each in fields]
    return Relation(
        **common,
        many=False,
        fields=local,
        nullable=all(each.nullable for each in owned),
        writable=bool(owned)
        and not relationship.viewonly
        and any(each.creatable for each in owned),
    )


def _pointing_fields(
    mapper: Mapper[Any], relationship: RelationshipProperty[Any]
) -> tuple[tuple[str, str], ...]:
    """The foreign key of the target; none where the relationship asks for more than that."""
    if not joined_by_keys_alone(relationship):
        return ()
    return tuple(
        (
            relationship.mapper.get_property_by_column(remote).key,
            mapper.get_property_by_column(local).key,
        )
        for local, remote in relationship.local_remote_pairs or ()
    )


def joined_by_keys_alone(relationship: RelationshipProperty[Any]) -> bool:
    """Whether a relationship joins by its foreign key alone, without further conditions."""
    join = relationship.primaryjoin
    together = isinstance(join, BooleanClauseList) and join.operator is operators.and_
    conditions = [*join.get_children()] if together else [join]
    return len(conditions) == len(relationship.local_remote_pairs or ()) and all(
        isinstance(each, BinaryExpression) and each.operator is eq for each in conditions
    )


def _local_fields(mapper: Mapper[Any], relationship: RelationshipProperty[Any]) -> tuple[str, ...]:
    """The foreign key attributes, in the order of the target's key; none if it points elsewhere."""
    by_remote = {remote: local for local, remote in relationship.local_remote_pairs or ()}
    try:
        locals_ = [by_remote[column] for column in relationship.mapper.primary_key]
    except KeyError:
        return ()
    return tuple(mapper.get_property_by_column(column).key for column in locals_)


def _set_relation(
    mapper: Mapper[Any],
    relationship: RelationshipProperty[Any],
    common: dict[str, Any],
    resources: Iterable[type[Any]],
) -> Relation:
    secondary: Any = relationship.secondary
    own = tuple(
        (mapper.get_property_by_column(local).key, column.name)
        for local, column in relationship.synchronize_pairs
    )
    target = tuple(
        (relationship.mapper.get_property_by_column(remote).key, column.name)
        for remote, column in relationship.secondary_synchronize_pairs or ()
    )
    linking = {column for _, column in (*own, *target)}
    plain = all(
        column.name in linking
        or column.nullable
        or column.default is not None
        or column.server_default is not None
        for column in secondary.columns
    )
    # Records are written as such: with their own rights, checks and history.
    linked_by_records = any(each.__table__ is secondary for each in resources)
    return Relation(
        **common,
        many=True,
        secondary=secondary,
        own_columns=own,
        target_columns=target,
        writable=plain and not linked_by_records and not relationship.viewonly,
    )
