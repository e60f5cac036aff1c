"""Whether all answer the same: the same rows and values, in whatever envelope.

Known differences are taken away first: FastCRUD's POST answers a decimal as a number and its PATCH
``null``; CSV has truths and instants in the language's own words.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from benchmarks.cases import Case
from benchmarks.data import AUTHOR, BOOK
from benchmarks.load import Job, Load
from benchmarks.servers import Server

_NUMBERED = re.compile(r"^Benchmark \d{8}$")
_TITLE = re.compile(r">\s*([A-Z][a-z]+(?: [a-z]+){3})\s*<")
_TOTALS = ("total", "total_count", "count")
_LISTS = ("data", "results", "items")


class DifferentError(SystemExit):
    """Contestants do not do the same work, so nothing is measured."""


def check(
    load: Load, case: Case, servers: Mapping[str, Server], cookies: Mapping[str, str]
) -> None:
    """Ask each once. Raises ``DifferentError`` with what differs."""
    found: dict[str, Any] = {}
    for name, request in case.requests.items():
        if name not in servers:
            continue
        server = servers[name]
        requests = request.made(server.place, cookies.get(name, ""))[:1]
        outcome = load(Job(server.port, requests, 1, 0.0, keep=True))
        if outcome.refused:
            msg = f"{name} refuses “{case.label}” on {server.place.kind}: {outcome.refused[0]}"
            raise DifferentError(msg)
        found[name] = meaning(case.name, outcome.bodies[0])
    told = {name: each for name, each in found.items() if each is not None}
    first = next(iter(told))
    for name, each in told.items():
        if each != told[first]:
            kind = servers[name].place.kind
            msg = f"{first} and {name} answer “{case.label}” on {kind} differently:\n"
            raise DifferentError(f"{msg}{str(told[first])[:1500]}\n{str(each)[:1500]}")


def meaning(case: str, body: bytes) -> Any:
    """What an answer says, in one form for all; ``None`` where it says nothing."""
    if case == "csv":
        return _digest(csv.reader(io.StringIO(body.decode())))
    if case == "panel":
        # Two designs of one list: the same titles are on both.
        return sorted(set(_TITLE.findall(body.decode().partition("<tbody")[2])))
    found = json.loads(body)
    if case == "bulk":
        return len(found["items"] if isinstance(found, dict) else found)
    if found is None:
        return None
    rows = next((found[name] for name in _LISTS if name in found), [found])
    total = None
    if case == "count":
        envelope = {**found, **page} if isinstance(page := found.get("page"), dict) else found
        total = next(envelope[name] for name in _TOTALS if name in envelope)
    return total, [_row(each, new=case == "post") for each in rows]


def _row(row: Mapping[str, Any], *, new: bool = False) -> dict[str, Any]:
    names = [name for name in BOOK if not (new and name == "id")]
    values: dict[str, Any] = {name: _value(name, row[name]) for name in names}
    if "author" in row:
        values["author"] = {name: row["author"][name] for name in AUTHOR}
    return values


def _value(name: str, value: Any) -> Any:
    text = str(value)
    if name == "price":
        return Decimal(text)
    if name == "in_print":
        return text.lower() in {"true", "t", "1"}
    if name == "added_at":
        return datetime.fromisoformat(text).astimezone(UTC)
    return "Benchmark" if name == "title" and _NUMBERED.match(text) else text


def _digest(lines: Iterator[list[str]]) -> tuple[int, str]:
    """How many rows there are, and a digest of their values in the order of ``BOOK``."""
    head = next(lines)
    places = [head.index(name) for name in BOOK]
    truth, instant = BOOK.index("in_print"), BOOK.index("added_at")
    digest, many = hashlib.sha256(), 0
    for line in lines:
        row = [line[place] for place in places]
        row[truth] = row[truth].lower()
        row[instant] = row[instant].replace(" ", "T").replace("+00:00", "Z")
        digest.update("\t".join(row).encode())
        many += 1
    return many, digest.hexdigest()
