"""The create, update and read schemas of a resource, derived from its fields.

They are TypedDicts: any attribute name is possible, fields that were sent can be told from those
that were not, and rows become bytes without a model object between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import getitem
from typing import Annotated, Any, NotRequired, Required

import pydantic_core
from pydantic import (
    ConfigDict,
    Discriminator,
    RootModel,
    Tag,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic import Field as About
from typing_extensions import TypedDict

from admin_app.declaration.fields import Field, Relation
from admin_app.declaration.values import (
    MAX_JSON_DEPTH,
    TOO_DEEP,
    annotated,
    list_of,
    wire_type,
)
from admin_app.errors import MAX_ERRORS, BadRequestError, FieldError, InvalidInputError

_STRICT = ConfigDict(extra="forbid")
_RECURSION = "recursion limit exceeded"
"""The parser's message for a document that nests too deep."""
INVALID = "Some values are not valid."
_MOST_LOOKED_AT = 10_000
"""The most mistakes of one body that are listed: pydantic makes an object of each."""
MAX_SET = 10_000
"""Keys of a many-to-many relation that one request names."""
MAX_CHILDREN = 1_000
"""Records of a one-to-many relation that one request writes with theirs."""
MAX_KEY = 1_000
"""Characters of a key's text form, or of an entity tag, in a body."""


