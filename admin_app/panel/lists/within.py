"""In which list a record was found: said in the address of its page, as ``list``."""

from __future__ import annotations

from starlette.requests import Request

from admin_app.panel.lists.address import carried, reading, without
from admin_app.panel.visit import Pairs

LIST = "list"


def in_list(pairs: Pairs) -> list[tuple[str, str]]:
    """The parameter of a record's page that says in which list it was found."""
    return [(LIST, carried(ordered(pairs)))]


def listed(request: Request) -> list[tuple[str, str]]:
    """The same, as the request has it, for the pages that it leads to."""
    text = request.query_params.get(LIST)
    return [] if text is None else [(LIST, text)]


def ordered(pairs: Pairs) -> list[tuple[str, str]]:
    """What of a list's parameters says which records it has, and in which order."""
    return without(reading(pairs), "count")
