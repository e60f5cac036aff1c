"""The column values of a row to be written: values, nulls, and the next version."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Column, Integer

from admin_app.declaration import Kind, Resource
from admin_app.records.reads.reader import Values


class Given(NamedTuple):
    """The values of one row of a statement."""

    values: dict[str, Any]
    """Values by the key of their column."""
    nulls: frozenset[str]
    """Columns that are null, where None would be something else."""

    @property
    def form(self) -> tuple[Any, ...]:
        """The form of a row: rows of one form are written by one statement."""
        return (tuple(self.values), self.nulls)


class RowValues:
    """The columns of one resource, of which everything is known."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        attributes = resource.model.__mapper__.column_attrs
        self.columns: dict[str, Any] = {each.key: each.columns[0] for each in attributes}
        """By field, those of the table that the model has."""
        self._alike = all(name == each.key for name, each in self.columns.items())
        """Whether fields and columns have the same names."""
        self._own_nulls = tuple(
            name for name, each in resource.fields.items() if each.kind in _OWN_NULLS
        )
        unset = (each.key for each in resource.table.columns if _is_null_unless_set(each))
        self.unset: dict[str, Any] = dict.fromkeys(unset)
        """By the key of their column, null for what a new row has null unless it is given."""
        self._generate = resource.model.__mapper__.version_id_generator
        counted = None if resource.version is None else self.columns[resource.version]
        self.counts = (
            counted is not None
            and isinstance(counted.type, Integer)
            and self._generate is not False
        )
        """Whether each write raises the version by one."""

    @cached_property
    def version_key(self) -> str | None:
        """The key of the column that a new row is given its first version in."""
        version = self.resource.version
        if version is None or self._generate is False:
            return None
        key: str = self.columns[version].key
        return key

    @property
    def first_version(self) -> Any:
        """That version."""
        return self._generate(None)

    def new(self, values: Values) -> Given:
        """The values of a new row; columns that would be null anyway are given as null.

        So rows of which different fields are given can be inserted together.
        """
        given, nulls = self.changed(values)
        new = self.unset | given
        for key in nulls:
            new.pop(key, None)
        if self.version_key is not None:
            new.setdefault(self.version_key, self.first_version)
        return Given(new, nulls)

    def changed(self, values: Values) -> Given:
        """Values by field as columns take them."""
        nulls = [name for name in self._own_nulls if name in values and values[name] is None]
        if self._alike and not nulls:
            return Given(values, _NO_NULLS)
        given = {self.columns[name].key: value for name, value in values.items()}
        keys = [self.columns[name].key for name in nulls]
        for key in keys:
            del given[key]
        return Given(given, frozenset(keys))

    def next_version(self, before: Values) -> Values:
        """The version that a row has next, where that is not its number and one."""
        version = self.resource.version
        if version is None or self.counts or self._generate is False:
            return {}
        return {version: self._generate(before[version])}


_OWN_NULLS = frozenset({Kind.JSON, Kind.ARRAY})
"""Kinds whose columns may take None for the JSON text null."""
_NO_NULLS: frozenset[str] = frozenset()


def _is_null_unless_set(column: Column[Any]) -> bool:
    """Whether a new row has null there, if nothing is given."""
    filled = column.default, column.server_default, column.computed, column.identity
    return (
        not column.primary_key
        and all(each is None for each in filled)
        and not column.type.should_evaluate_none
        and not isinstance(column.type, ARRAY)
    )
