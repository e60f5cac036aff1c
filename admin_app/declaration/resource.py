"""``Resource``: the frozen descriptor that everything downstream reads instead of the model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import Any

import pydantic_core
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Table

from admin_app.declaration.actions import DeclaredAction
from admin_app.declaration.base import OUR_PREFIX
from admin_app.declaration.fields import Field, Kind, Reference, Relation
from admin_app.declaration.inlines import Inline, inlines_of
from admin_app.declaration.keys import join_key, split_key
from admin_app.declaration.options import ResourceOptions
from admin_app.declaration.schemas import (
    Schema,
    annotation,
    children_annotation,
    make_schema,
    page_schema,
    set_annotation,
)
from admin_app.declaration.values import adapter_of, from_text, to_text
from admin_app.errors import NotFoundError

_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
"""The canonical form of an integer."""

Key = tuple[Any, ...]
"""The values of a record's key, in the order of ``Resource.key``."""


@dataclass(frozen=True, eq=False)
class Resource:
    """A model as the application serves it. Made by ``Registry.from_base`` only."""

    model: type[Any] = field(repr=False)
    name: str
    plural: str
    label: str
    label_plural: str
    key: tuple[Field, ...] = field(repr=False)
    fields: Mapping[str, Field] = field(repr=False)
    """Columns and hybrids by attribute name, key first, in the order of the declaration."""
    relations: Mapping[str, Relation] = field(repr=False)
    options: ResourceOptions = field(repr=False)
    title: str = field(repr=False)
    """The field that names a record."""
    list: tuple[str, ...] = field(repr=False)
    """Fields and relations that stand in a list."""
    search: tuple[str, ...] = field(repr=False)
    sort: tuple[str, ...] = field(repr=False)
    version: str | None = field(repr=False)
    """The field that counts writes, for models that have one."""
    rules: Mapping[str, Any] = field(repr=False)
    """Named row conditions, as static SQL."""
    target_keys: Mapping[str, tuple[Field, ...]] = field(repr=False)
    """The key of each relation's target."""
    references: tuple[Reference, ...] = field(repr=False)
    """The foreign keys to resources, with a relation or without one."""
    actions: tuple[str, ...] = field(repr=False)
    """The actions that exist here; grants allow them."""
    declared: Mapping[str, DeclaredAction] = field(default_factory=dict, repr=False)
    """The actions that the model declares with ``@action``, by name."""
    fixed: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    """By action, the relations that it may not set."""

    @property
    def own(self) -> bool:
        """Whether it is one of the application's own, which ``*`` in a grant does not include."""
        return self.name.startswith(OUR_PREFIX)

    @property
    def table(self) -> Table:
        return self.model.__table__  # type: ignore[no-any-return]

    @cached_property
    def readable(self) -> Mapping[str, Field]:
        """The fields that can be read: sensitive ones are written and never read back."""
        return {name: each for name, each in self.fields.items() if not each.sensitive}

    @cached_property
    def sets(self) -> Mapping[str, Relation]:
        """The many-to-many relations: those whose value is a set of keys."""
        return {name: each for name, each in self.relations.items() if each.keyed}

    @cached_property
    def children(self) -> Mapping[str, Relation]:
        """The one-to-many relations: those whose records can be written with this one."""
        return {name: each for name, each in self.relations.items() if each.many and each.pointing}

    @cached_property
    def detail(self) -> tuple[str, ...]:
        """The fields that stand beside the title, to tell namesakes apart."""
        given = self.options.detail or ()
        names = (given,) if isinstance(given, str) else given
        return tuple(each for each in names if each in self.readable)

    @cached_property
    def inlines(self) -> tuple[Inline, ...]:
        """The one-to-many relations whose records are written in the form of this one."""
        declared = inlines_of(self.options.inlines)
        return tuple(each for each in declared if each.relation in self.children)

    @cached_property
    def read(self) -> Schema:
        """The schema of a record as it is read."""
        members = {name: annotation(each) for name, each in self.readable.items()}
        members |= self._set_members()
        return make_schema(self.model.__name__, members)

    @cached_property
    def page(self) -> Schema:
        """The schema of a page of records."""
        return page_schema(f"{self.model.__name__}Page", self.read)

    @cached_property
    def create(self) -> Schema:
        """The schema of a create's input."""
        members = {
            name: annotation(each, required=each.required)
            for name, each in self.fields.items()
            if each.creatable
        }
        members |= self._set_members("create") | self._child_members("create")
        return make_schema(f"{self.model.__name__}Create", members)

    @cached_property
    def update(self) -> Schema:
        """The schema of an update's input; no field is required."""
        members = {
            name: annotation(each, required=False)
            for name, each in self.fields.items()
            if each.updatable
        }
        members |= self._set_members("update") | self._child_members("update")
        return make_schema(f"{self.model.__name__}Update", members)

    @cached_property
    def replace(self) -> Schema:
        """The schema of PUT's input: what has no default is required; the key may be repeated."""
        members = {
            name: annotation(each, required=each.required and each.updatable)
            for name, each in self.fields.items()
            if each.updatable or (each.primary_key and each.creatable)
        }
        return make_schema(f"{self.model.__name__}Replace", members | self._set_members("update"))

    def _set_members(self, action: str = "read") -> dict[str, Any]:
        return {
            name: set_annotation(each, self.target_keys[name], reading=action == "read")
            for name, each in self.sets.items()
            if action == "read" or self.settable(each, action)
        }

    def _child_members(self, action: str) -> dict[str, Any]:
        return {
            name: children_annotation(each, creating=action == "create")
            for name, each in self.children.items()
            if name not in self.fixed.get(action, ())
        }

    def settable(self, relation: Relation, action: str) -> bool:
        """Whether a create or an update may set a relation."""
        return relation.writable and relation.name not in self.fixed.get(action, ())

    def key_of(self, values: Mapping[str, Any]) -> Key:
        """The key in a record's values."""
        return tuple(map(values.__getitem__, self._key_names))

    def key_text(self, key: Sequence[Any]) -> str:
        """The canonical text form of a key; see ``keys``."""
        if self._counted and type(key[0]) is int:
            return str(key[0])
        return join_key([to_text(value) for value in self.key_wire(key)])

    def key_wire(self, key: Sequence[Any]) -> tuple[Any, ...]:
        """A key's values as JSON data."""
        return tuple(self.wire(each.name, value) for each, value in zip(self.key, key, strict=True))

    def parse_key(self, text: str) -> Key:
        """Read a key's text form.

        Raises ``NotFoundError`` for text no record's key has: an impossible key is an absent one.
        """
        try:
            if self._counted and _NUMBER.fullmatch(text):
                return (self._adapters[self.key[0].name].validate_python(int(text)),)
            parts = split_key(text)
            if len(parts) != len(self.key):
                raise NotFoundError(self.absent)
            key = tuple(
                self._adapters[each.name].validate_json(
                    pydantic_core.to_json(from_text(each.shape, part))
                )
                for each, part in zip(self.key, parts, strict=True)
            )
            if self.key_text(key) != text:
                raise NotFoundError(self.absent)
        except (ValueError, ValidationError) as error:
            raise NotFoundError(self.absent) from error
        return key

    def key_or_none(self, text: str) -> Key | None:
        """``parse_key``, of text that may be no record's key."""
        try:
            return self.parse_key(text)
        except NotFoundError:
            return None

    def keys_among(self, texts: Iterable[str]) -> Iterator[Key]:
        """The keys among ``texts``, without what is no record's key."""
        return (key for key in map(self.key_or_none, texts) if key is not None)

    def wire(self, name: str, value: Any) -> Any:
        """A field's value as JSON data; null for what JSON has no word for, such as infinity."""
        if value is None or (isinstance(value, float) and not isfinite(value)):
            return None
        if type(value) is int and self.fields[name].kind is Kind.INTEGER:
            return value
        return self._adapters[name].dump_python(value, mode="json")

    @cached_property
    def _adapters(self) -> Mapping[str, TypeAdapter[Any]]:
        return {name: adapter_of(each.shape) for name, each in self.fields.items()}

    @cached_property
    def _key_names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.key)

    @cached_property
    def _counted(self) -> bool:
        """Whether the key is a single integer."""
        return len(self.key) == 1 and self.key[0].kind is Kind.INTEGER

    def reference(self, key: Key) -> Any:
        """The Python value by which other records refer to this key; see ``schemas.key_type``."""
        return key[0] if len(self.key) == 1 else self.key_text(key)

    def reference_wire(self, key: Key) -> Any:
        """A ``reference`` as JSON data."""
        return self.key_wire(key)[0] if len(self.key) == 1 else self.key_text(key)

    def dereference(self, value: Any) -> Key:
        """Read a ``reference`` back into a key.

        Raises ``NotFoundError`` for text that is no key's.
        """
        return (value,) if len(self.key) == 1 else self.parse_key(value)

    @property
    def absent(self) -> str:
        """The sentence that refuses a record that does not exist or is out of sight."""
        return f"There is no such {self.label.lower()}."

    def title_of(self, values: Mapping[str, Any]) -> str:
        """The title of a record with these values; its key where the title is hidden or blank."""
        value = values.get(self.title)
        text = "" if value is None else str(getattr(value, "value", value))
        if any(each.isprintable() and not each.isspace() for each in text):
            return text
        return f"{self.label} {self.key_text(self.key_of(values))}"
