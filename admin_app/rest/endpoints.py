"""FastCRUD's ``EndpointCreator`` for one resource: its routes, with our request path.

Each factory that FastCRUD calls for an endpoint is overridden, because the stock endpoints commit
for themselves, know no version and answer 500 to hostile input. What stays is FastCRUD's surface:
the router, the paths, the operations and the dependencies of each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Depends, Request, Response
from fastcrud import EndpointCreator

from admin_app.access import actor_of_token
from admin_app.declaration import Actor, Origin, Resource
from admin_app.errors import (
    BadRequestError,
    ContentTooLargeError,
    FieldError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from admin_app.records import Page, Record, Records

Endpoint = Callable[[Request], Awaitable[Response]]

MAX_BODY = 1024 * 1024
"""Bytes of a JSON body."""
PRIVATE = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}


class ResourceEndpoints(EndpointCreator):
    """The routes of one resource under ``/<plural>``."""

    resource: Resource

    def _create_item(self) -> Endpoint:
        resource = self.resource

        async def endpoint(request: Request) -> Response:
            no_parameters(request)
            body = await json_body(request, "application/json")
            made = await records(request).create(
                actor(request), resource, body, origin=origin(request)
            )
            headers = {"Location": _location(request, made)}
            return item(made, status_code=201, headers=headers)

        return endpoint

    def _read_item(self) -> Endpoint:
        resource = self.resource

        async def endpoint(request: Request) -> Response:
            no_parameters(request)
            key = resource.parse_key(request.path_params["key"])
            return item(await records(request).get(actor(request), resource, key))

        return endpoint

    def _read_items(self) -> Endpoint:  # type: ignore[override]
        resource = self.resource

        async def endpoint(request: Request) -> Response:
            source = records(request)
            query = source.query(actor(request), resource, parameters(request))
            return page_response(request, await source.page(actor(request), resource, query))

        return endpoint

    def _update_item(self) -> Endpoint:
        resource = self.resource

        async def endpoint(request: Request) -> Response:
            no_parameters(request)
            key = resource.parse_key(request.path_params["key"])
            body = await json_body(request, "application/json", "application/merge-patch+json")
            changed = await records(request).update(
                actor(request),
                resource,
                key,
                body,
                origin=origin(request),
                if_match=if_match(request),
            )
            return item(changed)

        return endpoint

    def _delete_item(self) -> Endpoint:
        resource = self.resource

        async def endpoint(request: Request) -> Response:
            no_parameters(request)
            key = resource.parse_key(request.path_params["key"])
            await records(request).delete(
                actor(request), resource, key, origin=origin(request), if_match=if_match(request)
            )
            return Response(status_code=204)

        return endpoint

    def _get_endpoint_path(self, operation: str) -> str:
        return self.path if operation in {"create", "read_multi"} else f"{self.path}/{{key}}"

    def add_routes_to_router(
        self,
        create_deps: Sequence[Callable[..., Any]] = (),
        read_deps: Sequence[Callable[..., Any]] = (),
        read_multi_deps: Sequence[Callable[..., Any]] = (),
        update_deps: Sequence[Callable[..., Any]] = (),
        delete_deps: Sequence[Callable[..., Any]] = (),
        db_delete_deps: Sequence[Callable[..., Any]] = (),
        included_methods: Sequence[str] | None = None,
        deleted_methods: Sequence[str] | None = None,
    ) -> None:
        """Add a route for each action; FastCRUD's own have status codes and answers not ours."""
        del db_delete_deps, included_methods, deleted_methods
        one, many = self.resource.model.__name__, camel(self.resource.plural)
        routes = (
            ("read_multi", "GET", self._read_items(), read_multi_deps, f"list{many}"),
            ("create", "POST", self._create_item(), create_deps, f"create{one}"),
            ("read", "GET", self._read_item(), read_deps, f"get{one}"),
            ("update", "PATCH", self._update_item(), update_deps, f"update{one}"),
            ("delete", "DELETE", self._delete_item(), delete_deps, f"delete{one}"),
        )
        for operation, method, endpoint, dependencies, operation_id in routes:
            if operation.removesuffix("_multi") not in self.resource.actions:
                continue
            self.router.add_api_route(
                self._get_endpoint_path(operation),
                endpoint,
                methods=[method],
                operation_id=operation_id,
                name=operation_id,
                dependencies=[Depends(each) for each in dependencies],
                response_model=None,
            )


