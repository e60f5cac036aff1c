"""What a form sends: read once, and never more of it than there may be."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.types import Message

from admin_app.errors import BadRequestError, ContentTooLargeError
from admin_app.panel.visit import visit_of

MAX_FILES_BYTES = 32 * 1024 * 1024
"""The most bytes of a record's form, files included."""
MAX_FORM_BYTES = 3 * 1024 * 1024
"""The most bytes of a form without files: a JSON body, each byte escaped as three."""
MAX_STRANGERS_BYTES = 64 * 1024
"""The most bytes of a form of somebody who is not signed in."""
MAX_FORM_FIELDS = 20_000
"""The most fields of a form: more than the keys of the largest set that a schema takes."""


async def read_form(request: Request) -> FormData:
    """Read the form of a request, once, and never more than ``_most_bytes``.

    Raises ``ContentTooLargeError``, and ``BadRequestError`` for text that is not UTF-8.
    """
    cached = getattr(request.state, "form", None)
    if isinstance(cached, FormData):
        return cached
    taken = 0
    texts = bytearray()
    content_type = request.headers.get("content-type", "").lower()
    encoded = "urlencoded" in content_type
    most = _most_bytes(request, files=not encoded)
    _, named, charset = content_type.partition("charset=")
    if named and charset.partition(";")[0].strip(' "') not in {"utf-8", "utf8"}:
        msg = "A form is sent in UTF-8."
        raise BadRequestError(msg)

    async def limited() -> Message:
        nonlocal taken
        message = await request.receive()
        piece = message.get("body", b"")
        taken += len(piece)
        if encoded:
            texts.extend(piece)
        if taken > most:
            msg = f"A form may hold {most // 1024:,} KB, files included."
            raise ContentTooLargeError(msg)
        return message

    form = await Request(request.scope, limited).form(
        max_files=100, max_fields=MAX_FORM_FIELDS, max_part_size=most
    )
    request.state.form = form
    try:
        # Starlette puts other bytes right in silence, and what was typed is lost.
        unquote_to_bytes(bytes(texts)).decode()
        # A part may name an encoding of its own, which knows half of a surrogate pair.
        for name, value in () if encoded else form.multi_items():
            name.encode()
            (value if isinstance(value, str) else value.filename or "").encode()
    except UnicodeError as error:
        msg = "The form is not UTF-8."
        raise BadRequestError(msg) from error
    return form


def _most_bytes(request: Request, *, files: bool) -> int:
    if visit_of(request) is None:
        return MAX_STRANGERS_BYTES
    # Only records have files.
    return MAX_FILES_BYTES if files and "identity" in request.path_params else MAX_FORM_BYTES


def text_in(form: FormData, name: str) -> str:
    """The text of a form's field; empty if it is absent or a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def texts_in(form: FormData, name: str) -> list[str]:
    """The texts of a form's fields of one name, in their order; files are none of them."""
    return [each for each in form.getlist(name) if isinstance(each, str)]
