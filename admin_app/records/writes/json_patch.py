"""JSON Patch (RFC 6902): operations on a record as the actor reads it.

Written here because the one library for it has no types and forgives what this must not: it knows
no bounds, takes ``true`` for 1, and names no place in the patch for what it refuses.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field as About
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from admin_app.declaration import Key, Resource
from admin_app.declaration.schemas import refusal
from admin_app.declaration.values import MAX_JSON_DEPTH, TOO_DEEP
from admin_app.errors import (
    AppError,
    ConflictError,
    FieldError,
    InvalidInputError,
    NotFoundError,
    StaleVersionError,
)
from admin_app.records.reads.representation import Representation
from admin_app.records.writes.rows import check_unchanged
from admin_app.records.writes.writer import Writer

MAX_OPERATIONS = 1_000
MAX_CARRIED = 1024 * 1024
"""Characters of JSON that the copies and moves of one patch carry: copies could double for ever."""
MAX_POINTER = 4_096

_Pointer = Annotated[str, About(strict=True, max_length=MAX_POINTER)]
Operation = TypedDict(
    "Operation",
    {
        "op": Literal["add", "remove", "replace", "move", "copy", "test"],
        "path": _Pointer,
        "from": NotRequired[_Pointer],
        "value": NotRequired[Any],
    },
)
"""Members that are not defined for an operation are ignored (RFC 6902 §4)."""
OPERATIONS: TypeAdapter[list[Operation]] = TypeAdapter(
    Annotated[list[Operation], About(max_length=MAX_OPERATIONS)]
)
_NEEDED = {"add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from"}
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_ROOT = ""


async def patch(
    writer: Writer,
    resource: Resource,
    key: Key,
    body: bytes,
    *,
    if_match: Collection[str] | None = None,
) -> Representation:
    """Change a record by a JSON Patch; what differs afterwards is an update.

    Raises what ``Writer.update`` does, and ``ConflictError`` for an operation that does not fit the
    record as it is, a test that fails among them. Pointers lead into the patch.
    """
    # First of all, as in an update.
    writer.seen(resource, "read")
    operations = parse(body)
    with suppress(StaleVersionError):
        # The second time the row is locked, so nobody is in between.
        return await _patch(writer, resource, key, operations, if_match)
    return await _patch(writer, resource, key, operations, if_match)


async def _patch(
    writer: Writer,
    resource: Resource,
    key: Key,
    operations: Sequence[Operation],
    if_match: Collection[str] | None,
) -> Representation:
    seen = writer.seen(resource)
    found = await writer.find(seen, seen.key, [key], sets=True)
    if not found:
        raise NotFoundError(seen.absent)
    writer.seen(resource, "update")
    now = Representation(seen, found[key][0])
    check_unchanged(seen, now.values, if_match)
    document = seen.read.wire(now.values)
    after = apply(document, operations)
    differing = {
        name: _emptied(seen, name) if name not in after else after[name]
        for name in {**document, **after}
        if name not in document or name not in after or _text(document[name]) != _text(after[name])
    }
    try:
        return await writer.update(seen, key, differing, if_match=[now.etag])
    except StaleVersionError:
        raise
    except AppError as error:
        error.errors = tuple(_at_operation(each, operations) for each in error.errors)
        raise


def parse(body: bytes) -> list[Operation]:
    """Read a patch. Raises ``BadRequestError`` (not JSON) and ``InvalidInputError``."""
    try:
        operations = OPERATIONS.validate_json(body)
    except ValidationError as error:
        raise refusal(error) from error
    errors = [
        FieldError((index, _NEEDED[each["op"]]), "required", "A value is needed.")
        for index, each in enumerate(operations)
        if each["op"] in _NEEDED and _NEEDED[each["op"]] not in each
    ]
    if errors:
        msg = "The patch is not whole."
        raise InvalidInputError(msg, errors=errors)
    return operations


def apply(document: Any, operations: Sequence[Operation]) -> dict[str, Any]:
    """Apply a patch to a document and return the new one; ``document`` stays as it is.

    Raises ``ConflictError`` where it does not fit, ``InvalidInputError`` for what fits nowhere.
    """
    return _Patching(copy.deepcopy(document)).result(operations)


class _Patching:
    def __init__(self, document: Any) -> None:
        self._root = {_ROOT: document}
        self._carried = 0
        self._index = 0

    def result(self, operations: Sequence[Operation]) -> dict[str, Any]:
        for self._index, each in enumerate(operations):
            self._do(each)
        document = self._root[_ROOT]
        if not isinstance(document, dict):
            raise self._wrong("path", "dict_type", "What is left is no object.")
        return document

    def _do(self, each: Operation) -> None:
        path = self._tokens(each["path"], "path")
        match each["op"]:
            case "test":
                if not _equal(self._get(path, "path"), each["value"]):
                    raise self._misfit("value", "test_failed", "The value is another one.")
            case "add":
                self._put(path, each["value"])
            case "replace":
                self._get(path, "path")
                self._put(path, each["value"], replacing=True)
            case "remove":
                self._take(path, "path")
            case "copy":
                found = self._get(self._tokens(each["from"], "from"), "from")
                self._carry(found)
                self._put(path, copy.deepcopy(found))
            case "move":
                self._move(each, path)

    def _move(self, each: Operation, path: list[str]) -> None:
        source = self._tokens(each["from"], "from")
        if len(source) < len(path) and path[: len(source)] == source:
            raise self._wrong("path", "bad_value", "Nothing is moved into itself.")
        found = self._get(source, "from")
        if source != path:
            self._carry(found)
            self._put(path, self._take(source, "from"))

    def _get(self, path: list[str], member: str) -> Any:
        holder = self._holder(path, member)
        name = path[-1]
        if isinstance(holder, dict) and name in holder:
            return holder[name]
        if isinstance(holder, list) and _INDEX.fullmatch(name) and int(name) < len(holder):
            return holder[int(name)]
        raise self._misfit(member, "no_such_place", "There is nothing at this place.")

    def _put(self, path: list[str], value: Any, *, replacing: bool = False) -> None:
        if _deeper(value, MAX_JSON_DEPTH - len(path) + 2):  # Within a member of the document.
            raise self._wrong("path", "too_deep", TOO_DEEP)
        holder, name = self._holder(path, "path"), path[-1]
        if isinstance(holder, dict):
            holder[name] = value
        elif not isinstance(holder, list):
            raise self._misfit("path", "no_such_place", "There is nothing at this place.")
        elif replacing:
            holder[int(name)] = value
        elif name == "-":
            holder.append(value)
        elif _INDEX.fullmatch(name) and int(name) <= len(holder):
            holder.insert(int(name), value)
        else:
            raise self._misfit("path", "no_such_place", "The list has no such place.")

    def _take(self, path: list[str], member: str) -> Any:
        found = self._get(path, member)
        holder = self._holder(path, member)
        if isinstance(holder, dict):
            del holder[path[-1]]
        else:
            del holder[int(path[-1])]
        if _ROOT not in self._root:
            raise self._wrong(member, "dict_type", "The whole record cannot be taken away.")
        return found

    def _holder(self, path: list[str], member: str) -> Any:
        """The container that the last part of a path is looked up in."""
        return self._root if len(path) == 1 else self._get(path[:-1], member)

    def _tokens(self, pointer: str, member: str) -> list[str]:
        """The names on the way from what holds the document (RFC 6901)."""
        if not re.fullmatch(r"(?:/(?:[^/~]|~[01])*+)*+", pointer):
            msg = "A pointer is empty or begins with /, and after ~ comes 0 or 1."
            raise self._wrong(member, "format", msg)
        return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")]

    def _carry(self, value: Any) -> None:
        self._carried += len(_text(value))
        if self._carried > MAX_CARRIED:
            msg = f"Copies and moves carry at most {MAX_CARRIED:,} characters."
            raise self._wrong("from", "too_long", msg)

    def _misfit(self, member: str, code: str, detail: str) -> ConflictError:
        error = FieldError((self._index, member), code, detail)
        return ConflictError("The patch does not fit the record as it is.", errors=[error])

    def _wrong(self, member: str, code: str, detail: str) -> InvalidInputError:
        error = FieldError((self._index, member), code, detail)
        return InvalidInputError("The patch cannot be applied.", errors=[error])


def _emptied(resource: Resource, name: str) -> Any:
    """The value of a member after its removal."""
    return [] if name in resource.sets else None


def _at_operation(error: FieldError, operations: Sequence[Operation]) -> FieldError:
    """An update's error where the patch is at fault: the last operation on that member."""
    name = str(error.path[0]) if error.path else _ROOT
    places = [
        index
        for index, each in enumerate(operations)
        if each["op"] != "test" and name in {_member(each["path"]), _member(each.get("from", ""))}
    ]
    return FieldError((places[-1],), error.code, error.detail) if places else error


def _member(pointer: str) -> str:
    name = pointer.split("/")[1] if pointer else _ROOT
    return name.replace("~1", "/").replace("~0", "~")


def _equal(one: Any, other: Any) -> bool:
    """Equality of JSON (RFC 6902 §4.6): of numbers by value; true is no number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in each other more than ``levels`` deep."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return levels <= 0 or any(_deeper(each, levels - 1) for each in value)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
