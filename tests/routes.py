"""Every route there is, what is sent to it, and what each kind of caller gets from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from panel import PASSWORD

CALLERS = ("", "nob", "una", "ana")
"""Nobody; somebody without a role; who has a role, but for other rows; an administrator."""


OTHER = "another long sentence"


REST = """
401 200 200 200  GET    /access/tokens
401 403 403 200  GET    /access/tokens                  /access/tokens?user=vic
401 422 201 201  POST   /access/tokens
401 404 404 201  POST   /access/tokens/{key}/rotate     /access/tokens/{token}/rotate
401 404 404 204  DELETE /access/tokens/{key}            /access/tokens/{token}
401 403 403 200  GET    /access/explain                 /access/explain?{asked}
401 403 403 200  GET    /authors
401 403 403 200  QUERY  /authors
401 403 403 200  POST   /authors/query
401 403 403 200  GET    /authors/aggregate
401 403 403 200  GET    /authors/facets                 /authors/facets?field=id
401 403 403 201  POST   /authors
401 403 403 200  GET    /authors/{key}                  /authors/1
401 403 403 200  PATCH  /authors/{key}                  /authors/1
401 403 403 200  PUT    /authors/{key}                  /authors/1
401 403 403 204  DELETE /authors/{key}                  /authors/3
401 403 200 200  GET    /books
401 403 200 200  QUERY  /books
401 403 200 200  POST   /books/query
401 403 200 200  GET    /books/aggregate
401 403 200 200  GET    /books/facets                   /books/facets?field=id
401 403 403 201  POST   /books
401 403 404 200  GET    /books/{key}                    /books/2
401 403 404 200  PATCH  /books/{key}                    /books/2
401 403 404 200  PUT    /books/{key}                    /books/2
401 403 404 204  DELETE /books/{key}                    /books/3
401 403 403 403  POST   /books/{key}/actions/mark-lost  /books/2/actions/mark-lost
401 403 403 403  POST   /books/actions/mark-found
401 403 403 200  GET    /comments
401 403 403 200  QUERY  /comments
401 403 403 200  POST   /comments/query
401 403 403 200  GET    /comments/aggregate
401 403 403 200  GET    /comments/facets                /comments/facets?field=id
401 403 403 201  POST   /comments
401 403 403 200  GET    /comments/{key}                 /comments/1
401 403 403 200  PATCH  /comments/{key}                 /comments/1
401 403 403 200  PUT    /comments/{key}                 /comments/1
401 403 403 204  DELETE /comments/{key}                 /comments/3
401 403 403 200  POST   /comments/{key}/restore         /comments/3/restore
401 403 403 200  GET    /readers
401 403 403 200  QUERY  /readers
401 403 403 200  POST   /readers/query
401 403 403 200  GET    /readers/aggregate
401 403 403 200  GET    /readers/facets                 /readers/facets?field=id
401 403 403 201  POST   /readers
401 403 403 200  GET    /readers/{key}                  /readers/1
401 403 403 200  PATCH  /readers/{key}                  /readers/1
401 403 403 200  PUT    /readers/{key}                  /readers/1
401 403 403 204  DELETE /readers/{key}                  /readers/1
401 403 403 200  GET    /admin_roles
401 403 403 200  QUERY  /admin_roles
401 403 403 200  POST   /admin_roles/query
401 403 403 200  GET    /admin_roles/aggregate
401 403 403 200  GET    /admin_roles/facets             /admin_roles/facets?field=id
401 403 403 201  POST   /admin_roles
401 403 403 200  GET    /admin_roles/{key}              /admin_roles/{role}
401 403 403 200  PATCH  /admin_roles/{key}              /admin_roles/{role}
401 403 403 200  PUT    /admin_roles/{key}              /admin_roles/{role}
401 403 403 204  DELETE /admin_roles/{key}              /admin_roles/{role}
401 403 403 200  GET    /admin_grants
401 403 403 200  QUERY  /admin_grants
401 403 403 200  POST   /admin_grants/query
401 403 403 200  GET    /admin_grants/aggregate
401 403 403 200  GET    /admin_grants/facets            /admin_grants/facets?field=id
401 403 403 201  POST   /admin_grants
401 403 403 200  GET    /admin_grants/{key}             /admin_grants/{grant}
401 403 403 200  PATCH  /admin_grants/{key}             /admin_grants/{grant}
401 403 403 422  PUT    /admin_grants/{key}             /admin_grants/{grant}
401 403 403 204  DELETE /admin_grants/{key}             /admin_grants/{grant}
401 403 403 200  GET    /admin_security_events
401 403 403 200  QUERY  /admin_security_events
401 403 403 200  POST   /admin_security_events/query
401 403 403 200  GET    /admin_security_events/aggregate
401 403 403 200  GET    /admin_security_events/facets   /admin_security_events/facets?field=id
401 403 403 200  GET    /admin_security_events/{key}    /admin_security_events/1
401 403 403 200  GET    /admin_sessions
401 403 403 200  QUERY  /admin_sessions
401 403 403 200  POST   /admin_sessions/query
401 403 403 200  GET    /admin_sessions/aggregate
401 403 403 200  GET    /admin_sessions/facets          /admin_sessions/facets?field=id
401 403 403 200  GET    /admin_sessions/{key}           /admin_sessions/{vics_session}
401 403 403 204  DELETE /admin_sessions/{key}           /admin_sessions/{spare_session}
401 403 403 200  GET    /admin_tokens
401 403 403 200  QUERY  /admin_tokens
401 403 403 200  POST   /admin_tokens/query
401 403 403 200  GET    /admin_tokens/aggregate
401 403 403 200  GET    /admin_tokens/facets            /admin_tokens/facets?field=id
401 403 403 200  GET    /admin_tokens/{key}             /admin_tokens/{token}
401 403 403 200  GET    /admin_users
401 403 403 200  QUERY  /admin_users
401 403 403 200  POST   /admin_users/query
401 403 403 200  GET    /admin_users/aggregate
401 403 403 200  GET    /admin_users/facets             /admin_users/facets?field=id
401 403 403 201  POST   /admin_users
401 403 403 200  GET    /admin_users/{key}              /admin_users/{vic}
401 403 403 200  PATCH  /admin_users/{key}              /admin_users/{vic}
401 403 403 200  PUT    /admin_users/{key}              /admin_users/{vic}
401 403 403 415  POST   /authors/import
401 403 403 200  POST   /authors/bulk                 /authors/bulk?atomic=false
401 403 403 200  PATCH  /authors/bulk                 /authors/bulk?atomic=false
401 403 403 200  PATCH  /authors                      /authors?id=0
401 403 403 200  DELETE /authors/bulk                 /authors/bulk?atomic=false
401 403 403 200  POST   /authors/bulk/delete          /authors/bulk/delete?atomic=false
401 403 403 200  DELETE /authors                      /authors?id=0
401 403 415 415  POST   /books/import
401 403 403 200  POST   /books/bulk                   /books/bulk?atomic=false
401 403 200 200  PATCH  /books/bulk                   /books/bulk?atomic=false
401 403 200 200  PATCH  /books                        /books?id=0
401 403 200 200  DELETE /books/bulk                   /books/bulk?atomic=false
401 403 200 200  POST   /books/bulk/delete            /books/bulk/delete?atomic=false
401 403 200 200  DELETE /books                        /books?id=0
401 403 403 415  POST   /comments/import
401 403 403 200  POST   /comments/bulk                /comments/bulk?atomic=false
401 403 403 200  PATCH  /comments/bulk                /comments/bulk?atomic=false
401 403 403 200  PATCH  /comments                     /comments?id=0
401 403 403 200  DELETE /comments/bulk                /comments/bulk?atomic=false
401 403 403 200  POST   /comments/bulk/delete         /comments/bulk/delete?atomic=false
401 403 403 200  POST   /comments/bulk/restore        /comments/bulk/restore?atomic=false
401 403 403 200  DELETE /comments                     /comments?id=0
401 403 403 415  POST   /readers/import
401 403 403 200  POST   /readers/bulk                 /readers/bulk?atomic=false
401 403 403 200  PATCH  /readers/bulk                 /readers/bulk?atomic=false
401 403 403 200  PATCH  /readers                      /readers?id=0
401 403 403 200  DELETE /readers/bulk                 /readers/bulk?atomic=false
401 403 403 200  POST   /readers/bulk/delete          /readers/bulk/delete?atomic=false
401 403 403 200  DELETE /readers                      /readers?id=0
401 403 403 415  POST   /admin_roles/import
401 403 403 200  POST   /admin_roles/bulk             /admin_roles/bulk?atomic=false
401 403 403 200  PATCH  /admin_roles/bulk             /admin_roles/bulk?atomic=false
401 403 403 200  PATCH  /admin_roles                  /admin_roles?id=0
401 403 403 200  DELETE /admin_roles/bulk             /admin_roles/bulk?atomic=false
401 403 403 200  POST   /admin_roles/bulk/delete      /admin_roles/bulk/delete?atomic=false
401 403 403 200  DELETE /admin_roles                  /admin_roles?id=0
401 403 403 415  POST   /admin_grants/import
401 403 403 200  POST   /admin_grants/bulk            /admin_grants/bulk?atomic=false
401 403 403 200  PATCH  /admin_grants/bulk            /admin_grants/bulk?atomic=false
401 403 403 200  PATCH  /admin_grants                 /admin_grants?id=0
401 403 403 200  DELETE /admin_grants/bulk            /admin_grants/bulk?atomic=false
401 403 403 200  POST   /admin_grants/bulk/delete     /admin_grants/bulk/delete?atomic=false
401 403 403 200  DELETE /admin_grants                 /admin_grants?id=0
401 403 403 200  DELETE /admin_sessions/bulk          /admin_sessions/bulk?atomic=false
401 403 403 200  POST   /admin_sessions/bulk/delete   /admin_sessions/bulk/delete?atomic=false
401 403 403 200  DELETE /admin_sessions               /admin_sessions?id=0
401 403 403 415  POST   /admin_users/import
401 403 403 200  POST   /admin_users/bulk             /admin_users/bulk?atomic=false
401 403 403 200  PATCH  /admin_users/bulk             /admin_users/bulk?atomic=false
401 403 403 200  PATCH  /admin_users                  /admin_users?id=0
401 422 422 200  POST   /batch
401 403 403 200  GET    /authors/{key}/history         /authors/1/history
401 403 404 200  GET    /books/{key}/history         /books/2/history
401 403 403 200  GET    /comments/{key}/history         /comments/1/history
401 403 403 200  GET    /readers/{key}/history         /readers/1/history
401 403 403 200  GET    /admin_roles/{key}/history         /admin_roles/{role}/history
401 403 403 200  GET    /admin_grants/{key}/history         /admin_grants/{grant}/history
401 403 403 200  GET    /admin_security_events/{key}/history  /admin_security_events/1/history
401 403 403 200  GET    /admin_sessions/{key}/history         /admin_sessions/{vics_session}/history
401 403 403 200  GET    /admin_tokens/{key}/history         /admin_tokens/{token}/history
401 403 403 200  GET    /admin_users/{key}/history         /admin_users/{vic}/history
401 403 403 422  POST   /authors/{key}/revert          /authors/1/revert
401 403 403 422  POST   /comments/{key}/revert          /comments/1/revert
401 403 403 404  POST   /readers/{key}/revert           /readers/99/revert
401 403 403 404  POST   /admin_roles/{key}/revert       /admin_roles/99/revert
401 403 403 404  POST   /admin_grants/{key}/revert      /admin_grants/99/revert
401 403 403 404  POST   /admin_users/{key}/revert       /admin_users/99/revert
401 403 404 422  POST   /books/{key}/revert          /books/2/revert
401 404 404 404  GET    /change-sets/{change_set}         /change-sets/none
401 404 404 404  POST   /change-sets/{change_set}/revert  /change-sets/none/revert
401 200 200 200  GET    /openapi.json
200 200 200 200  GET    /docs
200 200 200 200  GET    /docs/{name}                    /docs/docs.css
"""
"""Below ``/api/v1``: the statuses for the four, the method, the route, and what is asked for unless
it is the route itself."""


PANEL = """
in  200 200 200  GET    /
in  200 200 200  GET    /search                         /search?term=book
in  200 200 200  GET    /shortcuts
in  403 200 200  GET    /{identity}/calls               /book/calls
in  403 404 200  GET    /{identity}/calls/{pk:path}     /book/calls/2
in  403 200 200  GET    /{identity}/list                /book/list
in  403 403 200  GET    /{identity}/list                /admin_user/list
in  403 200 200  GET    /{identity}/filter              /book/filter?field=year
in  403 200 200  GET    /{identity}/advanced            /book/advanced
in  403 200 200  GET    /{identity}/columns             /book/columns
in  403 200 200  GET    /{identity}/views               /book/views
in  403 303 303  POST   /{identity}/columns             /book/columns
in  403 303 303  POST   /{identity}/views               /book/views
in  403 200 200  POST   /{identity}/widths              /book/widths
in  200 200 200  GET    /views/pinned
in  403 404 200  GET    /{identity}/details/{pk:path}   /book/details/2
in  403 403 200  GET    /{identity}/details/{pk:path}   /admin_user/details/{vic}
in  403 403 200  GET    /{identity}/create              /book/create
in  403 403 200  GET    /{identity}/create              /admin_role/create
in  403 403 303  POST   /{identity}/create              /author/create
in  403 403 303  POST   /{identity}/create              /admin_role/create
in  403 404 200  GET    /{identity}/edit/{pk:path}      /book/edit/2
in  403 403 200  GET    /{identity}/edit/{pk:path}      /admin_user/edit/{vic}
in  403 404 303  POST   /{identity}/edit/{pk:path}      /book/edit/2
in  403 404 200  POST   /{identity}/editing/{pk:path}   /book/editing/2
in  403 404 200  GET    /{identity}/ajax/lookup         /book/ajax/lookup?name=authors
in  403 403 200  GET    /{identity}/side                /book/side
in  403 403 200  POST   /{identity}/side                /author/side
in  403 404 200  GET    /{identity}/side/{pk:path}      /book/side/2
in  403 404 400  POST   /{identity}/side/{pk:path}      /book/side/2
in  403 403 200  POST   /{identity}/inline/{relation}   /book/inline/comments
in  403 404 200  POST   /{identity}/inline/{relation}/{pk:path}  /book/inline/comments/2
200 303 303 303  GET    /login
401 401 401 401  POST   /login
in  403 200 200  GET    /{identity}/export              /book/export
in  403 200 200  GET    /{identity}/export/file         /book/export/file
in  403 200 200  GET    /{identity}/import              /book/import
in  403 422 422  POST   /{identity}/import              /book/import
in  403 200 200  GET    /{identity}/import/template     /book/import/template
in  403 404 404  GET    /{identity}/import/{upload}     /book/import/none
in  403 404 404  POST   /{identity}/import/{upload}     /book/import/none
in  403 404 404  GET    /{identity}/import/{upload}/preview  /book/import/none/preview
in  403 404 404  POST   /{identity}/import/{upload}/run      /book/import/none/run
in  403 404 404  GET    /{identity}/import/{upload}/refused  /book/import/none/refused
in  403 200 200  GET    /{identity}/bulk/edit           /book/bulk/edit?key=2
in  403 422 422  POST   /{identity}/bulk/edit           /book/bulk/edit
in  403 200 200  GET    /{identity}/bulk/delete         /book/bulk/delete?key=2
in  403 200 409  POST   /{identity}/bulk/delete         /book/bulk/delete
in  403 403 200  GET    /{identity}/bulk/restore        /comment/bulk/restore?all=1&list=trash=only
in  403 403 200  POST   /{identity}/bulk/restore        /comment/bulk/restore
in  403 200 200  GET    /{identity}/values              /book/values?field=language
in  403 403 403  GET    /{identity}/action/{action}     /book/action/mark-lost?key=2
in  403 403 403  POST   /{identity}/action/{action}     /book/action/mark-lost
in  403 404 404  GET    /{identity}/cell/{field}/{pk:path}  /book/cell/authors/2
in  403 404 404  POST   /{identity}/cell/{field}/{pk:path}  /book/cell/authors/2
in  403 403 404  POST   /{identity}/restore             /comment/restore
in  403 404 200  GET    /{identity}/delete              /book/delete?key=4
in  403 403 200  GET    /{identity}/delete              /admin_session/delete?key={vics_session}
in  403 404 303  POST   /{identity}/delete              /book/delete
in  403 404 404  GET    /{identity}/file/{field}/{pk:path}  /book/file/title/2
in  403 404 200  GET    /{identity}/history/{pk:path}   /book/history/2
in  403 404 404  GET    /{identity}/compare/{pk:path}   /book/compare/2?one=1&other=2
in  403 400 400  POST   /{identity}/put-back/{pk:path}  /book/put-back/2
in  404 404 404  GET    /changes/{change_set}           /changes/none
in  404 404 404  POST   /undo/{change_set}              /undo/none
in  404 404 404  GET    /undoing/{change_set}           /undoing/none
in  200 200 200  GET    /account
in  303 303 303  POST   /account/{section}              /account/second_factor
in  200 200 200  POST   /account/{section}              /account/tokens
in  303 303 303  POST   /account/{section}              /account/sessions
in  404 404 404  POST   /account/{section}              /account/nothing
in  200 200 200  GET    /confirm
in  303 303 303  POST   /confirm
in  in  in  in   GET    /login/code
in  401 401 401  POST   /login/code
in  303 303 303  POST   /theme
in  403 403 200  GET    /access/explain
in  403 403 200  GET    /access/explain                 /access/explain?{asked}
in  403 403 200  GET    /access/matrix
in  403 403 200  GET    /access/matrix                  /access/matrix?edit=1
in  403 403 303  POST   /access/matrix
in  403 403 303  POST   /impersonate
in  303 303 303  POST   /impersonate/end
200 200 200 200  GET    /password/{secret}              /password/{link}
404 404 404 404  GET    /password/{secret}              /password/wrong
422 422 422 422  POST   /password/{secret}              /password/{link}
404 404 404 404  GET    /setup/{secret}                 /setup/wrong
404 404 404 404  POST   /setup/{secret}                 /setup/wrong
200 200 200 200  GET    /statics                        /statics/{asset}
in  403 403 200  POST   /access/user/{id}/link          /access/user/{vic}/link
in  403 403 303  POST   /access/user/{id}/end-sessions  /access/user/{vic}/end-sessions
in  200 200 200  POST   /account/{section}              /account/password
out out out out  POST   /logout
"""
"""Below ``/admin``; ``in`` is the way to the sign-in, ``out`` the same after signing out."""


BESIDE = """
307 307 307 307  GET    /admin
200 200 200 200  GET    /healthz
200 200 200 200  GET    /readyz
200 200 200 200  GET    /errors/
200 200 200 200  GET    /errors/{code}                  /errors/busy
404 404 404 404  GET    /errors/{code}                  /errors/nothing
307 307 307 307  GET    /
"""


KINDS_OF = {
    "GET /admin/{identity}/ajax/lookup": "data",
    "GET /admin/statics": "file",
    "GET /admin/{identity}/export/file": "file",
    "GET /admin/{identity}/import/template": "file",
    "GET /admin/views/pinned": "data",
    "POST /admin/{identity}/editing/{pk:path}": "data",
    "POST /admin/{identity}/widths": "data",
    "GET /admin/{identity}/values": "data",
    "POST /admin/{identity}/side": "data",
    "GET /api/v1/docs": "page",
    "GET /api/v1/docs/{name}": "file",
    "GET /errors/": "data",
    "GET /errors/{code}": "data",
}
"""What comes where it is not what the door usually answers with."""


class Line(NamedTuple):
    """A route, what is asked of it, and the answers to each of ``CALLERS``."""

    answers: tuple[str, ...]
    method: str
    path: str
    target: str

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"


def read_table(text_: str, prefix: str) -> Iterator[Line]:
    """The lines of a table of routes below ``prefix``."""
    for line in text_.strip().splitlines():
        *answers, method, path, target = (*line.split(), "")[: len(CALLERS) + 3]
        target = target or path
        yield Line(tuple(answers), method, prefix + path, prefix + target)


TABLE = [
    *read_table(REST, "/api/v1"),
    *read_table(PANEL, "/admin"),
    *read_table(BESIDE, ""),
]


BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/access/tokens": {"name": "x", "expires_in_days": 1, "scopes": ["book:read"]},
    "POST /api/v1/access/tokens/{key}/rotate": {},
    "POST /api/v1/authors": {"name": "New"},
    "PATCH /api/v1/authors/{key}": {"country": "Norway"},
    "POST /api/v1/authors/{key}/revert": {"to": 999_999},
    "POST /api/v1/books/{key}/revert": {"to": 999_999},
    "POST /api/v1/comments/{key}/revert": {"to": 999_999},
    "POST /api/v1/readers/{key}/revert": {"to": 999_999},
    "POST /api/v1/admin_roles/{key}/revert": {"to": 999_999},
    "POST /api/v1/admin_grants/{key}/revert": {"to": 999_999},
    "POST /api/v1/admin_users/{key}/revert": {"to": 999_999},
    "POST /api/v1/books": {"title": "New"},
    "PATCH /api/v1/books/{key}": {"year": 1999},
    "POST /api/v1/comments": {"text": "New", "book_id": 1},
    "PATCH /api/v1/comments/{key}": {"stars": 5},
    "POST /api/v1/readers": {
        "name": "New",
        "email": "new@example.org",
        "card_number": "2",
        "joined": "2024-01-01",
    },
    "PATCH /api/v1/readers/{key}": {"active": False},
    "POST /api/v1/admin_roles": {"name": "new"},
    "PATCH /api/v1/admin_roles/{key}": {"description": "New"},
    "POST /api/v1/admin_grants": {"role_id": 2, "resource": "admin_token", "action": "read"},
    "PATCH /api/v1/admin_grants/{key}": {"without": ["isbn"]},
    "POST /api/v1/admin_users": {"name": "new"},
    "PATCH /api/v1/admin_users/{key}": {"active": True},
    "PUT /api/v1/authors/{key}": {"name": "Put"},
    "PUT /api/v1/books/{key}": {"title": "New"},
    "PUT /api/v1/comments/{key}": {"text": "New", "book_id": 1},
    "PUT /api/v1/readers/{key}": {
        "name": "New",
        "email": "newer@example.org",
        "card_number": "3",
        "joined": "2024-01-01",
    },
    "PUT /api/v1/admin_roles/{key}": {"name": "newer"},
    "PUT /api/v1/admin_users/{key}": {"name": "vic"},
    "POST /api/v1/batch": {
        "operations": [{"op": "create", "resource": "author", "data": {"name": "Newest"}}]
    },
    **{
        route: {"limit": 1}
        for line in read_table(REST, "/api/v1")
        if (route := line.route).startswith("QUERY") or route.endswith("/query")
    },
}


BODIES_OF_MANY: dict[str, dict[str, Any]] = {
    "POST bulk": {"items": [{}]},
    "PATCH bulk": {"items": [{"key": "0", "data": {}}]},
    "DELETE bulk": {"items": [{"key": "0"}]},
    "POST delete": {"items": [{"key": "0"}]},
    "POST restore": {"items": [{"key": "0"}]},
}
"""By method and the last word of the path."""


FIELDS: dict[str, dict[str, str]] = {
    "POST /admin/login": {"name": "nobody-of-that-name", "password": "wrong"},
    "POST /admin/login/code": {"code": "000000"},
    "POST /admin/confirm": {"password": PASSWORD},
    "POST /admin/theme": {"theme": "dark"},
    "POST /admin/account/second_factor": {"do": "begin"},
    "POST /admin/account/tokens": {"do": "make", "name": "y", "life": "7", "reach": "everything"},
    "POST /admin/account/sessions": {"session": "others"},
    "POST /admin/account/password": {"current": PASSWORD, "new": OTHER},
    "POST /admin/setup/{secret}": {"name": "eve", "password": PASSWORD},
    "POST /admin/password/{secret}": {"password": "too short"},
    "POST /admin/impersonate": {"user": "{vic}"},
    "POST /admin/{identity}/create": {"f-name": "Newer"},
    "POST /admin/{identity}/side": {"s1-name": "Newest of all"},
    "POST /admin/{identity}/views": {"act": "save", "name": "Mine"},
    "POST /admin/{identity}/bulk/edit": {"key": "5"},
    "POST /admin/{identity}/bulk/delete": {"key": "5"},
    "POST /admin/{identity}/bulk/restore": {"key": "5", "list": "trash=only"},
    "POST /admin/{identity}/restore": {"key": "99"},
}


def body_of(line: Line) -> dict[str, Any] | None:
    """What is sent to a route of the API."""
    last = line.path.rpartition("/")[2]
    many = BODIES_OF_MANY.get(f"{line.method} {last}")
    found = BODIES.get(line.route, many)
    return {} if found is None and line.method in {"PATCH", "PUT"} else found
