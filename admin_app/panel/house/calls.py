"""The request to the API that answers what a page shows, to be copied."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.errors import BadRequestError
from admin_app.panel.language import say
from admin_app.panel.list_address import SHEET, asked, beside, reading
from admin_app.panel.rendering import Sheet, render_sheet
from admin_app.panel.visit import Pairs, Visit, record_at, visiting

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call:
    """The same request in a language."""

    language: str
    text: str


async def of_list(admin: Admin, request: Request, resource: Resource) -> Response:
    """The request for the list whose parameters these are."""
    given, _ = beside(request)
    visit = visiting(request)
    back = visit.urls.list(resource, given)
    asked_for = _in_zone(visit, resource, given)
    query = f"?{urlencode(asked_for, errors='replace')}" if asked_for else ""
    calls = _calls(f"{_root(visit)}/{resource.plural}{query}")
    return await _page(admin, request, resource, calls, back)


async def of_record(admin: Admin, request: Request, resource: Resource) -> Response:
    """The request for a record."""
    visit = visiting(request)
    record = await record_at(visit, resource)
    calls = _calls(f"{_root(visit)}/{resource.plural}/{quote(record.key_text, safe=',~')}")
    return await _page(admin, request, resource, calls, visit.urls.details(resource, record.key))


async def _page(
    admin: Admin, request: Request, resource: Resource, calls: list[Call], back: str
) -> Response:
    title = say("The same by the API")
    sheet = Sheet("house/calls.html", title, title)
    alone = SHEET in request.query_params
    return await render_sheet(
        admin, request, sheet, alone=alone, resource=resource, calls=calls, back=back
    )


def _in_zone(visit: Visit, resource: Resource, given: Pairs) -> list[tuple[str, str]]:
    """What the list is asked for, with the reader's time zone where days are in it."""
    told = asked(given)
    try:
        timed = visit.records.query(visit.actor, resource, told).timed
    except BadRequestError:
        timed = False
    return told if timed else reading(given)


def _root(visit: Visit) -> str:
    url = visit.request.url
    below = visit.urls.base.removesuffix("/admin")
    return f"{url.scheme}://{url.netloc}{below}{PREFIX}"


def _calls(address: str) -> list[Call]:
    python = json.dumps(address, ensure_ascii=False)
    shell = "'" + address.replace("'", "'\\''") + "'"
    return [
        Call("curl", f'curl -H "Authorization: Bearer $TOKEN" {shell}'),
        Call(
            "Python",
            "import os\n\nimport httpx\n\n"
            "answer = httpx.get(\n"
            f"    {python},\n"
            '    headers={"Authorization": f"Bearer {os.environ[\'TOKEN\']}"},\n'
            ")\nanswer.raise_for_status()\nprint(answer.json())",
        ),
        Call(
            "TypeScript",
            f"const answer = await fetch({python}, {{\n"
            "  headers: { Authorization: `Bearer ${process.env.TOKEN}` },\n"
            "});\nif (!answer.ok) throw new Error(await answer.text());\n"
            "console.log(await answer.json());",
        ),
    ]
