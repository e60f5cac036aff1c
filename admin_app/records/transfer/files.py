"""CSV and NDJSON files, read row by row and written value by value.

A spreadsheet runs a cell that begins like a formula, so an export writes ``'`` before such text,
and an import takes it away again. Null is an empty cell; empty text is a ``'`` alone.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal

from admin_app.errors import BadRequestError

Format = Literal["csv", "ndjson"]
DELIMITERS = ",;\t"
LARGEST_CELL = 16 * 2**20
LIST_SEPARATOR = ";"
LINE_END = "\r\n"

# Spreadsheets take the full-width forms for the same signs.
_FORMULA = re.compile(r" *[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_BEGINS = frozenset("' =+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What text that may need a guard begins with."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file; ``problem`` says why it cannot be read."""

    line: int
    cells: Mapping[str, Any]
    raw: tuple[str, ...]
    """As it stands in the file."""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """An open file: its columns (none where each row has its own) and its rows, read as asked."""

    format: Format
    columns: tuple[str, ...] | None
    rows: Iterator[Row]


def format_of(name: str) -> Format:
    """The format that a file's name tells."""
    return "ndjson" if name.endswith((".ndjson", ".jsonl")) else "csv"


def read_table(file: IO[bytes], format_: Format) -> Table:
    """Begin to read a file.

    Raises ``BadRequestError`` when it has no usable beginning.
    """
    # What is no UTF-8 is found row by row, so that the good rows can be kept.
    text = (line.decode("utf-8", "surrogateescape") for line in file)
    first = next(text, "").removeprefix("\ufeff")
    if format_ == "ndjson":
        return Table("ndjson", None, _lines(itertools.chain([first], text)))
    csv.field_size_limit(LARGEST_CELL)
    if _undecodable(first) or "\x00" in first:
        raise BadRequestError("The file is not UTF-8 text.")
    delimiter = max(DELIMITERS, key=lambda each: len(next(csv.reader([first], delimiter=each), [])))
    reader = csv.reader(itertools.chain([first], text), delimiter=delimiter)
    header = tuple(each.strip() for each in next(reader, []))
    if not any(header):
        raise BadRequestError("The file has no header: its first line names the columns.")
    return Table("csv", header, _records(reader, header))


def _records(reader: Any, header: tuple[str, ...]) -> Iterator[Row]:
    while True:
        line = reader.line_num + 1
        try:
            cells = tuple(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {}, (), f"This is not CSV: {error}.")
            continue
        if cells:
            yield _record(line, header, cells)


def _record(line: int, header: tuple[str, ...], cells: tuple[str, ...]) -> Row:
    if len(cells) != len(header):
        problem = f"{_counted(len(cells), 'cell')} where the header has {len(header)}."
        return Row(line, {}, cells, problem)
    if any(map(_undecodable, cells)):
        return Row(line, {}, cells, "This is not UTF-8 text.")
    return Row(line, dict(zip(header, cells, strict=True)), cells)


def _lines(text: Iterable[str]) -> Iterator[Row]:
    for line, content in enumerate(text, 1):
        raw = content.rstrip("\r\n")
        if not raw.strip():
            continue
        try:
            yield Row(line, _object(raw), (raw,))
        except (ValueError, RecursionError):
            yield Row(line, {}, (raw,), "This is not one JSON object in UTF-8.")


def _object(raw: str) -> dict[str, Any]:
    found = json.loads(raw, parse_constant=_refuse_constant)
    if not isinstance(found, dict):
        raise ValueError(raw)  # noqa: TRY004 - as for what is no JSON at all
    # An escape can stand for half a character, which no database keeps.
    json_text(found).encode()
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _undecodable(text: str) -> bool:
    return not text.isascii() and any("\udc80" <= each <= "\udcff" for each in text)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def guard(text: str) -> str:
    """Keep a spreadsheet from taking text for a formula; what is a plain number stays so."""
    return f"'{text}" if _needs_guard(text) else text


def unguard(cell: str) -> str:
    """Read back what ``guard`` wrote; any other cell is left as it is."""
    return cell[1:] if cell.startswith("'") and _needs_guard(cell[1:]) else cell


def is_plain(text: str) -> bool:
    """Whether text is told at once to need no guard, as almost all."""
    return text != "" and text[0] not in _BEGINS


def _needs_guard(text: str) -> bool:
    if is_plain(text):
        return False
    bare = text.lstrip("'")
    if not bare:
        return True
    return _FORMULA.match(bare) is not None and not _NUMBER.fullmatch(bare)


def cell(value: Any) -> str:
    """JSON data as a cell: text as it is, null empty, the rest as JSON writes it."""
    if value is None:
        return ""
    return guard(value) if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """JSON data as JSON text."""
    return json.dumps(value, ensure_ascii=False)


def list_cell(values: Iterable[str]) -> str:
    """Several texts as one cell: joined by ``;``, in double quotes where one has it inside."""
    text = csv_line(values, LIST_SEPARATOR).removesuffix(LINE_END)
    return guard(text) if text else ""


def list_of(text: str) -> list[str]:
    """The texts that ``list_cell`` joined."""
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=LIST_SEPARATOR), [])


def csv_line(cells: Iterable[str], delimiter: str = ",") -> str:
    """A line of CSV (RFC 4180), its end included."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator=LINE_END).writerow(cells)
    return line.getvalue()


def csv_text(rows: Iterable[Iterable[Any]]) -> bytes:
    """Lines of CSV; null is an empty cell, and numbers are written as JSON does."""
    text = io.StringIO()
    csv.writer(text, lineterminator=LINE_END).writerows(rows)
    return text.getvalue().encode()
