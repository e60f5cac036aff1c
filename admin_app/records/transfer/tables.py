"""Rows of plain values as the lines of CSV and NDJSON, or as a workbook (XLSX).

A workbook's text is text whatever it begins with, so no formula is ever made of it. Whatever a
workbook's numbers cannot hold exactly is text as well.
"""

from __future__ import annotations

import asyncio
import json
import math
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter

from admin_app.errors import BadRequestError
from admin_app.records.transfer.files import Format, csv_line, csv_text, guard, unguard

Row = Sequence[Any]
"""Text, numbers, truth values, dates, nothing."""

MOST_ROWS = 1_048_575
"""Of a sheet, without its header."""
MOST_TEXT = 32_767
"""Characters of a cell."""
_IN_MEMORY = 2**20
_PIECE = 256 * 1024
_EXACT = 15
"""Digits of a workbook's number that are kept."""
_FIRST_DATE = date(1900, 3, 1)
"""Workbooks believe that there was a day before it which there was not."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


async def lines(
    format_: Format, header: Sequence[str], portions: AsyncIterator[Sequence[Row]]
) -> AsyncGenerator[bytes]:
    """A file with a header and rows, portion by portion.

    Raises ``BadRequestError`` before the first for what a workbook has no place for.
    """
    if format_ == "xlsx":
        async for piece in workbook(header, portions):
            yield piece
        return
    start = csv_line(map(guard, header)).encode() if format_ == "csv" else b""
    async for rows in portions:
        yield start + (_csv(rows) if format_ == "csv" else _objects(header, rows))
        start = b""
    if start:
        yield start


def _csv(rows: Sequence[Row]) -> bytes:
    return csv_text([[_cell(each) for each in row] for row in rows])


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return guard(value) if isinstance(value, str) else value


def _objects(header: Sequence[str], rows: Sequence[Row]) -> bytes:
    return b"".join(
        json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False, default=_json).encode()
        + b"\n"
        for row in rows
    )


def _json(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


async def workbook(
    header: Sequence[str], portions: AsyncIterator[Sequence[Row]]
) -> AsyncGenerator[bytes]:
    """A workbook: written to the disk, row by row, and sent when it is whole."""
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        book = Workbook(file, header)
        try:
            async for rows in portions:
                # In a thread, where it holds nobody up.
                await asyncio.to_thread(book.add, rows)
        finally:
            await asyncio.to_thread(book.close)
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece


class Workbook:
    """One sheet, its header bold and in sight."""

    def __init__(self, file: IO[bytes], header: Sequence[str]) -> None:
        self._header = header
        self._book = xlsxwriter.Workbook(file, _OPTIONS)
        self._sheet = self._book.add_worksheet()
        self._date = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._sheet.freeze_panes(1, 0)
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(header):
            self._sheet.set_column(place, place, min(max(len(name) + 3, 12), 40))
            self._sheet.write_string(0, place, name[:MOST_TEXT], bold)
        self._rows = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows. Raises ``BadRequestError`` for more than there is place for."""
        if self._rows + len(rows) > MOST_ROWS:
            msg = f"A workbook has at most {MOST_ROWS:,} rows. Ask for CSV or NDJSON."
            raise BadRequestError(msg)
        for row in rows:
            self._rows += 1
            for place, value in enumerate(row):
                if value is not None:
                    self._write(place, value)

    def close(self) -> None:
        """Put it together."""
        self._book.close()

    def _write(self, place: int, value: Any) -> None:
        line, sheet = self._rows, self._sheet
        if isinstance(value, bool):
            sheet.write_boolean(line, place, value)
        elif isinstance(value, datetime):
            sheet.write_datetime(line, place, value, self._moment)
        elif isinstance(value, date):
            sheet.write_datetime(line, place, value, self._date)
        elif isinstance(value, str):
            if len(value) > MOST_TEXT:
                self._refuse(place)
            sheet.write_string(line, place, value)
        else:
            sheet.write_number(line, place, value)

    def _refuse(self, place: int) -> None:
        name = self._header[place]
        detail = f"A cell of a workbook has at most {MOST_TEXT:,} characters. Ask for CSV."
        raise BadRequestError.about((name,), "too_long", detail)


def as_read_back(text: str) -> str:
    """Text in a workbook's cell, so that an import reads the same: empty text is a ``'`` alone."""
    return f"'{text}" if not text or unguard(text) != text else text


def number(value: Any) -> Any:
    """A number where a workbook keeps it exactly, else its digits."""
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if not math.isfinite(value):
        return text
    digits = len(Decimal(text).normalize().as_tuple().digits)
    kept = digits <= _EXACT and abs(value) < 10**_EXACT
    return value if kept and Decimal(repr(float(value))) == Decimal(text) else text


def day(value: date) -> date | str:
    """A date where a workbook has it, else as text."""
    return value if value >= _FIRST_DATE else value.isoformat()
