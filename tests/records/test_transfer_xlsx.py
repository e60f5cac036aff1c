"""Workbooks: every value comes back as it was, from both databases; hostile ones are refused."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter
from api import zoo_on
from conftest import KINDS, FreshSettings, Kind
from hypothesis import given
from hypothesis import strategies as st
from outtake import TEXTS, taken
from python_calamine import CalamineWorkbook
from zoo import RESOURCES, sample

from admin_app.declaration import SYSTEM
from admin_app.errors import AppError, BadRequestError, ContentTooLargeError
from admin_app.records.transfer import Export, guard, sheets, unguard
from admin_app.records.transfer.detection import encoding_of
from admin_app.records.transfer.sheets import read_sheet, sheet_names
from admin_app.records.transfer.tables import as_read_back, number


@given(TEXTS)
def test_text_reads_back(text: str) -> None:
    """Text in a workbook needs no guard, but where an import would take one away."""
    written = as_read_back(text)
    assert unguard(written) == text
    assert written == text or unguard(text) != text or not text
    assert not text or guard(text) != text or written == text


@given(st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.floats(width=64))
def test_numbers_are_exact(value: Any) -> None:
    """A number is one where a workbook keeps all of its digits; else it is its digits."""
    found = number(value)
    if isinstance(found, str):
        assert value != value or Decimal(found) == Decimal(str(value))  # noqa: PLR0124 - NaN
    else:
        kept = Decimal(repr(float(f"{float(found):.16G}")))
        assert kept == Decimal(str(value))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_workbook_comes_back_unchanged(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Every kind of value of every resource of the zoo is the same after it was in a workbook."""
    async with zoo_on(fresh_settings, kind) as api:
        for name in RESOURCES:
            for body in sample(name):
                await api.add(api.registry[name].plural, body)
        for name in RESOURCES:
            export = Export(api.records, SYSTEM, api.registry[name], [])
            content = b"".join([each async for each in export.portions("xlsx")])
            assert content.startswith(b"PK")
            found = await taken(api, name, content, "xlsx")
            assert found.refused == {}, name
            assert found.counts == (0, 0, export.rows), name


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_workbook_has_no_place_for(fresh_settings: FreshSettings, kind: Kind) -> None:
    """Text that no cell holds is refused before anything is sent."""
    async with zoo_on(fresh_settings, kind) as api:
        await api.add("specimens", {"short": "a", "text": "x" * 32_768})
        whole = Export(api.records, SYSTEM, api.registry["specimen"], [])
        with pytest.raises(BadRequestError) as refused:
            await anext(whole.portions("xlsx"))
        assert refused.value.errors[0].path == ("text",)
        short = Export(api.records, SYSTEM, api.registry["specimen"], [("fields", "id,short")])
        content = b"".join([each async for each in short.portions("xlsx")])
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        assert book.get_sheet_by_index(0).to_python()[1][1] == "a"


def test_the_rows_of_a_sheet() -> None:
    """Cells are text as CSV would have it: whole numbers, dates, truth; empty rows count on."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet("First")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(1, 0, ["a", "b", "c"])
    sheet.write_row(3, 0, [2008, 4.5, True])
    sheet.write_datetime(3, 3, date(2024, 2, 29), day)
    book.add_worksheet("Second")
    book.close()
    assert sheet_names(file.getvalue()) == ["First", "Second"]
    rows = list(read_sheet(file.getvalue()))
    assert [each for each in rows if any(each)] == [
        ["a", "b", "c", ""],
        ["2008", "4.5", "true", "2024-02-29"],
    ]
    assert list(read_sheet(file.getvalue(), "Second")) == []


def test_bombs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook that unpacks to more than there is room for is refused, and soon."""
    wide = io.BytesIO()
    book = xlsxwriter.Workbook(wide)
    sheet = book.add_worksheet()
    sheet.write_string(0, 0, "a")
    sheet.write_string(1_048_575, 16_383, "b")
    book.close()
    with pytest.raises(ContentTooLargeError):
        list(read_sheet(wide.getvalue()))
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 1_000)
    with pytest.raises(ContentTooLargeError):
        list(read_sheet(wide.getvalue()))
    for content in (b"", b"PK", b"PK\x03\x04" + b"x" * 100, wide.getvalue()[:-50]):
        with pytest.raises(AppError):
            list(read_sheet(content))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Лев Толстой;Россия;Война и мир", "cp1251"),
        ("René;Perú;Café à la carte, été", "cp1252"),
        ("Größe;Straße;Übermut", "cp1252"),
        ("äöü", "cp1252"),
        ("code;ÄÖÜ\n1;äöüß", "cp1252"),
        ("Zoëéè;à;é", "cp1252"),
        ("code;Имя\nд;«Дом» №5 и ИЖ", "cp1251"),
        ("Лев", "cp1251"),
        ("Київ;Връх", "cp1251"),
        ("Лев;Россия", "utf-8"),
        ("plain", "utf-8"),
        ("plain", "utf-16-le"),
        ("plain", "utf-16-be"),
    ],
)
def test_encodings_are_told_apart(text: str, encoding: str) -> None:
    """By their bytes: words of high letters are Cyrillic, single ones Western."""
    assert encoding_of(text.encode(encoding)) == encoding
    assert encoding_of("\ufeffa".encode("utf-16-le")) == "utf-16"
