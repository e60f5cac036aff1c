"""Somebody who may do much in the panel, and sends what no page of it would."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from html import unescape
from urllib.parse import parse_qsl, quote, quote_from_bytes, urlencode, urlsplit

import httpx
from panel import Form, House, session_of
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.access import csrf_token
from admin_app.declaration import SYSTEM
from admin_app.panel.admin import ROOMS
from admin_app.records.trail.changes import Change

Pair = tuple[str, str | bytes]

PAGES = [(each.path, method) for room in ROOMS for each in room.PAGES for method in each.methods]
"""Every page of every room, with each of its methods."""
LEFT_OUT = {
    "/logout",
    "/account/{section}",
    "/access/matrix",
    "/access/user/{id}/end-sessions",
    "/impersonate",
}
"""What would end the session that asks, or take its rights away."""
SHOWN_ELSEWHERE = {
    "/{identity}/put-back/{pk:path}": "/{identity}/history/{pk:path}",
    "/undo/{change_set}": "/changes/{change_set}",
    "/{identity}/inline/{relation}/{pk:path}": "/{identity}/edit/{pk:path}",
    "/{identity}/inline/{relation}": "/{identity}/create",
    "/{identity}/import/{upload}/run": "/{identity}/import/{upload}/preview",
}
"""The page that has the form."""
PART = re.compile(r"{(\w+)(?::path)?}")
"""What stands for something in a path."""
PATTERNS = {pattern: re.compile("/admin" + PART.sub("[^/]*", pattern)) for pattern, _ in PAGES}
TOKEN = csrf_token(session_of("ana"))
SAME = {"Sec-Fetch-Site": "same-origin"}

VALUES: tuple[str | bytes, ...] = (
    "", " ", "\0", "a\0b", b"\xed\xa0\x80", b"\xff\xfe", "null", "true", "false", "on", "-", "%zz",
    "9" * 400, "9" * 5000, "-1", "0", "1", "2", "1.5", "1e400", "1e-999999999", "NaN", "Infinity",
    "9223372036854775808", "-9223372036854775809", "2147483648", "99999999999999999999",
    "[" * 3000 + "]" * 3000, '{"all":' * 300 + "1" + "}" * 300, '{"all":[]}', '{"a":{"b":1}}',
    "[]", "{}", "[[]]", '"\\ud800"', '[["author","\\ud800"]]', "\u202e\u2066abc", "\u2028",
    "'\"><script>alert(1)</script>", "~", "~9", ",", ",,,", "a,b,c", "..", "../../etc",
    "//evil.example", "\\\\evil", "x" * 5000, "é" * 2000, "\N{OWL}" * 500, "\r\n", "\r", "a\nb",
    "9999-12-31", "0001-01-01", "9999-12-31T23:59:59.999999", "0001-01-01T00:00", "2024-02-30",
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "10000-01-01", "9999-W53",
    "today+99999999d", "today-99999999d", "now+99999999999999999999h", "today", "9999-13",
    "P99999999999D", "-P1D", "999999999 w", "\N{FULLWIDTH DIGIT ONE}", "save", "remove:1",
    "title:9:9", "theirs", "id", "-id", "Europe/../Berlin", "../UTC", "Pacific/Kiritimati", "ru",
    "xx-YY", "utf-16", "00000000-0000-0000-0000-000000000000",
)  # fmt: skip
NAMES = (
    "", "\0", "key", "list", "all", "field", "name", "term", "filter", "search", "sort", "cursor",
    "offset", "limit", "place", "view", "columns", "trash", "tz", "count", "fields", "include",
    "sheet", "depth", "copy", "before", "after", "one", "other", "format", "values", "show",
    "page", "next", "user", "resource", "action", "edit", "op", "value", "from", "to", "unit",
    "year", "month", "at", "path", "act", "state", "_etag", "_opened", "_once", "_then", "_reason",
    "_find", "_inline", "typed", "skip", "change", "set", "_apply", "_previewed", "_run", "_state",
    "widths", "order", "column", "density", "keep", "up", "down", "add", "beyond", "reset",
    "match", "mode", "file", "to-0", "split-0", "id", "short", "title", "nope", "f-id", "f-short",
    "f-name", "f-document", "f-text", "day", "instant", "local", "whole__in", "day__between",
    "instant__gte", "labels__in", "theme", "language", "zone", "do",
)  # fmt: skip
KEYS = (
    b"\0", b"%", b"~", b",", b"1", b"99", b"-1", b"9" * 400, b"a,1", b"a,1,1", b"\xed\xa0\x80",
    b"\xff", b"..", b"x" * 3000, b"1/2", b"a b", b"\xc3\xa9", b"none", b"id", b"name", b"'",
    b"00000000-0000-0000-0000-000000000000", b"9223372036854775808", b"1;drop",
)  # fmt: skip
COOKIES = ("language", "zone", "theme", "recent", "notice", "form")
COOKIE_TEXTS = (
    "", "\\ud800", "A", "====", "W1siYXV0aG9yIiwiXHVkODAwIl1d", "W1sidGV4dCIsIlx1ZDgwMCJdXQ==",
    "W1sidGV4dCIsIlx1MDAwMCJdXQ==", "../../etc/localtime", "Pacific/Kiritimati", "UTC\\000",
    "x" * 3000, "ru", "ru", "de_DE@x", "\xff", "bnVsbA==", "W10=", "e30=", "MQ==", "W1tbXV1d",
)  # fmt: skip
TYPES = (
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=yy",
    "multipart/form-data; boundary=xx; charset=utf-7",
    "multipart/form-data; boundary=xx; charset =utf-7",
    "multipart/form-data; boundary=" + "x" * 300, "multipart/mixed; boundary=xx",
    "application/json", "text/plain",
)  # fmt: skip
FILES = (
    b"id,short,name,code\n1,a,b,c\n,x,y,z\n",
    b'[{"id": 1, "short": "\\ud800", "\\ud800": 1, "name": [[1]], "a\\u0000": "\\u0000"}]',
    b'{"id": 1, "short": "\\u0000", "\\udfff": "\\udfff"}\n{"name": [[[1]]]}\n',
    b"id,short\n1,a\0b\n",
    b"\xff\xfei\x00d\x00\n\x00" + b"1\x00\n\x00",
    b"PK\x03\x04broken",
    b"," * 5000 + b"\n1\n",
    b'id,id,id\r1,2,3\n\r\n"',
    b"\xef\xbb\xbf",
    b"\0",
    b"[" * 100_000,
    b"[" + b"[" * 991 + b"]" * 991 + b"]",
)
LEAKS = ("sqlalchemy", "asyncpg", "sqlite3", "traceback (most", "jinja2")


class Stranger:
    """Asks at random, and always the same for the same seed; ``secret`` is that of a session."""

    def __init__(self, made: House, http: httpx.AsyncClient, secret: str, seed: int) -> None:
        self.made = made
        self.http = http
        self.secret = secret
        self.token = csrf_token(secret)
        self.random = random.Random(seed)
        self.keys: dict[str, list[str]] = {}
        self.names: dict[str, list[str]] = {}
        self.queries: dict[str, list[str]] = {}
        self.faults: list[str] = []

    async def look_around(self) -> None:
        """Learn what there is: keys, change sets, files on their way in."""
        records = self.made.records
        for name, resource in records.registry.items():
            query = records.query(SYSTEM, resource, [("limit", "20")])
            page = await records.page(SYSTEM, resource, query)
            self.keys[name] = [resource.key_text(resource.key_of(each)) for each in page.rows]
        self.names["change_set"] = await self.made.database.read(_change_sets)
        self.names["id"] = self.keys["admin_user"]
        self.names["upload"] = [
            where
            for file in FILES
            for name in self.random.sample(sorted(self.keys), 3)
            if (where := await self._upload(name, file))
        ]

    async def _upload(self, name: str, file: bytes) -> str:
        answer = await self.http.post(
            f"/admin/{name}/import",
            data={"_csrf": self.token},
            files={"file": ("a.csv", file)},
            headers={**SAME, "Cookie": f"session={self.secret}"},
        )
        self.judge(f"POST {name}/import {file[:60]!r}", answer)
        where: str = answer.headers.get("location", "")
        return where if "/import/" in where else ""

    async def ask(self, pattern: str, method: str) -> None:
        """Ask for a page once."""
        path = self.path(pattern, method)
        headers = {**SAME, "Cookie": self._cookies()}
        if self.random.random() < 0.15:
            headers["Accept"] = "application/json"
        if method == "POST":
            await self._post(pattern, path, headers)
            return
        known = self.queries.get(pattern)
        own = parse_qsl(self.random.choice(known)) if known and self.random.random() < 0.7 else []
        query = urlencode(self._bent(own))[:20_000]
        answer = await self._send("GET", f"{path}?{query}", headers)
        if answer.status_code == 200:
            self._learn(answer.text)

    def path(self, pattern: str, method: str) -> str:
        """An address of a page: mostly of something that is there."""
        uploads = self.names["upload"]
        if "{upload}" in pattern and uploads and self.random.random() < 0.8:
            return self.random.choice(uploads) + pattern.partition("{upload}")[2]
        # Who takes their own rights away asks nothing more.
        names = [each for each in self.keys if method == "GET" or not each.startswith("admin_")]
        name = self.random.choice(sorted(names))
        resource = self.made.records.registry[name]
        near = {
            "identity": [name],
            "pk": self.keys[name],
            "field": [*resource.fields],
            "relation": [*resource.relations],
            "action": [*resource.declared],
            **self.names,
        }

        def part(found: re.Match[str]) -> str:
            known = near.get(found[1])
            if known and (found[1] == "identity" or self.random.random() < 0.8):
                return quote(self.random.choice(known), safe=",~")
            return quote_from_bytes(self.random.choice(KEYS), safe=",~")

        return "/admin" + PART.sub(part, pattern)

    def _bent(self, own: Sequence[tuple[str, str]]) -> list[Pair]:
        """What a page would send, some of it bent, and other things."""
        found: list[Pair] = list(own)
        for _ in range(self.random.randint(0, 3)):
            if found and self.random.random() < 0.7:
                place = self.random.randrange(len(found))
                found[place] = (found[place][0], self.random.choice(VALUES))
            else:
                found.append((self.random.choice(NAMES), self.random.choice(VALUES)))
        if found and self.random.random() < 0.05:
            found += [self.random.choice(found)] * self.random.choice((1, 2, 300))
        if found and self.random.random() < 0.2:
            found.pop(self.random.randrange(len(found)))
        return found

    def _cookies(self) -> str:
        """A session, and mostly nothing else."""
        told = [f"session={self.secret}"]
        if self.random.random() < 0.2:
            told.append(f"{self.random.choice(COOKIES)}={self.random.choice(COOKIE_TEXTS)}")
        return "; ".join(told)

    async def _post(self, pattern: str, path: str, headers: dict[str, str]) -> None:
        own: list[tuple[str, str]] = []
        shown = SHOWN_ELSEWHERE.get(pattern)
        if shown or (pattern, "GET") in PAGES:
            where = self.path(shown, "POST") if shown else path
            known = self.queries.get(pattern)
            query = self.random.choice(known) if known else "all=1&field=id"
            page = await self._send("GET", f"{where}?{query}", headers)
            if page.status_code == 200 and "<form" in page.text.partition("data-toast")[0]:
                own = Form(page.text).fields("_csrf")
                self._learn(page.text)
        pairs: list[Pair] = [*self._bent(own), ("_csrf", self.token)]
        body, type_ = urlencode(pairs).encode(), "application/x-www-form-urlencoded"
        if self.random.random() < 0.2:
            body, type_ = self._multipart(pairs)
        await self._send("POST", path, {**headers, "Content-Type": type_}, body)

    def _multipart(self, pairs: Sequence[Pair]) -> tuple[bytes, str]:
        body = b""
        for name, value in pairs:
            label = name.encode().replace(b"\0", b"")
            file = b'; filename="a\0.csv"' if self.random.random() < 0.1 else b""
            body += b'--xx\r\nContent-Disposition: form-data; name="' + label + b'"' + file
            body += b"\r\n\r\n" + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
        body += b"--xx--\r\n"
        if b"filename" not in body and self.random.random() < 0.1:
            body = body[: self.random.randrange(len(body))]
        odd = self.random.random() < 0.2
        return body, self.random.choice(TYPES) if odd else "multipart/form-data; boundary=xx"

    async def _send(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None = None
    ) -> httpx.Response:
        url = httpx.URL(self.made.url).copy_with(raw_path=target.encode())
        sent = [(name.encode(), text.encode("latin-1")) for name, text in headers.items()]
        answer = await self.http.request(method, url, headers=sent, content=body)
        self.judge(f"{method} {target[:400]} {headers} {(body or b'')[:1500]!r}", answer)
        return answer

    def _learn(self, html: str) -> None:
        """Keep the parameters that the page's links have."""
        for href in re.findall(r'href="(/admin/[^"]*\?[^"]*)"', html):
            parts = urlsplit(unescape(href))
            for pattern, expression in PATTERNS.items():
                known = self.queries.setdefault(pattern, [])
                if expression.fullmatch(parts.path) and len(known) < 200:
                    known.append(parts.query)

    def judge(self, asked: str, answer: httpx.Response) -> None:
        """Note what no answer may be."""
        words = answer.text.lower()
        if answer.status_code >= 500:
            self.faults.append(f"{answer.status_code} of {asked}")
        elif any(each in words for each in LEAKS):
            self.faults.append(f"a leak by {asked}")


async def _change_sets(connection: AsyncConnection) -> list[str]:
    found = await connection.scalars(select(Change.change_set).distinct().limit(20))
    return [str(each) for each in found]
