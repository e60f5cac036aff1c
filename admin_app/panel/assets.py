"""The panel's own files: addressed by what is in them, so that browsers may keep them.

Scripts and styles are written in files of their own and served as one each: the parts of a
``panel.js`` or ``panel.css`` stand in the folder of that name, in the order of their names.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from admin_app.panel.language import Language, language, words_of

SCRIPT = "panel.js"
_A_YEAR = "public, max-age=31536000, immutable"
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Assets:
    """Serves the files of ``static``; their addresses change when they do."""

    def __init__(self, folder: Path, languages: Mapping[str, Language]) -> None:
        self._bodies = {
            each.name: _body(each) for each in folder.iterdir() if each.suffix in _MEDIA_TYPES
        }
        script = self._bodies.pop(SCRIPT).decode()
        for code, chosen in languages.items():
            # Each language has a script of its own, which begins with its words.
            words = json.dumps(words_of(script, chosen), ensure_ascii=False)
            body = f'(() => {{\n"use strict";\nconst WORDS = {words};\n{script}}})();\n'
            self._bodies[_spoken(code)] = body.encode()
        self._versions = {
            name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._bodies.items()
        }
        sprite = self._bodies["icons.svg"].decode()
        self.icons = frozenset(re.findall(r'<symbol id="([a-z-]+)"', sprite))
        """The names of the icons there are."""

    def url(self, request: Request, name: str) -> str:
        """The address of a file; of the scripts, of those in the reader's language."""
        name = _spoken(language().code) if name == SCRIPT else name
        return f"{request.scope['root_path']}/statics/{name}?v={self._versions[name]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._response(Request(scope))(scope, receive, send)

    def _response(self, request: Request) -> Response:
        name = request.url.path.rpartition("/statics/")[2]
        if name not in self._bodies:
            raise HTTPException(404)
        if request.method not in {"GET", "HEAD"}:
            raise HTTPException(405)
        tag = f'"{self._versions[name]}"'
        headers = {"ETag": tag, "X-Content-Type-Options": "nosniff"}
        if request.query_params.get("v") == self._versions[name]:
            headers["Cache-Control"] = _A_YEAR
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        media_type = _MEDIA_TYPES[Path(name).suffix]
        return Response(self._bodies[name], media_type=media_type, headers=headers)


def _body(path: Path) -> bytes:
    """What is served under a name: a file, or the parts of a folder that is called like one."""
    if path.is_file():
        return path.read_bytes()
    parts = [each.read_text("utf-8") for each in sorted(path.glob(f"*{path.suffix}"))]
    return _trimmed("\n".join(parts)).encode()


def _trimmed(source: str) -> str:
    """Without what only those need who read it: indentation, empty lines, lines of comment."""
    source = re.sub(r"^/\*.*?\*/$", "", source, flags=re.MULTILINE | re.DOTALL)
    lines = (each.strip() for each in source.splitlines())
    return "\n".join(each for each in lines if each and not each.startswith("//"))


def _spoken(code: str) -> str:
    return f"panel.{code}.js"
