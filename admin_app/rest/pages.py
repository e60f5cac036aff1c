"""The few pages for people that REST has: one shell, one style sheet, no inline code."""

from __future__ import annotations

import hashlib
from html import escape
from pathlib import Path

from fastapi import Request, Response

from admin_app.errors import NotFoundError

FOLDER = Path(__file__).parent / "static"
PUBLIC = {"Cache-Control": "no-cache", "Vary": "Accept"}
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript"}
_FILES = {each.name: each.read_bytes() for each in sorted(FOLDER.iterdir())}
_VERSIONS = {name: hashlib.sha256(data).hexdigest()[:12] for name, data in _FILES.items()}
_A_YEAR = "public, max-age=31536000, immutable"


def wants_html(request: Request) -> bool:
    """Whether a browser asks: programs that name no type, or any, get data."""
    return "text/html" in request.headers.get("accept", "").lower()


def asset(request: Request, name: str) -> str:
    """The address of a file of the pages; it changes when the file does."""
    root = request.scope.get("root_path", "")
    return escape(f"{root}/api/v1/docs/{name}?v={_VERSIONS[name]}")


def asset_response(request: Request, name: str) -> Response:
    """Answer a file. Raises ``NotFoundError``."""
    content = _FILES.get(name)
    if content is None:
        msg = "There is no such file."
        raise NotFoundError(msg)
    kept = request.query_params.get("v") == _VERSIONS[name]
    return Response(
        content,
        media_type=_MEDIA_TYPES[Path(name).suffix],
        headers={"Cache-Control": _A_YEAR if kept else "no-cache"},
    )


def html_page(request: Request, title: str, body: str, *scripts: str) -> Response:
    """Answer a page; ``body`` is HTML, ``title`` text, ``scripts`` files."""
    loaded = "".join(
        f'<script src="{asset(request, name)}" type="module"></script>\n' for name in scripts
    )
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{asset(request, "docs.css")}">
{loaded}</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
    return Response(html, media_type="text/html", headers=PUBLIC)
