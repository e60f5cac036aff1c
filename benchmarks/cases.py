"""The work that is measured, and how each contestant is asked for it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from benchmarks.data import AUTHORS, SELECTIVE, own_keys
from benchmarks.load import IF_MATCH, NUMBER
from benchmarks.places import Place

KEYS = tuple(own_keys(512))
API = "/api/v1"
REST = ("ours", "ceiling", "core", "fastcrud", "drf")
NEW = {
    "title": f"Benchmark {NUMBER.decode()}",
    "pages": 7,
    "price": "12.30",
    "published": "2020-01-02",
    "in_print": True,
    "added_at": "2024-02-29T07:04:56Z",
    "author_id": 7,
}


@dataclass(frozen=True)
class Request:
    """One request; ``{key}`` in the target makes one for each of ``KEYS``."""

    target: str
    method: str = "GET"
    body: Any = None
    headers: tuple[str, ...] = ()
    signed_in: bool = False
    """Whether it comes from a person with a cookie and not with a token."""

    def made(self, place: Place, cookie: str = "") -> tuple[bytes, ...]:
        """As it is sent."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [
            "Host: 127.0.0.1",
            *self.headers,
            *(("Content-Type: application/json", f"Content-Length: {len(body)}") if body else ()),
            f"Cookie: {cookie}" if self.signed_in else f"Authorization: Bearer {place.token}",
        ]
        head = "\r\n".join([f"{self.method} {self.target} HTTP/1.1", *lines, "", ""])
        keys = KEYS if "{key}" in head else (0,)
        return tuple(head.replace("{key}", str(key)).encode() + body for key in keys)


@dataclass(frozen=True)
class Case:
    """A kind of work, and the request for it by contestant."""

    name: str
    label: str
    requests: dict[str, Request]
    connections: int = 8


def _get(paths: dict[str, str]) -> dict[str, Request]:
    return {name: Request(path) for name, path in paths.items()}


def _by_hand(path: str) -> dict[str, str]:
    return dict.fromkeys(("ceiling", "core"), path)


def _to_all(path: str, method: str, body: Any, *headers: str) -> dict[str, Request]:
    return {
        name: Request((API if name == "ours" else "") + path, method, body, headers)
        for name in REST
    }


def _many() -> dict[str, Request]:
    items = [{**NEW, "author_id": number % AUTHORS + 1} for number in range(1000)]
    requests = _to_all("/books/bulk", "POST", {"items": items}, "Prefer: return=minimal")
    bare = dict.fromkeys(("fastcrud", "drf"), Request("/books/bulk", "POST", items))
    tuned = Request("/books/bulk-tuned", "POST", items)
    return {**requests, **bare, "drf-tuned": tuned}


GET_ONE = Case(
    "get", "GET one", {n: Request((API if n == "ours" else "") + "/books/{key}") for n in REST}
)
COUNTED = Case(
    *("count", "list 50, filter, sort, selective count"),
    _get(
        {
            "ours": f"{API}/books?limit=50&pages__gte={SELECTIVE}&sort=pages&count=exact",
            **_by_hand(f"/books?limit=50&pages_gte={SELECTIVE}"),
            "fastcrud": f"/books?page=1&itemsPerPage=50&sort=pages,id&pages__gte={SELECTIVE}",
            "drf": f"/books?limit=50&pages_gte={SELECTIVE}&ordering=pages,id",
        }
    ),
)
LIST = Case(
    *("list", "list 50, no count"),
    _get(
        {
            "ours": f"{API}/books?limit=50",
            **_by_hand("/books?limit=50"),
            "fastcrud": "/books?offset=0&limit=50&sort=id",
            "drf": "/books-uncounted?limit=50",
        }
    ),
)
EMBED = Case(
    *("embed", "list 100 with author embedded"),
    _get(
        {
            "ours": f"{API}/books?limit=100&include=author",
            **_by_hand("/books-with-author?limit=100"),
            "fastcrud": "/books-with-author?offset=0&limit=100&sort=id",
            "drf": "/books-with-author?limit=100",
        }
    ),
)
POST = Case("post", "POST", _to_all("/books", "POST", NEW))
PATCH = Case(
    *("patch", "PATCH"),
    _to_all("/books/{key}", "PATCH", {"title": NEW["title"]}, IF_MATCH.decode()),
)
BULK = Case("bulk", "bulk create 1,000", _many(), connections=1)
EXPORT = Case(
    *("csv", "CSV export of 100k"),
    {
        "ours": Request(f"{API}/books", headers=("Accept: text/csv",)),
        **dict.fromkeys(("ceiling", "core", "fastcrud", "drf"), Request("/books.csv")),
    },
    connections=1,
)
PANEL = Case(
    *("panel", "panel list of 25"),
    {
        "ours": Request("/admin/book/list", signed_in=True),
        "sqladmin": Request("/admin/book/list?pageSize=25", signed_in=True),
    },
)
CASES = (GET_ONE, COUNTED, LIST, EMBED, POST, PATCH, BULK, EXPORT, PANEL)
