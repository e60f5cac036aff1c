"""``/api/v1/docs``: the document for people, and a place to try what reads.

The page holds nothing but a form for a token: what it shows it asks for with that token, so that
everybody sees their own document. It works without any other server and under the strict policy
that every answer carries (``middleware``).
"""

from __future__ import annotations

from html import escape

from fastapi import APIRouter, Request, Response

from admin_app.rest.pages import asset_response, html_page


def docs_router(title: str) -> APIRouter:
    """Make the routes of ``/docs``."""
    router = APIRouter(prefix="/docs", redirect_slashes=False, include_in_schema=False)

    @router.get("")
    async def docs(request: Request) -> Response:
        """The page."""
        root = escape(request.scope.get("root_path", ""))
        return html_page(request, f"{title}: API", _BODY.replace("{root}", root), "docs.js")

    @router.get("/{name}")
    async def file(request: Request, name: str) -> Response:
        """A file of the page."""
        return asset_response(request, name)

    return router


_BODY = """\
<form id="who" data-document="{root}/api/v1/openapi.json">
<label for="token">API token</label>
<div class="row"><input id="token" type="password" autocomplete="off" spellcheck="false" required>
<button type="submit">Show the API</button></div>
<p class="quiet">It stays in this tab, and goes nowhere but to this server. The page shows what the
token may do. <a href="{root}/errors/">All errors</a></p>
</form>
<p id="said" role="status"></p>
<noscript><p>This page needs JavaScript. The document itself is at
<code>{root}/api/v1/openapi.json</code>.</p></noscript>
<div id="tools" hidden><label for="find">Find an operation</label>
<input id="find" type="search" autocomplete="off"></div>
<div id="operations"></div>
"""
