"""Which keys do what: a page, which ``?`` opens on top of any other."""

from __future__ import annotations

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.panel.language import mark
from admin_app.panel.rendering import render

KEYS = (
    (
        mark("Everywhere"),
        (
            (("Ctrl", "K"), mark("Search everywhere, and do things")),
            (("/",), mark("Search this list")),
            (("?",), mark("Show these shortcuts")),
            (("g", "h"), mark("Go to the first page")),
            (("Esc",), mark("Close what is open")),
        ),
    ),
    (
        mark("Lists"),
        (
            (("n",), mark("New record")),
            (("Enter",), mark("Edit the cell in focus")),
            (("Tab",), mark("Save the cell and edit the next one")),
            (("j",), mark("Next row")),
            (("k",), mark("Previous row")),
            (("x",), mark("Tick the row in focus")),
            (("e",), mark("Edit the ticked rows")),
            (("Delete",), mark("Delete the ticked rows")),
        ),
    ),
    (
        mark("Records and forms"),
        (
            (("e",), mark("Edit the record")),
            (("Delete",), mark("Delete the record")),
            (("j",), mark("Next record of the list")),
            (("k",), mark("Previous record of the list")),
            (("Ctrl", "S"), mark("Save and stay")),
            (("Ctrl", "Enter"), mark("Save")),
        ),
    ),
)


async def page(admin: Admin, request: Request) -> Response:
    """The page."""
    return await render(admin, request, "house/shortcuts.html", groups=KEYS)
