"""What each ``type`` of a problem leads to: when it is answered, and what to do about it.

Public, because whoever reads a log may have no token, and because it tells what the documentation
tells: the same for everybody, and nothing of what is stored.
"""

from __future__ import annotations

import inspect
from html import escape
from typing import Any, NamedTuple

import pydantic_core
from fastapi import APIRouter, Request, Response

from admin_app.errors import PROBLEM_MEDIA_TYPE, AppError, NotFoundError, error_classes
from admin_app.rest.field_codes import FIELD_CODES
from admin_app.rest.pages import PUBLIC, html_page, wants_html

_UNFORESEEN = "What nobody foresaw; the log has all of it under the request's id."


class Entry(NamedTuple):
    """One kind of problem."""

    code: str
    status: int
    title: str
    when: str
    remedy: str


def entries() -> list[Entry]:
    """Every kind there is, by status then code."""
    return [
        Entry(each.code, int(each.status), each.title, _when(each), each.remedy)
        for each in error_classes()
    ]


def errors_router() -> APIRouter:
    """Make the routes of ``/errors``."""
    router = APIRouter(prefix="/errors", redirect_slashes=False, include_in_schema=False)

    @router.get("/")
    async def index(request: Request) -> Response:
        """Every kind of problem, and the codes of its parts."""
        if wants_html(request):
            return html_page(request, "Errors", _index(request))
        content = {"errors": [_shown(request, each) for each in entries()], "parts": FIELD_CODES}
        return _json(content)

    @router.get("/{code}")
    async def one(request: Request, code: str) -> Response:
        """One kind of problem."""
        found = next((each for each in entries() if each.code == code), None)
        if found is None:
            msg = "There is no error of this code."
            raise NotFoundError(msg)
        if wants_html(request):
            return html_page(request, found.title, _entry(request, found))
        return _json(_shown(request, found))

    return router


def _when(cls: type[AppError]) -> str:
    text = _UNFORESEEN if cls is AppError else inspect.getdoc(cls) or ""
    return " ".join(text.replace("``", "").split())


def _json(content: object) -> Response:
    return Response(pydantic_core.to_json(content), media_type="application/json", headers=PUBLIC)


def _address(request: Request, code: str = "") -> str:
    return f"{request.scope.get('root_path', '')}/errors/{code}"


def _shown(request: Request, entry: Entry) -> dict[str, Any]:
    return {"type": _address(request, entry.code), **entry._asdict()}


def _entry(request: Request, entry: Entry) -> str:
    return f"""<dl>
<dt>Code</dt><dd><code>{escape(entry.code)}</code></dd>
<dt>Status</dt><dd>{entry.status}</dd>
<dt>Media type</dt><dd><code>{PROBLEM_MEDIA_TYPE}</code></dd>
<dt>When</dt><dd>{escape(entry.when)}</dd>
<dt>What to do</dt><dd>{escape(entry.remedy)}</dd>
</dl>
<p><a href="{escape(_address(request))}">All errors</a></p>"""


def _index(request: Request) -> str:
    kinds = "".join(
        f'<tr><th scope="row"><a href="{escape(_address(request, each.code))}">'
        f"<code>{escape(each.code)}</code></a></th><td>{each.status}</td>"
        f"<td>{escape(each.when)}</td></tr>"
        for each in entries()
    )
    parts = "".join(
        f'<tr><th scope="row"><code>{escape(code)}</code></th><td>{escape(when)}</td></tr>'
        for code, when in sorted(FIELD_CODES.items())
    )
    return f"""<p>The <code>code</code> of a problem is stable: programs may rely on it.</p>
<div class="wide" tabindex="0" role="region" aria-labelledby="kinds">
<table><caption id="kinds">Problems</caption>
<thead><tr><th scope="col">Code</th><th scope="col">Status</th>
<th scope="col">When</th></tr></thead>
<tbody>{kinds}</tbody></table></div>
<div class="wide" tabindex="0" role="region" aria-labelledby="parts">
<table><caption id="parts">Parts of the input: the codes in <code>errors</code></caption>
<thead><tr><th scope="col">Code</th><th scope="col">When</th></tr></thead>
<tbody>{parts}</tbody></table></div>"""
