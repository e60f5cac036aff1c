"""Batches: writes of several resources in one transaction, later ones referring to earlier ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NoReturn, NotRequired, Required

import pydantic_core
from pydantic import Discriminator, Tag, WithJsonSchema
from pydantic import Field as About

from admin_app.declaration import Kind, Registry, Resource
from admin_app.declaration.schemas import TagText, make_schema
from admin_app.declaration.values import annotated, list_of
from admin_app.errors import InvalidInputError
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.places import Place, at
from admin_app.records.writes.tags import tags_of
from admin_app.records.writes.writer import Writer
from admin_app.suggestions import meant

MAX_OPERATIONS = 200
REFERENCE = "$ref"

Operation = Mapping[str, Any]
Op = Literal["create", "update", "delete"]

_Name = Annotated[
    str,
    About(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"),
]
_ResourceName = Annotated[str, About(strict=True, max_length=200)]
_Data = Annotated[
    dict[str, Any],
    About(description="As in a request of its own; a value may be an earlier operation's."),
]
_KEY = {
    "anyOf": [
        {"type": "string"},
        # Its one member is not named: readers of documents take it for a reference of their own.
        {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "minProperties": 1,
            "maxProperties": 1,
        },
    ],
    "description": "In the text form of keys, or that of an earlier operation's record.",
}
_Key = Annotated[Any, WithJsonSchema(_KEY)]
_AS = Annotated[_Name, About(description="What later operations call it.")]

BATCH_CREATE = make_schema(
    "BatchCreate",
    {
        "op": Required[Literal["create"]],
        "resource": _ResourceName,
        "data": _Data,
        "as": NotRequired[_AS],
    },
)
BATCH_UPDATE = make_schema(
    "BatchUpdate",
    {
        "op": Required[Literal["update"]],
        "resource": _ResourceName,
        "key": _Key,
        "data": _Data,
        "if_match": NotRequired[TagText],
        "as": NotRequired[_AS],
    },
)
BATCH_DELETE = make_schema(
    "BatchDelete",
    {
        "op": Required[Literal["delete"]],
        "resource": _ResourceName,
        "key": _Key,
        "if_match": NotRequired[TagText],
    },
)
_OPS = {"create": BATCH_CREATE, "update": BATCH_UPDATE, "delete": BATCH_DELETE}


def _form(value: Any) -> str | None:
    op = value.get("op") if isinstance(value, Mapping) else None
    return f"[{op}]" if isinstance(op, str) and op in _OPS else None


_Operation = annotated(
    annotated(BATCH_CREATE.typed, Tag("[create]"))
    | annotated(BATCH_UPDATE.typed, Tag("[update]"))
    | annotated(BATCH_DELETE.typed, Tag("[delete]")),
    Discriminator(
        _form,
        custom_error_type="unknown_op",
        custom_error_message=f"Give an object whose op is one of {', '.join(_OPS)}.",
    ),
)
BATCH = make_schema(
    "Batch",
    {"operations": annotated(list_of(_Operation), About(min_length=1, max_length=MAX_OPERATIONS))},
)


@dataclass(frozen=True, slots=True)
class Done:
    """One operation's outcome."""

    op: Op
    resource: Resource
    key: str
    record: Representation | None = None


async def run_batch(
    writer: Writer, registry: Registry, known: Collection[str], operations: Sequence[Operation]
) -> list[Done]:
    """Do operations one after the other.

    ``registry`` is as the actor sees it, ``known`` are the names of the resources they may do
    anything to. Raises what the first one raises that is refused, with its place.
    """
    batch = _Batch(writer, registry, known)
    return [await batch.run(each, ("operations", at_)) for at_, each in enumerate(operations)]


