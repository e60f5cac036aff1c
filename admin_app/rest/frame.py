"""What every write over REST has in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from fastapi import Request, Response

from admin_app.errors import BadRequestError, FieldError
from admin_app.records import Reply, Writer
from admin_app.rest.dry_run import dry_run
from admin_app.rest.idempotency import HEADER, claim_of, reply_of, response_of
from admin_app.rest.prefer import preferences
from admin_app.rest.requests import actor, origin, records

CHANGE_SET = "Change-Set"
"""The header that names the change set of a write, by which it can be undone."""
Work = Callable[[Writer], Awaitable[Response]]
"""The work of a request in its transaction, and its answer. It may run more than once."""


async def perform(request: Request, work: Work, *, honours: Collection[str] = ()) -> Response:
    """Run a request's writes in one transaction and return their answer.

    Adds what holds for every write: ``Idempotency-Key``, dry runs (``Prefer: tx=rollback``) and
    ``Preference-Applied``. ``honours`` are the preferences that the endpoint heeds beyond the
    common ones; ``preferences`` reads them all. The body has to be read before.
    """
    wishes, wanted = preferences(request, *honours), claim_of(request)
    who, door, house = actor(request), origin(request), records(request)

    async def told(writer: Writer) -> Response:
        response = await work(writer)
        if writer.changed:
            response.headers[CHANGE_SET] = str(writer.change_set)
        if wishes.applied:
            response.headers["Preference-Applied"] = wishes.header()
        return response

    if wishes.rehearse:
        response = dry_run(await house.rehearse(who, door, told))
        response.headers["Preference-Applied"] = wishes.header()
        return response
    if wanted is None:
        return await house.write(who, door, told, repeatable=True)

    async def kept(writer: Writer) -> Reply:
        return reply_of(await told(writer))

    return response_of(await house.write_once(who, door, wanted, kept))


async def perform_tersely(request: Request, work: Work, *honours: str) -> Response:
    """``perform``, for work whose answer can be omitted (``return=minimal``)."""
    if not preferences(request, *honours).minimal:
        return await perform(request, work, honours=honours)

    async def tersely(writer: Writer) -> Response:
        return _minimal(await work(writer))

    return await perform(request, tersely, honours=honours)


def _minimal(response: Response) -> Response:
    """The answer without its body: status and location."""
    kept = ("cache-control", "etag", "location", "vary")
    headers = {name: response.headers[name] for name in kept if name in response.headers}
    status = 204 if response.status_code == 200 else response.status_code  # noqa: PLR2004
    return Response(status_code=status, headers=headers)


def in_earnest(request: Request) -> None:
    """Refuse ``Idempotency-Key`` and dry runs, for a write outside of ``perform``.

    A secret that is shown once is not kept to be shown again, and none is made to be thrown away.
    Raises ``BadRequestError``.
    """
    refused = [HEADER] if claim_of(request) is not None else []
    if preferences(request).rehearse:
        refused.append("Prefer")
    if refused:
        msg = "Tokens are not made for trial, nor shown twice: send neither."
        errors = [FieldError((each,), "not_here", msg) for each in refused]
        raise BadRequestError(msg, errors=errors)