@dataclass(frozen=True)
class Schema:
    """One direction of a resource: validate input, or write output."""

    name: str
    typed: Any
    """The TypedDict."""

    @cached_property
    def adapter(self) -> TypeAdapter[dict[str, Any]]:
        """The validator and serializer; made at first use, which takes a millisecond."""
        return TypeAdapter(self.typed)

    @cached_property
    def model(self) -> type[RootModel[Any]]:
        """The schema as a Pydantic class, for hosts that ask for one."""
        body = {
            "__module__": __name__,
            "__annotations__": {"root": self.typed},
            # No request is validated by it, so nothing is built for it.
            "model_config": ConfigDict(defer_build=True),
        }
        return type(self.name, (RootModel,), body)

    def parse(self, raw: bytes | Mapping[str, Any]) -> dict[str, Any]:
        """Validate a JSON document, or a mapping of wire values, to Python values.

        Only what was given is in the result. Raises ``BadRequestError`` for what is not JSON and
        ``InvalidInputError`` naming every field that is wrong.
        """
        body = raw if isinstance(raw, bytes) else _to_json(raw)
        try:
            return self.adapter.validate_json(body)
        except ValidationError as error:
            raise refusal(error, known=tuple(self.typed.__annotations__)) from error

    def dump(self, values: Mapping[str, Any]) -> bytes:
        """Write values as JSON."""
        return self.adapter.dump_json(values)  # type: ignore[arg-type]

    def wire(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as JSON data, as ``dump`` writes them."""
        return self.adapter.dump_python(values, mode="json")  # type: ignore[arg-type, no-any-return]


def make_schema(name: str, members: Mapping[str, Any]) -> Schema:
    """Make a schema of annotated members that refuses unknown ones."""
    return Schema(name, _typed(name, members))


def _typed(name: str, members: Mapping[str, Any]) -> Any:
    return with_config(_STRICT)(TypedDict(name, dict(members)))  # type: ignore[operator]


class PageInfo(TypedDict):
    """Where a page stands in its list."""

    limit: int
    next: Annotated[str | None, About(description="Cursor of the next page.")]
    previous: Annotated[str | None, About(description="Cursor of the previous page.")]
    total: Annotated[
        int | None, About(description="Records in the whole list, where count asked for it.")
    ]


def page_schema(name: str, items: Schema) -> Schema:
    """Make the schema of a page of ``items``."""
    return make_schema(name, {"data": list_of(items.typed), "page": PageInfo})


def annotation(field: Field, *, required: bool | None = None) -> Any:
    """Annotate a field for a schema; ``required`` none: always present (reading)."""
    base = wire_type(field.shape)
    nullable = field.optional if required is None else field.nullable
    value = (base | None) if nullable else base
    about = About(title=field.label, description=field.help or None)
    member = annotated(value, about)
    if required is None:
        return member
    return getitem(Required if required else NotRequired, member)


def key_type(fields: tuple[Field, ...]) -> Any:
    """The JSON type of a reference to a record: its key's value, or the text of a composite key."""
    return wire_type(fields[0].shape) if len(fields) == 1 else str


def set_annotation(relation: Relation, target_key: tuple[Field, ...], *, reading: bool) -> Any:
    """Annotate a many-to-many relation: the list of the target's keys.

    A write takes the whole list, or an object with the keys to ``add`` and ``remove``.
    """
    about = About(title=relation.label, description=relation.help or None)
    keys = annotated(list_of(key_type(target_key)), About(max_length=MAX_SET))
    if reading:
        return annotated(keys, about)
    name = relation.expression.property.mapper.class_.__name__
    whole = _typed(f"{name}Set", {"set": Required[keys]})
    edit = _typed(f"{name}SetEdit", {"add": NotRequired[keys], "remove": NotRequired[keys]})
    forms = annotated(keys, Tag(LIST)) | annotated(whole, Tag(WHOLE)) | annotated(edit, Tag(EDIT))
    return getitem(NotRequired, annotated(forms, Discriminator(_form_of_set), about))


LIST, WHOLE, EDIT = "[list]", "[set]", "[edit]"
"""Tags of the forms in which a set is written."""


def _form_of_set(value: Any) -> str:
    if not isinstance(value, Mapping):
        return LIST
    return WHOLE if "set" in value else EDIT


KeyText = Annotated[
    str, About(strict=True, max_length=MAX_KEY, description="In the text form of keys.")
]
TagText = Annotated[
    str, About(strict=True, max_length=MAX_KEY, description="The ETag that was read.")
]
_Children = Annotated[list[dict[str, Any]], About(max_length=MAX_CHILDREN)]


@with_config(_STRICT)
class ChildUpdate(TypedDict):
    """A record of a one-to-many relation to be changed, and the changes."""

    key: KeyText
    data: dict[str, Any]
    if_match: NotRequired[TagText]


@with_config(_STRICT)
class ChildDelete(TypedDict):
    """A record of a one-to-many relation to be deleted, if it still is the version given."""

    key: KeyText
    if_match: NotRequired[TagText]


ITEM, KEY = "[object]", "[key]"
"""Tags of the forms in which a record to be deleted is named."""


def _form_of_delete(value: Any) -> str:
    return ITEM if isinstance(value, Mapping) else KEY


_Delete = Annotated[
    Annotated[KeyText, Tag(KEY)] | Annotated[ChildDelete, Tag(ITEM)],
    Discriminator(_form_of_delete),
]


@with_config(_STRICT)
class ChildrenCreate(TypedDict):
    """The records of a one-to-many relation to be created with a new record."""

    create: NotRequired[_Children]


@with_config(_STRICT)
class ChildrenUpdate(TypedDict):
    """Edits of the records of a one-to-many relation; those not named stay as they are."""

    create: NotRequired[_Children]
    update: NotRequired[Annotated[list[ChildUpdate], About(max_length=MAX_CHILDREN)]]
    delete: NotRequired[Annotated[list[_Delete], About(max_length=MAX_CHILDREN)]]


def children_annotation(relation: Relation, *, creating: bool) -> Any:
    """Annotate a one-to-many relation that is written with its record.

    The children are validated by their own schemas: they may nest without end.
    """
    about = About(title=relation.label, description=relation.help or None)
    return getitem(NotRequired, annotated(ChildrenCreate if creating else ChildrenUpdate, about))


def refusal(
    error: ValidationError, *, known: tuple[str, ...] = ()
) -> BadRequestError | InvalidInputError:
    """Translate pydantic's errors into our words and paths; ``known`` are the possible names."""
    if error.error_count() > _MOST_LOOKED_AT:
        words = f"More than {_MOST_LOOKED_AT:,} of its parts are wrong."
        return InvalidInputError(INVALID, errors=[FieldError((), "too_many_mistakes", words)])
    found = error.errors(include_url=False, include_input=False)
    if any(each["type"] == "json_invalid" for each in found):
        if _RECURSION in found[0]["msg"]:
            return BadRequestError.about((), "too_deep", TOO_DEEP)
        reason = str(found[0].get("ctx", {}).get("error", "")).partition(" at line")[0]
        return BadRequestError(f"The body is not JSON: {reason}." if reason else "Not JSON.")
    errors = [
        FieldError(_path(each["loc"]), _code(each["type"]), _words(each, known))
        for each in found[:MAX_ERRORS]
    ]
    return InvalidInputError(INVALID, errors=errors)


def _to_json(values: Mapping[str, Any]) -> bytes:
    # Before it is written: at some depth pydantic gives up, in words that name no field.
    deep = [name for name, value in values.items() if deeper(value, MAX_JSON_DEPTH)]
    if deep:
        errors = [FieldError((name,), "too_deep", TOO_DEEP) for name in deep]
        raise InvalidInputError(INVALID, errors=errors)
    return pydantic_core.to_json(values)


def deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects nest more than ``levels`` deep."""
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels == 0 or any(deeper(each, levels - 1) for each in value)


def _path(place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """A pydantic location without the tags of alternatives, which are written in brackets."""
    return tuple(part for part in place if not _TAG.fullmatch(str(part)))


_TAG = re.compile(r"\[[a-z]+\]")


_CODES = {"missing": "required", "extra_forbidden": "unknown_field"}


def _code(kind: str) -> str:
    return _CODES.get(kind, kind)


_SENTENCES = {
    "missing": "A value is needed.",
    "extra_forbidden": "There is no such field.",
    "int_type": "Enter a whole number.",
    "int_parsing": "Enter a whole number.",
    "float_type": "Enter a number.",
    "finite_number": "Enter a finite number.",
    "decimal_type": "Enter a decimal number.",
    "decimal_parsing": "Enter a decimal number.",
    "bool_type": "Choose true or false.",
    "string_type": "Enter text.",
    "list_type": "Give a list.",
    "dict_type": "Give an object.",
    "uuid_type": "Enter a UUID.",
    "uuid_parsing": "Enter a UUID.",
    "string_too_long": "At most {max_length} characters.",
    "too_long": "At most {max_length} items.",
    "too_short": "At least {min_length} items.",
    "greater_than_equal": "At least {ge}.",
    "less_than_equal": "At most {le}.",
    "decimal_max_digits": "At most {max_digits} digits.",
    "decimal_max_places": "At most {decimal_places} digits after the point.",
    "decimal_whole_digits": "At most {whole_digits} digits before the point.",
    "date_parsing": "There is no such date.",
    "date_from_datetime_parsing": "There is no such date.",
    "time_parsing": "There is no such time.",
    "datetime_parsing": "There is no such date and time.",
    "datetime_from_date_parsing": "There is no such date and time.",
}


def _words(found: Any, known: tuple[str, ...]) -> str:
    if found["type"] == "extra_forbidden" and known and len(found["loc"]) == 1:
        return f"No such field is written here. Known are {', '.join(known)}."
    sentence = _SENTENCES.get(found["type"])
    if sentence is None:
        return str(found["msg"])
    return sentence.format_map(found.get("ctx", {}))
