"""Detect a file's format, encoding, delimiter and header from its first bytes."""

from __future__ import annotations

import codecs
import re
from itertools import islice

from admin_app.declaration import Resource
from admin_app.records.transfer.files import (
    Dialect,
    Encoding,
    Format,
    csv_lines,
    delimiter_of,
    first_cells,
    format_of,
)
from admin_app.records.transfer.mapping import by_label

SAMPLE = 2**20
"""Bytes that are looked at."""
MOST_WORDS = 10_000
"""Words that tell the alphabet."""
_NUMBER = re.compile(r"[+-]?[\d\s.,]*\d[\d\s.,%]*")
_WORD = re.compile(r"[^\W\d_]+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]{3,}")
"""Fewer letters in a row are found in Western words as well."""
_VOWELS = frozenset("аеиоуыъэюяёєії")


def detect(content: bytes, name: str, resource: Resource) -> Dialect:
    """How a file is probably to be read; people may know better."""
    format_ = _format(content, name)
    if format_ == "xlsx":
        return Dialect("xlsx")
    encoding = encoding_of(content)
    if format_ != "csv":
        return Dialect(format_, encoding)
    text = content[:SAMPLE].decode(encoding, "replace").removeprefix("\ufeff")
    first, *more = [*csv_lines(text.partition("\n")[0])] or [""]
    rest = "".join(more) or text.partition("\n")[2]
    delimiter = delimiter_of(first)
    return Dialect("csv", encoding, delimiter, has_header(resource, first, rest, delimiter))


def _format(content: bytes, name: str) -> Format:
    """What the content is, whatever it is called."""
    if content.startswith(b"PK\x03\x04"):
        return "xlsx"
    begin = content[:SAMPLE].decode(encoding_of(content), "replace").lstrip("\ufeff \t\r\n")
    if begin.startswith("["):
        return "json"
    if begin.startswith("{"):
        return "ndjson"
    named = format_of(name)
    return named if named != "xlsx" else "csv"


def encoding_of(content: bytes) -> Encoding:
    """The encoding of text: by its mark, else by which one its bytes make sense in."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = content[:SAMPLE]
    zeros_even, zeros_odd = sample[::2].count(0), sample[1::2].count(0)
    if max(zeros_even, zeros_odd) > len(sample) // 8:
        return "utf-16-be" if zeros_even > zeros_odd else "utf-16-le"
    text = sample.decode("utf-8", "surrogateescape")
    if text.isascii():
        return "utf-8"
    stray = sum("\udc80" <= each <= "\udcff" for each in text)
    if len(content) > SAMPLE:
        stray = max(stray - 3, 0)  # The sample may end inside of a letter.
    if stray <= sum(not each.isascii() for each in text) - stray:
        return "utf-8"  # Here and there is a fault: rows are told of by themselves.
    return _single_byte(sample)


def _single_byte(sample: bytes) -> Encoding:
    """Cyrillic words are nothing but high bytes; of Western ones a letter here and there is."""
    found = (each[0] for each in _WORD.finditer(sample.decode("cp1251", "replace")))
    words = list(islice((each for each in found if not each.isascii()), MOST_WORDS))
    letters = sum(not letter.isascii() for each in words for letter in each)
    cyrillic = sum(len(each) for each in words if _is_cyrillic(each))
    return "cp1251" if cyrillic * 2 > letters else "cp1252"


def _is_cyrillic(word: str) -> bool:
    """Whether it is spelt as a word; the umlauts of German in a row are none, of what case ever."""
    spelt = word.islower() or word.isupper() or word.istitle()
    return spelt and _CYRILLIC.fullmatch(word) is not None and not _VOWELS.isdisjoint(word.lower())


def has_header(resource: Resource, first: str, rest: str, delimiter: str) -> bool:
    """Whether the first line names columns: ours, or at least nothing that looks like a value."""
    cells = [each.strip() for each in first_cells(first, delimiter)]
    ours = {name.casefold() for name in (*resource.fields, *resource.relations)}
    ours |= {*by_label(resource)}
    if any(each.casefold() in ours for each in cells):
        return True
    filled = [each for each in cells if each]
    named = len(set(filled)) == len(filled) > 0 and not any(map(_NUMBER.fullmatch, filled))
    return named and bool(rest.strip())
