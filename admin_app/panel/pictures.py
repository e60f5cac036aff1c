"""Bytes that are a picture every browser knows, and nothing else: by how they begin."""

from __future__ import annotations

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
LOOK_HEADERS = {
    "Content-Disposition": "inline",
    # Whatever else the bytes may be to some program, here they can do nothing.
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def picture(content: bytes) -> str | None:
    """The media type of a picture; none of anything else, SVG among it, which may run scripts."""
    for beginning, media_type in _BEGINNINGS:
        if content.startswith(beginning):
            return media_type
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return "image/webp" if webp else None
