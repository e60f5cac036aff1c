"""Preconditions of writes (RFC 9110 §13.1)."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import Request

from admin_app.declaration import Resource
from admin_app.errors import BadRequestError, FieldError, PreconditionRequiredError
from admin_app.records.writes.rows import ANY


def if_match(
    request: Request, resource: Resource, *, or_new: bool = False
) -> Collection[str] | None:
    """The entity tags of ``If-Match``; none where it is not sent.

    ``or_new``: what is asked for may be a new record as well. Raises ``BadRequestError`` for
    ``If-None-Match`` elsewhere and ``PreconditionRequiredError`` where the resource is not changed
    without.
    """
    tags = known_tags(request, or_new=or_new)
    require_tag(resource, given=tags is not None)
    return tags


def known_tags(request: Request, *, or_new: bool = False) -> Collection[str] | None:
    """``if_match``, where no record has to be changed with it."""
    if not or_new:
        _refuse(request, "A change of what is there takes If-Match.", "If-None-Match")
    return tags_of(request, "if-match")


def require_tag(resource: Resource, *, given: bool) -> None:
    """Refuse a change that does not say which version it means, where one must."""
    if resource.options.require_if_match and not given:
        msg = f"A {resource.label.lower()} is changed with If-Match only."
        raise PreconditionRequiredError(msg)


def tags_of(request: Request, name: str) -> list[str] | None:
    """The entity tags of a header, or ``*``; none where it is not sent."""
    headers = request.headers.getlist(name)
    return [tag.strip() for each in headers for tag in each.split(",")] if headers else None


def only_new(request: Request) -> bool:
    """Whether the record must not exist yet: ``If-None-Match: *``.

    Raises ``BadRequestError`` for tags, which no write waits for.
    """
    tags = tags_of(request, "if-none-match")
    if tags not in (None, [ANY]):
        msg = "A write takes If-None-Match: * and no tags."
        raise BadRequestError.about(("If-None-Match",), "bad_value", msg)
    return tags is not None


def no_conditions(request: Request) -> None:
    """Refuse preconditions where there are many records: ignoring them might do harm."""
    msg = "These headers are about one record. Items say if_match."
    _refuse(request, msg, "If-Match", "If-None-Match")


def no_version(request: Request) -> None:
    """Refuse ``If-Match`` where a record is created: it has no version yet."""
    _refuse(request, "A new record takes If-None-Match: * and no If-Match.", "If-Match")


def _refuse(request: Request, msg: str, *names: str) -> None:
    errors = [FieldError((name,), "bad_value", msg) for name in names if name in request.headers]
    if errors:
        raise BadRequestError(msg, errors=errors)
