"""Read the sheets of workbooks (XLSX) in another process.

A workbook is an archive, and a few kilobytes can unpack to more than the machine's memory. So it is
unpacked where memory and time are limited, and where nobody else waits for it.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from admin_app.errors import BadRequestError, ContentTooLargeError

MOST_UNPACKED = 256 * 2**20
"""Bytes that a workbook may say it unpacks to."""
SECONDS = 60
LONGEST_NAME = 255
"""Characters of a sheet's name; a program is not given any length."""
READER = Path(__file__).with_name("sheet_reader.py")

_DAMAGED = "The file is not an XLSX workbook, or it is damaged."
_LARGE = "The workbook unpacks to more than is taken in. Split it, or send it as CSV."


def sheet_names(content: bytes) -> list[str]:
    """The names of a workbook's sheets. Raises what ``read_sheet`` does."""
    found: list[str] = json.loads(_ask(content, "names"))
    return found


def read_sheet(content: bytes, sheet: str = "") -> Iterator[list[str]]:
    """The rows of a sheet, the first where none is named, as text; empty where nothing stands.

    It waits: call it in a thread. Raises ``BadRequestError``, and ``ContentTooLargeError``.
    """
    return map(json.loads, _ask(content, "rows", sheet).splitlines())


def _ask(content: bytes, wanted: Literal["names", "rows"], sheet: str = "") -> bytes:
    _check(content)
    if len(sheet) > LONGEST_NAME:
        raise BadRequestError(_REFUSALS[NO_SHEET])
    try:
        done = subprocess.run(  # noqa: S603 - a path of ours and the name of a sheet
            [sys.executable, "-I", str(READER), wanted, sheet],
            input=content,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ContentTooLargeError(_LARGE) from error
    except ValueError as error:  # NUL in the name
        raise BadRequestError(_REFUSALS[NO_SHEET]) from error
    if done.returncode == 0:
        return done.stdout
    refusal = _REFUSALS.get(done.returncode)
    if refusal is not None:
        raise BadRequestError(refusal)
    # It ended as it does where memory or time do.
    raise ContentTooLargeError(_LARGE)


NO_SHEET = 4
_REFUSALS = {
    3: _DAMAGED,
    NO_SHEET: "There is no such sheet.",
    5: "The workbook is protected by a password. Take it away, and send it again.",
}
"""By what the program ends with."""


def _check(content: bytes) -> None:
    """Refuse at once what is none, or says itself that it is too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(each.file_size for each in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise BadRequestError(_DAMAGED) from error
    if size > MOST_UNPACKED:
        raise ContentTooLargeError(_LARGE)
