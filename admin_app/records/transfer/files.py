"""Files of rows, read row by row, and the cells of CSV, written value by value.

A spreadsheet runs a cell that begins like a formula, so an export writes ``'`` before such text,
and an import takes it away again. Null is an empty cell; empty text is a ``'`` alone.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Literal, get_args

from admin_app.declaration.schemas import deeper
from admin_app.errors import BadRequestError
from admin_app.records.transfer.json_array import LARGEST_OBJECT, items_of, refuse_constant
from admin_app.records.transfer.sheets import read_sheet

Format = Literal["csv", "ndjson", "xlsx", "json"]
"""An import takes all of them, an export writes all but an array of JSON."""
Written = Literal["csv", "ndjson", "xlsx"]
FORMATS: tuple[Format, ...] = get_args(Format)
TABULAR: frozenset[Format] = frozenset({"csv", "xlsx"})
"""Those whose cells are text, whatever types they stand for."""
Encoding = Literal["utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp1251", "cp1252"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
_ENDINGS: dict[str, Format] = {
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "json": "json",
    "xlsx": "xlsx",
}
DELIMITERS = ",;\t"
_PIECE = 2**20
MOST_EMPTY = 100_000
"""Lines with nothing in them: they are passed over, which takes time that no row bounds."""
LARGEST_CELL = 16 * 2**20
MOST_COLUMNS = 16_384
"""As many as a workbook has."""
TOO_WIDE = f"A file has at most {MOST_COLUMNS:,} columns here."
DEEPEST = 200
"""Levels of JSON in a row: its fields have bounds of their own, Python's stack has one as well."""
NO_OBJECT = "This is not one JSON object in UTF-8."
csv.field_size_limit(LARGEST_CELL)
LIST_SEPARATOR = ";"
LINE_END = "\r\n"