def camel(name: str) -> str:
    """``book_copies`` as ``BookCopies``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


async def authenticate(request: Request) -> None:
    """Find out who calls, by ``Authorization: Bearer`` (RFC 6750).

    Raises ``UnauthenticatedError`` when the token is missing or not good, and
    ``TooManyRequestsError`` when it has made its requests of this minute.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = None
    if scheme.lower() == "bearer" and token:
        found = await actor_of_token(request.state.database, token.strip())
    if found is None:
        raise UnauthenticatedError
    request.state.actor = found
    standing = request.state.limits.admit(found)
    if standing is not None:
        request.state.headers.update(standing.headers())


def actor(request: Request) -> Actor:
    found: Actor = request.state.actor
    return found


def records(request: Request) -> Records:
    found: Records = request.state.records
    return found


def origin(request: Request) -> Origin:
    return Origin(
        "rest",
        request.state.request_id,
        address=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
    )


def parameters(request: Request) -> list[tuple[str, str]]:
    return request.query_params.multi_items()


def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none to give."""
    errors = [
        FieldError((name,), "unknown_parameter", "There are no parameters here.")
        for name in request.query_params
    ]
    if errors:
        msg = "This request takes no parameters."
        raise BadRequestError(msg, errors=errors)


async def json_body(request: Request, *media_types: str) -> bytes:
    """Read the body, counting while it streams.

    Raises ``UnsupportedMediaTypeError`` and ``ContentTooLargeError``.
    """
    media_type, _, parameter = request.headers.get("content-type", "").lower().partition(";")
    charset = parameter.strip().removeprefix("charset=").strip('"')
    encoded = request.headers.get("content-encoding", "identity").lower() != "identity"
    if media_type.strip() not in media_types or charset not in {"", "utf-8"} or encoded:
        msg = f"Send {' or '.join(media_types)} in UTF-8, not compressed."
        raise UnsupportedMediaTypeError(msg)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            msg = f"A body has at most {MAX_BODY:,} bytes."
            raise ContentTooLargeError(msg)
    return bytes(body)


def if_match(request: Request) -> Collection[str] | None:
    """The entity tags of ``If-Match`` (RFC 9110 §13.1.1); none where any record will do."""
    headers = request.headers.getlist("if-match")
    tags = [tag.strip() for header in headers for tag in header.split(",")]
    return None if not headers or tags == ["*"] else tags


def item(
    made: Record, *, status_code: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Answer a record."""
    return Response(
        made.body,
        status_code=status_code,
        media_type="application/json",
        headers={"ETag": made.etag, **PRIVATE, **(headers or {})},
    )


def page_response(request: Request, page: Page) -> Response:
    """Answer a page, its neighbours in the body and as ``Link`` (RFC 8288)."""
    steps = {"next": page.next, "prev": page.previous}
    links = [
        f'<{_page_url(request, cursor)}>; rel="{rel}"' for rel, cursor in steps.items() if cursor
    ]
    headers = dict(PRIVATE)
    if links:
        headers["Link"] = ", ".join(links)
    return Response(
        page.resource.page.dump(
            {
                "data": page.rows,
                "page": {
                    "limit": page.limit,
                    "next": page.next,
                    "previous": page.previous,
                    "total": page.total,
                },
            }
        ),
        media_type="application/json",
        headers=headers,
    )


def _page_url(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in parameters(request) if name != "cursor"]
    return f"{quote(request.scope['path'])}?{urlencode([*kept, ('cursor', cursor)])}"


def _location(request: Request, made: Record) -> str:
    return f"{quote(request.scope['path'])}/{quote(made.key_text, safe='~,')}"
