"""A program: a workbook on standard input, a sheet's rows as lines of JSON on standard output.

It stands alone, so that it starts soon, and has little memory and time, which is why it is one.
"""

from __future__ import annotations

import io
import json
import math
import sys
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

try:
    import resource
except ImportError:  # where there are no limits, there is the time that the caller waits
    resource = None  # type: ignore[assignment]

MEMORY = 1536 * 2**20
SECONDS = 50
MOST_TEXT = 96 * 2**20
"""Characters that are written."""
DAMAGED, NO_SHEET, PROTECTED, TOO_LARGE = 3, 4, 5, 6


def main(wanted: str, sheet: str) -> int:
    """Write its ``names``, or the ``rows`` of a sheet. The answer is what the program ends with."""
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = sys.stdin.buffer.read()
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = book.sheet_names
        if wanted == "names":
            sys.stdout.write(json.dumps(names))
            return 0
        if not names or (sheet and sheet not in names):
            return NO_SHEET if sheet else DAMAGED
        return _write(book.get_sheet_by_name(sheet or names[0]))
    except MemoryError:
        return TOO_LARGE
    except PasswordError:
        return PROTECTED
    except (CalamineError, ValueError, OSError):
        return DAMAGED


def _write(sheet: Any) -> int:
    written = 0
    for row in sheet.to_python(skip_empty_area=False):
        line = json.dumps([_text(each) for each in row])
        written += len(line)
        if written > MOST_TEXT:
            return TOO_LARGE
        sys.stdout.write(line)
        sys.stdout.write("\n")
    return 0


def _text(cell: Any) -> str:
    """A cell as text, as a file of CSV would have it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        # Numbers of a workbook are binary; what they are written as is their shortest form.
        whole = math.isfinite(cell) and cell == int(cell) and abs(cell) < 1e15  # noqa: PLR2004
        return str(int(cell)) if whole else format(Decimal(repr(cell)), "f")
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return str(cell)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