# Spreadsheets take the full-width forms for the same signs.
_FORMULA = re.compile(r" *[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_BEGINS = frozenset("' =+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What text that may need a guard begins with."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?", re.ASCII)
_PART = re.compile(r"[^\r]*\r\n?|[^\r]+")


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


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is read."""

    format: Format = "csv"
    encoding: Encoding = "utf-8"
    """With or without a byte order mark."""
    delimiter: str = ""
    """Of CSV; none: the one that the first line has most of."""
    header: bool = True
    """Whether the first row names the columns."""
    sheet: str = ""
    """Of a workbook; none: the first."""


def format_of(name: str) -> Format:
    """The format that a file's name tells."""
    return _ENDINGS.get(name.rpartition(".")[2].lower(), "csv")


def read_table(file: IO[bytes], how: Format | Dialect) -> Table:
    """Begin to read a file.

    Raises ``BadRequestError`` when it has no usable beginning.
    """
    dialect = how if isinstance(how, Dialect) else Dialect(how)
    if dialect.format == "xlsx":
        sheet = read_sheet(file.read(), dialect.sheet)
        return _tabular("xlsx", _sheet_rows(sheet), header=dialect.header)
    text = _text(file, dialect.encoding)
    if dialect.format == "json":
        return Table("json", None, _items("".join(text)))
    first = next(text, "")
    if dialect.format == "ndjson":
        return Table("ndjson", None, _lines(itertools.chain([first], text)))
    if _undecodable(first) or "\x00" in first:
        raise BadRequestError(f"The file is not {words_for(dialect.encoding)} text.")
    delimiter = dialect.delimiter or delimiter_of(first)
    lines = (part for line in itertools.chain([first], text) for part in _parts(line))
    reader = csv.reader(lines, delimiter=delimiter)
    rows = _csv_rows(reader, words_for(dialect.encoding))
    return _tabular("csv", rows, header=dialect.header)


def csv_lines(line: str) -> Iterator[str]:
    """A line of text as lines of CSV, which some programs end with a carriage return alone."""
    return (found[0] for found in _PART.finditer(line))


def _parts(line: str) -> Iterable[str]:
    return csv_lines(line) if "\r" in line else (line,)


def first_cells(text: str, delimiter: str) -> list[str]:
    """The cells of the first line of CSV; none where there is no such line."""
    try:
        return next(csv.reader(itertools.islice(csv_lines(text), 1), delimiter=delimiter), [])
    except csv.Error:
        return []


def delimiter_of(text: str) -> str:
    """The delimiter that the first line of CSV has most of."""
    return max(DELIMITERS, key=lambda each: len(first_cells(text, each)))


def words_for(encoding: Encoding) -> str:
    """What people call an encoding."""
    named = {"cp1251": "Windows-1251", "cp1252": "Windows-1252"}
    return named.get(encoding, encoding.upper())


def _text(file: IO[bytes], encoding: Encoding) -> Iterator[str]:
    """The lines of a file. What cannot be read is found row by row, so that the rest is kept."""
    lines: Iterator[str]
    if encoding == "utf-8":
        lines = (line.decode("utf-8", "surrogateescape") for line in file)
    else:
        lines = _decoded(file, encoding)
    try:
        for place, line in enumerate(lines):
            yield line if place else line.removeprefix("\ufeff")
    except UnicodeError as error:
        raise BadRequestError(f"The file is not {words_for(encoding)} text.") from error


def _decoded(file: IO[bytes], encoding: Encoding) -> Iterator[str]:
    errors = "surrogatepass" if encoding.startswith("utf") else "surrogateescape"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    rest = ""
    while chunk := file.read(_PIECE):
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from (f"{line}\n" for line in lines)
    try:
        rest += decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        rest += "\udcff"  # Half a letter, told of by its row as any that cannot be read.
    if rest:
        yield rest


def _tabular(
    format_: Format, rows: Iterator[tuple[int, tuple[str, ...], str]], *, header: bool
) -> Table:
    """Rows of cells, each with its line and what is wrong with it, under their columns."""
    line, cells, problem = next(rows, (0, (), ""))
    if problem:
        raise BadRequestError(problem)
    if header:
        columns = tuple(each.strip() for each in cells)
        found = rows
    else:
        columns = tuple(f"Column {place}" for place, _ in enumerate(cells, 1))
        found = itertools.chain([(line, cells, problem)], rows)
    if not any(columns):
        raise BadRequestError("The file has no header: its first line names the columns.")
    return Table(format_, columns, (_record(columns, *each) for each in found))


def _csv_rows(reader: Any, encoding: str) -> Iterator[tuple[int, tuple[str, ...], str]]:
    empty = _Empty()
    while True:
        line = reader.line_num + 1
        try:
            found = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, (), f"This is not CSV: {error}."
            continue
        if len(found) > MOST_COLUMNS:
            yield line, (), TOO_WIDE
            continue
        cells = tuple(found)
        if not cells:
            empty.count()
        else:
            problem = f"This is not {encoding} text." if any(map(_undecodable, cells)) else ""
            yield line, cells, problem


def _sheet_rows(rows: Iterable[list[str]]) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """The rows of a sheet that have anything in them, as wide as the first."""
    width = 0
    for line, cells in enumerate(rows, 1):
        if any(cells):
            while cells and len(cells) > width > 0 and not cells[-1]:
                cells.pop()
            while not width and not cells[-1]:
                cells.pop()
            width = width or len(cells)
            yield line, (*cells, *[""] * (width - len(cells))), ""


def _record(header: tuple[str, ...], line: int, cells: tuple[str, ...], problem: str) -> Row:
    if len(cells) != len(header) and (cells or not problem):
        problem = f"{_counted(len(cells), 'cell')} where the header has {len(header)}."
    named = {} if problem else dict(zip(header, cells, strict=True))
    return Row(line, named, cells, problem)


def _items(text: str) -> Iterator[Row]:
    """The items of an array, by their numbers, each read when its turn comes.

    All of it is read once before, because a file that is no JSON is refused whole.
    """
    for _ in items_of(text):
        pass
    return (_item(line, each) for line, each in enumerate(items_of(text), 1))


def _item(line: int, item: Any) -> Row:
    try:
        raw = json_text(item)
    except RecursionError:
        return Row(line, {}, ("",), NO_OBJECT)
    try:
        return Row(line, _valid(item), (raw,))
    except ValueError:
        return Row(line, {}, (json.dumps(item),), NO_OBJECT)


def _lines(text: Iterable[str]) -> Iterator[Row]:
    empty = _Empty()
    for line, content in enumerate(text, 1):
        raw = content.rstrip("\r\n")
        if not raw.strip():
            empty.count()
            continue
        if len(raw) > LARGEST_OBJECT:
            yield Row(
                line, {}, (raw,), f"An object has at most {LARGEST_OBJECT:,} characters here."
            )
            continue
        try:
            yield Row(line, _object(raw), (raw,))
        except (ValueError, RecursionError):
            yield Row(line, {}, (raw,), NO_OBJECT)


class _Empty:
    """The empty lines of a file so far."""

    def __init__(self) -> None:
        self._number = 0

    def count(self) -> None:
        """Count one more. Raises ``BadRequestError``."""
        self._number += 1
        if self._number > MOST_EMPTY:
            raise BadRequestError(f"The file has more than {MOST_EMPTY:,} empty lines.")


def _object(raw: str) -> dict[str, Any]:
    return _valid(json.loads(raw, parse_constant=refuse_constant))


def _valid(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(type(found))  # noqa: TRY004 - as for what is no JSON at all
    if deeper(found, DEEPEST):
        raise ValueError(DEEPEST)
    # An escape can stand for half a character, which no database keeps.
    json_text(found).encode()
    return found


def _undecodable(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= each <= "\udfff" for each in text)


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