@dataclass(slots=True)
class _Batch:
    writer: Writer
    registry: Registry
    known: Collection[str]
    named: dict[str, Representation] = field(default_factory=dict)

    async def run(self, operation: Operation, place: Place) -> Done:
        resource = self._resource(operation["resource"], (*place, "resource"))
        name = operation.get("as")
        if name in self.named:
            _refuse("repeated", "An operation before it is called so.", (*place, "as"))
        done = await self._do(resource, operation, place)
        if name is not None and done.record is not None:
            self.named[name] = done.record
        return done

    async def _do(self, resource: Resource, operation: Operation, place: Place) -> Done:
        op = operation["op"]
        if op == "create":
            data = self._filled(resource, operation["data"], (*place, "data"))
            with at(place, data=("data",)):
                made = await self.writer.create(resource, data)
            return Done(op, resource, made.key_text, made)
        text = self._key(operation["key"], (*place, "key"))
        # Before the key is looked at, or it would tell those apart who may not look.
        with at(place):
            self.writer.seen(resource, "read")
        with at((*place, "key")):
            key = resource.parse_key(text)
        with at(place):
            tags = tags_of(resource, operation)
        if op == "delete":
            with at(place):
                await self.writer.delete(resource, key, if_match=tags)
            return Done(op, resource, text)
        data = self._filled(resource, operation["data"], (*place, "data"))
        with at(place, data=("data",)):
            made = await self.writer.update(resource, key, data, if_match=tags)
        return Done(op, resource, made.key_text, made)

    def _resource(self, name: str, place: Place) -> Resource:
        if name not in self.known:
            words = "There is no such resource." + meant(name, self.known)
            _refuse("unknown_resource", words, place)
        return self.registry[name]

    def _key(self, given: Any, place: Place) -> str:
        reference = _reference(given)
        if reference is not None:
            return self._named(reference, place).key_text
        if not isinstance(given, str):
            _refuse("string_type", "Enter text.", place)
        return given

    def _filled(self, resource: Resource, data: Mapping[str, Any], place: Place) -> dict[str, Any]:
        """The data with what its references stand for, where a value or a key is expected.

        In JSON an object is a value like any other, and stays what it is.
        """
        return {
            name: self._member(resource, name, value, (*place, name))
            for name, value in data.items()
        }

    def _member(self, resource: Resource, name: str, value: Any, place: Place) -> Any:
        if name in resource.children:
            return self._children(resource, name, value, place)
        if name in resource.sets and isinstance(value, Mapping):
            return {way: self._values(each, (*place, way)) for way, each in value.items()}
        if name in resource.sets:
            return self._values(value, place)
        known = resource.fields.get(name)
        if known is not None and known.kind in {Kind.JSON, Kind.ARRAY}:
            return value
        return self._value(value, place)

    def _children(self, resource: Resource, name: str, value: Any, place: Place) -> Any:
        target = self.registry.target(resource.relations[name])
        if not isinstance(value, Mapping):
            return value
        filled = dict(value)
        for way, inside in (("create", ()), ("update", ("data",))):
            given = value.get(way)
            if isinstance(given, list):
                filled[way] = [
                    self._child(target, each, inside, (*place, way, index))
                    for index, each in enumerate(given)
                ]
        return filled

    def _child(self, target: Resource, given: Any, inside: tuple[str, ...], place: Place) -> Any:
        if not isinstance(given, Mapping):
            return given
        if not inside:
            return self._filled(target, given, place)
        (name,) = inside
        data = given.get(name)
        if not isinstance(data, Mapping):
            return given
        return {**given, name: self._filled(target, data, (*place, name))}

    def _values(self, given: Any, place: Place) -> Any:
        if not isinstance(given, list):
            return given
        return [self._value(each, (*place, index)) for index, each in enumerate(given)]

    def _value(self, given: Any, place: Place) -> Any:
        reference = _reference(given)
        if reference is None:
            return given
        name, dot, answered = reference.partition(".")
        found = self._named(name, place)
        if not dot:
            return found.resource.reference_wire(found.key)
        values = pydantic_core.from_json(found.body)
        if answered not in values:
            words = f"{name} has no such field." + meant(answered, values)
            _refuse("unknown_reference", words, place)
        return values[answered]

    def _named(self, name: str, place: Place) -> Representation:
        if name not in self.named:
            known = ", ".join(self.named) or "none yet"
            words = f"No earlier operation is called so. Known are {known}."
            _refuse("unknown_reference", words, place)
        return self.named[name]


def _reference(given: Any) -> str | None:
    """What a reference names, where ``given`` is one."""
    if isinstance(given, Mapping) and len(given) == 1 and isinstance(given.get(REFERENCE), str):
        return str(given[REFERENCE])
    return None


def _refuse(code: str, detail: str, place: Place) -> NoReturn:
    raise InvalidInputError.about(place, code, detail)
