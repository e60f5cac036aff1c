"""The refused rows of an import as a CSV file: as they stand in theirs, and why."""

from __future__ import annotations

from collections.abc import Sequence

from admin_app.records.transfer.files import csv_line, guard, unguard
from admin_app.records.transfer.mapping import REPORT_COLUMNS
from admin_app.records.transfer.run import Failure

_ONE = ("row",)
"""The column of rows that have columns of their own."""


def report_header(columns: Sequence[str] | None) -> bytes:
    """What stands before the first row."""
    return _encoded([*map(guard, columns or _ONE), *REPORT_COLUMNS])


def report_line(columns: Sequence[str] | None, failure: Failure) -> bytes:
    """A row, its line in the file, and the reasons."""
    width = len(columns or _ONE)
    cells = [guard(unguard(cell)) if cell else "" for cell in failure.row.raw[:width]]
    cells += [""] * (width - len(cells))
    return _encoded([*cells, str(failure.row.line), guard("; ".join(failure.reasons))])


def _encoded(cells: Sequence[str]) -> bytes:
    # As a file that was not all text is read, so that its bytes come back as they were.
    try:
        return csv_line(cells).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a character, which is no byte
        return csv_line(cells).encode("utf-8", "replace")
