"""``Representation``: one record as the result of a read or a write."""

from __future__ import annotations

import hashlib
import uuid
from functools import cached_property
from typing import Any

import pydantic_core

from admin_app.declaration import Key, Registry, Resource
from admin_app.records.queries.query import Shape
from admin_app.records.reads.reader import Values


class Answer:
    """A record as JSON, with its entity tag."""

    body: bytes
    state: str
    """The version, else a digest of the whole record: what a precondition of a write is about."""
    truncated: tuple[str, ...] = ()
    """Paths of the lists inside that were cut by their limit."""

    def __init__(self, body: bytes, state: str) -> None:
        self.body = body
        self.state = state

    @property
    def etag(self) -> str:
        """A strong validator (RFC 9110 §8.8.3): the state, and a digest of this answer to it.

        A version alone would not do: rights change what is answered, and a key can come back.
        """
        answered = digest(self.body)
        return f'"{self.state}"' if self.state == answered else f'"{self.state}.{answered}"'


class Representation(Answer):
    """A record's values by field, set and included relation; key, JSON and tag are made on demand.

    A write that answers it as JSON makes that before the commit: what cannot be JSON is not
    committed.
    """

    change_set: uuid.UUID | None = None
    """The change set of the write that returned it, if that changed anything."""

    def __init__(self, resource: Resource, values: Values) -> None:
        self.resource = resource
        self.values = values

    @property
    def key(self) -> Key:
        return self.resource.key_of(self.values)

    @cached_property
    def body(self) -> bytes:  # type: ignore[override]
        return self.resource.read.dump(self.values)

    @cached_property
    def state(self) -> str:  # type: ignore[override]
        return _state(self.resource, self.values, b"" if self.resource.version else self.body)

    @property
    def key_text(self) -> str:
        return self.resource.key_text(self.key)

    @property
    def title(self) -> str:
        return self.resource.title_of(self.values)

    def matches(self, tag: str) -> bool:
        """Whether an entity tag was made of this state of the record, in whatever shape."""
        return tag == f'"{self.state}"' or (tag.startswith(f'"{self.state}.') and tag[-1] == '"')


def tag_of(resource: Resource, values: Values) -> str:
    """The entity tag of a row's state, for preconditions; of a whole row if it has no version."""
    body = b"" if resource.version else resource.read.dump(values)
    return f'"{_state(resource, values, body)}"'


def answer(body: bytes, version: Any) -> Answer:
    """Make the answer of a record that was read as JSON; without a version it must be whole."""
    return Answer(body, digest(body) if version is None else str(version))


def shaped(
    seen: Registry,
    resource: Resource,
    values: Values,
    whole: Values,
    shape: Shape,
    truncated: tuple[str, ...],
) -> Representation:
    """Represent a row that was read in a shape; ``whole`` determines its state."""
    made = Representation(resource, values)
    made.body = as_json(wire(resource, seen, shape, values))
    made.state = _state(resource, whole, b"" if resource.version else resource.read.dump(whole))
    made.truncated = truncated
    return made


def wire(resource: Resource, seen: Registry, shape: Shape, values: Values) -> Values:
    """A row in its shape as JSON data; ``seen`` is the registry as the actor sees it."""
    shown = [*shape.fields_of(resource), *shape.sets_of(resource)]
    data = resource.read.wire({name: values[name] for name in shown})
    for each in shape.includes:
        target, inner = seen.target(each.relation), each.query.shape
        found = values[each.relation.name]
        data[each.relation.name] = (
            [wire(target, seen, inner, one) for one in found]
            if isinstance(found, list)
            else found and wire(target, seen, inner, found)
        )
    return data


def _state(resource: Resource, values: Values, body: bytes) -> str:
    return digest(body) if resource.version is None else str(values[resource.version])


def as_json(data: Any) -> bytes:
    """JSON data as JSON, which has no word for infinity: what is no number is null."""
    return pydantic_core.to_json(data, inf_nan_mode="null")


def digest(body: bytes) -> str:
    """The digest of an answer that stands in its entity tag."""
    # Processors have instructions for it, which makes it the fastest that cannot be foreseen.
    return hashlib.sha256(body).hexdigest()[:24]
