"""``Page``: a route of the panel, as its room declares it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from starlette.responses import Response

Visitor = Literal["resource", "staff", "anyone"]
GET = ("GET",)
POST = ("POST",)
BOTH = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Page:
    """A path below the panel and what answers it.

    ``answer`` takes SQLAdmin's ``Admin`` and the request; of a page of a ``resource``, whose path
    holds its ``{identity}``, the resource as the visitor sees it as well. All but those open to
    ``anyone`` need somebody signed in.
    """

    name: str
    path: str
    answer: Callable[..., Awaitable[Response]]
    methods: tuple[str, ...] = GET
    of: Visitor = "staff"
