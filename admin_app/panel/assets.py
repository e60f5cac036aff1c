"""The panel's own files: addressed by what is in them, so that browsers may keep them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_A_YEAR = "public, max-age=31536000, immutable"


class Assets(StaticFiles):
    """Serves the files of ``static``; their addresses change when they do."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        files = [each for each in folder.iterdir() if each.is_file()]
        self._versions = {
            each.name: hashlib.sha256(each.read_bytes()).hexdigest()[:12] for each in files
        }
        sprite = (folder / "icons.svg").read_text("utf-8")
        self.icons = frozenset(re.findall(r'<symbol id="([a-z-]+)"', sprite))
        """The names of the icons there are."""

    def url(self, request: Request, name: str) -> str:
        """The address of a file."""
        return f"{request.scope['root_path']}/statics/{name}?v={self._versions[name]}"

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if f"v={self._versions.get(path)}".encode() in scope["query_string"]:
            response.headers["Cache-Control"] = _A_YEAR
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
