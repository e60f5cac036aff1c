"""The ``Prefer`` header (RFC 7240) and its answer, ``Preference-Applied``.

An unknown preference, or one with an unknown value, is ignored unless ``handling=strict``. Not so
``tx`` and ``max-affected``: they guard against harm, so a malformed one is refused rather than
ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.request import parse_http_list

from fastapi import Request

from admin_app.errors import BadRequestError, FieldError

Resolution = Literal["merge-duplicates", "ignore-duplicates"]

MAX_AFFECTED_DIGITS = 9
COMMON = ("handling", "return", "tx")
"""Preferences of every write."""
GUARDS = frozenset({"tx", "max-affected"})

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"  # noqa: S105 - a part of a grammar (RFC 9110 §5.6.2)
_NAME = re.compile(_TOKEN)
_PREFERENCE = re.compile(
    rf"""({_TOKEN})\s*+(?:=\s*+(?:({_TOKEN})|"((?:[^"\\]|\\.)*+)")?\s*+)?(?:;.*)?""", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences of one request that are honoured."""

    applied: dict[str, str] = field(default_factory=dict)
    """By name, as they stand in ``Preference-Applied``."""

    @property
    def minimal(self) -> bool:
        """Whether the answer may omit the body (``return=minimal``)."""
        return self.applied.get("return") == "minimal"

    @property
    def rehearse(self) -> bool:
        """Whether it is a dry run (``tx=rollback``)."""
        return self.applied.get("tx") == "rollback"

    @property
    def max_affected(self) -> int | None:
        """The most records to write to."""
        value = self.applied.get("max-affected")
        return None if value is None else int(value)

    @property
    def resolution(self) -> Resolution | None:
        """What an upsert does with an existing record."""
        return self.applied.get("resolution")  # type: ignore[return-value]

    def header(self) -> str:
        """The value of ``Preference-Applied``."""
        return ", ".join(f"{name}={value}" for name, value in self.applied.items())


_NONE = Preferences()


def preferences(request: Request, *more: str) -> Preferences:
    """Read the preferences of a write, which takes those of ``COMMON`` and ``more``.

    Raises ``BadRequestError`` with ``handling=strict`` for any other, and for ``tx`` and
    ``max-affected`` that cannot be read.
    """
    given = _given(request)
    if not given:
        return _NONE
    applied = {
        name: value
        for name, value in given.items()
        if name in {*COMMON, *more} and _KNOWN[name](value)
    }
    strict = applied.get("handling") == "strict"
    errors = [
        FieldError(("Prefer",), "bad_preference", f"{_shown(name)} is not honoured so.")
        for name, value in given.items()
        if (strict and name not in applied) or (name in GUARDS and not _KNOWN[name](value))
    ]
    if errors:
        msg = "A preference cannot be honoured."
        raise BadRequestError(msg, errors=errors)
    return Preferences(applied)


def _given(request: Request) -> dict[str, str]:
    """Values by name in lower case, the first of each (RFC 7240 §2)."""
    found: dict[str, str] = {}
    for header in request.headers.getlist("prefer"):
        for part in map(str.strip, parse_http_list(header)):
            whole, begin = _PREFERENCE.fullmatch(part), _NAME.match(part)
            if whole is not None:
                name, value, quoted = whole.groups()
                found.setdefault(name.lower(), value or re.sub(r"\\(.)", r"\1", quoted or ""))
            else:
                # What begins like a guard and cannot be read must not pass for none.
                found.setdefault(begin[0].lower() if begin else part, "")
    return found


def _one_of(*values: str) -> Callable[[str], Any]:
    return values.__contains__


_KNOWN: dict[str, Callable[[str], Any]] = {
    "handling": _one_of("strict", "lenient"),
    "return": _one_of("minimal", "representation"),
    "tx": _one_of("commit", "rollback"),
    "max-affected": re.compile(rf"[0-9]{{1,{MAX_AFFECTED_DIGITS}}}").fullmatch,
    "resolution": _one_of("merge-duplicates", "ignore-duplicates"),
}


def _shown(name: str) -> str:
    return name.encode("unicode_escape").decode()[:40] or "An empty preference"
