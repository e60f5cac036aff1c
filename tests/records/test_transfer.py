"""Import: what becomes of files with the faults that real ones have, on both databases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from intake import BOOKS, BY_NUMBER, Library
from sqlalchemy import event, func, select

from admin_app.access import actor_of_user, create_user
from admin_app.database import Database
from admin_app.errors import BadRequestError, ContentTooLargeError
from admin_app.records.trail.changes import Change
from admin_app.records.transfer import Request, importer


@pytest.fixture
def library(database: Database) -> Library:
    return Library(database)


async def test_the_faults_of_real_files_are_handled(library: Library) -> None:
    """Float years, BC years, empty cells, repeated titles, names twice in a cell: all taken in."""
    done = await library.take("book", BOOKS, BY_NUMBER)
    assert (done.counts, done.refused) == ((4, 0, 0), {})
    first, homer, third, cyrillic = await library.all("book")
    assert (first["year"], homer["year"], third["year"]) == (2008, -720, None)
    assert (first["isbn"], homer["language"], cyrillic["rating"]) == (None, None, None)
    assert first["title"] == third["title"] == "The Lantern"
    assert cyrillic["title"] == 'Quotes " and, commas'
    assert str(first["rating"]) == "4.34"
    assert sorted(await library.names_of(third)) == ["Ada Quill", "Cy Poe"]
    assert len(await library.all("author")) == 5


async def test_a_second_run_writes_nothing(library: Library) -> None:
    """Running an import again creates and changes no record and leaves no change row."""
    await library.take("book", BOOKS, BY_NUMBER)
    before = await library.change_rows()
    done = await library.take("book", BOOKS, BY_NUMBER)
    assert done.counts == (0, 0, 4)
    assert await library.change_rows() == before


async def test_what_differs_is_updated(library: Library) -> None:
    """A row whose record is there changes what differs of it, and its set of authors."""
    await library.take("book", BOOKS, BY_NUMBER)
    again = BOOKS.replace("4.03", "4.04").replace('"Ada Quill, Ben Stone"', "Ben Stone")
    done = await library.take("book", again, BY_NUMBER)
    assert done.counts == (0, 2, 2)
    first, homer, *_ = await library.all("book")
    assert await library.names_of(first) == ["Ben Stone"]
    assert (str(homer["rating"]), homer["version"]) == ("4.04", 2)


async def test_an_import_is_one_change_set(library: Library) -> None:
    """Every change of an import has its source and its change set, over all its transactions."""
    header, *_ = BOOKS.splitlines()
    rows = [f"{number},,Ada Quill,,Book {number},," for number in range(450)]
    done = await library.take("book", "\n".join([header, *rows]), BY_NUMBER)
    assert done.counts == (450, 0, 0)
    changes = await library.change_rows()
    assert {each.source for each in changes} == {"import"}
    assert len({each.change_set for each in changes}) == 1
    assert len([each for each in changes if each.action == "create"]) == 451
    told = [each for each in changes if each.action == "update"]
    assert len(told) == 450
    causes = {each.id: each.key for each in changes if each.resource == "book"}
    assert [causes[each.cause_id] for each in told] == [
        str(each.after["books"][0]) for each in told
    ]


async def test_bad_rows_are_told_of_and_the_rest_is_kept(library: Library) -> None:
    """Each bad row has its line and reason; nothing of it stays, not even an author it made."""
    file = BOOKS + "15,,New Name,soon,Bad year,,\n16,,New Name,,,,\n11,,,,Twice,,\n17,,,,Good,,\n"
    file += f"18,,New Name,,{'x' * 301},,\n"
    done = await library.take("book", file, BY_NUMBER)
    assert done.counts == (5, 0, 0)
    assert done.refused == {
        6: "year: 'soon' is not a whole number.",
        7: "title: A value is needed.",
        8: "Line 2 is about the same record (source number).",
        10: "title: At most 300 characters.",
    }
    assert "New Name" not in [each["name"] for each in await library.all("author")]
    assert not [each for each in await library.change_rows() if "New Name" in each.label]


async def test_a_row_names_all_its_mistakes(library: Library) -> None:
    """Cells, related records, values and what is missing are told of at once, each but once."""
    await library.take("author", "name\nAda\n")
    fields = {**BY_NUMBER.fields, "authors": "authors|split:,|by:name"}
    file = "number,isbn,authors,published,title,language_code,rating\n"
    file += f'1,,"Nobody, Ada, None",1.5,{"x" * 301},eng,\n'
    file += f"2,,Nobody,1,,{'x' * 20},\n"
    file += f"two,,Twin,,{'x' * 301},eng,\n"
    file += "2,,,soon,,,\n"
    done = await library.take("book", file, Request(fields, ("source_id",)))
    none = "There is no author whose name is"
    assert {line: told.split("; ") for line, told in done.refused.items()} == {
        2: [
            "year: '1.5' is not a whole number.",
            f"authors: {none} 'Nobody'.",
            f"authors: {none} 'None'.",
            "title: At most 300 characters.",
        ],
        3: [
            "title: A value is needed.",
            f"authors: {none} 'Nobody'.",
            "language: At most 16 characters.",
        ],
        4: [
            f"authors: {none} 'Twin'.",
            "source_id: Enter a whole number.",
            "title: At most 300 characters.",
        ],
        5: ["title: A value is needed.", "year: 'soon' is not a whole number."],
    }
    creating = {**fields, "authors": "authors|split:,|by:name|create"}
    row = f"number,isbn,authors,published,title,language_code,rating\n1,,New,1.5,{'x' * 301},,\n"
    done = await library.take("book", row, Request(creating, ("source_id",)))
    assert done.refused == {2: "year: '1.5' is not a whole number.; title: At most 300 characters."}
    await create_user(library.database, "vic", None, ["viewer"])
    viewer = await actor_of_user(library.database, "vic")
    done = await library.take("book", file, Request(fields, ("source_id",)), actor=viewer)
    assert "characters" not in "".join(done.refused.values())


async def test_atomic_keeps_all_or_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one bad row an atomic import keeps nothing and still names every bad row."""
    file = (
        BOOKS
        + "15,,New Name,soon,Bad year,,\n18,,New Name,,Too long for a language,eng"
        + ("x" * 20 + ",\n")
    )
    done = await library.take("book", file, BY_NUMBER, atomic=True)
    assert (done.counts, sorted(done.refused)) == ((0, 0, 0), [6, 7])
    assert await library.all("book") == await library.all("author") == []
    assert await library.change_rows() == []
    assert (await library.take("book", BOOKS, BY_NUMBER, atomic=True)).counts == (4, 0, 0)
    monkeypatch.setattr(importer, "MOST_WHOLE", 3)
    with pytest.raises(ContentTooLargeError, match="At most 3 rows are kept all or none"):
        await library.take("book", BOOKS, BY_NUMBER, atomic=True)


async def test_mistakes_of_a_mapping_come_all_at_once(library: Library) -> None:
    """Unknown fields, columns, steps and matches are refused together, each with the nearest."""
    wrong = {
        "titel": "title",
        "title": "tittle",
        "year": "published|integr",
        "authors": "authors|by:nam|create",
        "language": "language_code|split:,",
        "isbn": "isbn|create",
        "version": "rating",
        "rating": "|keep",
    }
    with pytest.raises(BadRequestError) as refused:
        await library.take("book", BOOKS, Request(wrong, ("sourceid",)))
    found = {str(each.path[0]): each.detail for each in refused.value.errors}
    assert found.pop("version").startswith("It cannot be written. Did you mean ")
    assert found.pop("match") == "'sourceid' is not given."
    assert found == {
        "titel": "There is no such field. Did you mean title?",
        "title": "The file has no column 'tittle'. Did you mean title?",
        "year": "There is no step 'integr'. Did you mean integer?",
        "authors": "by names 'nam', no field of author. Did you mean name?",
        "language": "Language is one value: there is nothing to split.",
        "isbn": "create needs by:FIELD, the field that the cell holds.",
        "rating": "Give either a column or a constant.",
    }


async def test_without_a_mapping_columns_go_by_name(library: Library) -> None:
    """Columns named like fields are taken; a column that is no field is refused by name."""
    done = await library.take("author", "name,born,bio\nAda,1990,\n")
    assert done.counts == (1, 0, 0)
    with pytest.raises(BadRequestError) as refused:
        await library.take("author", "name,borm\nBen,1990\n")
    assert "Did you mean born?" in refused.value.errors[0].detail
    skipping = Request(skip=("borm",))
    assert (await library.take("author", "name,borm\nBen,1990\n", skipping)).counts == (1, 0, 0)


async def test_records_are_matched_by_the_key_of_an_export(library: Library) -> None:
    """With the key in the file it says which record is meant; an empty one makes a new record."""
    await library.take("author", "name\nAda\nBen\n")
    ada, _ = await library.all("author")
    file = f"id,name,born\n{ada['id']},Ada,1990\n,Cy,\n99,Dan,\n"
    done = await library.take("author", file)
    assert done.counts == (1, 1, 0)
    assert done.refused == {4: "There is no such author. The number of a new one cannot be chosen."}


async def test_a_match_must_say_which_record(library: Library) -> None:
    """A match that is empty, or that several records have, is a bad row."""
    await library.take("book", BOOKS, BY_NUMBER)
    file = "title,year\nThe Lantern,1\n,2\nNew,3\nThe Long Road,4\n"
    done = await library.take("book", file, Request(match=("title",)))
    assert done.counts == (1, 1, 0)
    assert done.refused == {
        2: "There are 2 such books (title).",
        3: "title: A value is needed.",
    }


async def test_related_records_are_found_by_another_field(library: Library) -> None:
    """A to-one relation can be given by a natural key, and can be part of the match."""
    await library.take("book", BOOKS, BY_NUMBER)
    await library.take("reader", "name,email,card_number,joined\nR,r@example.org,R-1,2024-01-01\n")
    request = Request(
        {
            "book": "book|integer|by:source_id",
            "reader": "who|by:email",
            "text": "text",
            "stars": "|constant:5",
        },
        ("book_id", "text"),
    )
    file = "book,who,text\n11.0,r@example.org,Good\n12,,Short\n99,,Lost\n13,x@example.org,Who\n"
    done = await library.take("comment", file, request)
    assert done.counts == (2, 0, 0)
    assert done.refused == {
        4: "book: There is no book whose source number is 99.",
        5: "reader: There is no reader whose e-mail is 'x@example.org'.",
    }
    assert [each["stars"] for each in await library.all("comment")] == [5, 5]
    assert (await library.take("comment", file, request)).counts == (0, 0, 2)


async def test_empty_cells(library: Library) -> None:
    """Empty is null; a default takes its place; ``keep`` leaves what is there."""
    await library.take("author", "name,country,born\nAda,Peru,1990\n")
    fields = {"name": "n", "country": "c|default:Chile", "born": "b|keep", "bio": "d"}
    done = await library.take("author", "n,c,b,d\nAda,,,\n", Request(fields, ("name",)))
    assert done.counts == (0, 1, 0)
    (ada,) = await library.all("author")
    assert (ada["country"], ada["born"], ada["bio"]) == ("Chile", 1990, None)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("\ufeffname,born\nAda,1\n", ["Ada"]),
        ("name;born\r\nAda;1\r\n\r\nBen;2\r\n", ["Ada", "Ben"]),
        ("name\tborn\nA, da\t1\n", ["A, da"]),
        ('name,born\n"two\nlines",1\n', ["two\nlines"]),
    ],
    ids=["byte order mark", "semicolons and blank lines", "tabs", "lines in a cell"],
)
async def test_dialects(library: Library, content: str, names: list[str]) -> None:
    """Comma, semicolon or tab; with or without a byte order mark; cells of several lines."""
    done = await library.take("author", content)
    assert done.refused == {}
    assert [each["name"] for each in await library.all("author")] == names


async def test_rows_that_cannot_be_read(library: Library) -> None:
    """Rows that are no UTF-8, hold NUL or have a wrong number of cells are bad rows, no more."""
    content = b"name,born\nAda,1\n\xff\xfe,2\nBen\nCy,3,4\nDan\x00,5\nEve,6\n"
    done = await library.take("author", content)
    assert done.refused == {
        3: "This is not UTF-8 text.",
        4: "1 cell where the header has 2.",
        5: "3 cells where the header has 2.",
        6: "name: Text cannot hold the NUL character.",
    }
    assert [each["name"] for each in await library.all("author")] == ["Ada", "Eve"]
    for broken in (b"", b"\n", b"\xff\xfen\x00a\x00"):
        with pytest.raises(BadRequestError):
            await library.take("author", broken)


async def test_newline_delimited_json(library: Library) -> None:
    """Each line is an object whose values keep their types; what is not named is left alone."""
    lines = [
        '{"name": "Ada", "born": 1990, "country": null}',
        "",
        '{"name": "Ben", "born": "1990"}',
        '{"name": "Cy"}',
        "[1]",
        '{"name": NaN}',
        '{"name": "\\ud800"}',
        '{"name": ["list"]}',
        '{"name": "Dan", "borm": 1}',
    ]
    done = await library.take("author", "\n".join(lines), format_="ndjson")
    assert done.counts == (2, 0, 0)
    no_object = "This is not one JSON object in UTF-8."
    assert done.refused == {
        3: "born: Enter a whole number.",
        5: no_object,
        6: no_object,
        7: no_object,
        8: "name: Enter text.",
        9: "borm: There is no such field. Did you mean born?",
    }
    fields = {"title": "t", "authors": "by|by:name|create", "year": "y|integer"}
    row = '{"t": "T", "by": ["Ada", "Dan", "Ada"], "y": 2008.0}'
    assert (await library.take("book", row, Request(fields), format_="ndjson")).counts == (1, 0, 0)
    (book,) = await library.all("book")
    assert (len(book["authors"]), book["year"]) == (2, 2008)


@pytest.mark.parametrize("year", ["1.5", "Infinity", "NaN", "1e999999999", "MMXX", "9" * 60])
async def test_what_is_no_whole_number(library: Library, year: str) -> None:
    """The step ``integer`` takes whole numbers in any notation, and never hangs on another."""
    request = Request({"name": "n", "born": "b|integer"})
    done = await library.take("author", f"n,b\nAda,{year}\nBen,1.99e3\n", request)
    assert list(done.refused) == [2]
    assert [each["born"] for each in await library.all("author")] == [1990]


async def test_an_import_may_do_what_its_actor_may(library: Library) -> None:
    """A viewer's import is refused row by row; an editor's is taken."""
    await create_user(library.database, "vic", None, ["viewer"])
    await create_user(library.database, "eve", None, ["editor"])
    viewer = await actor_of_user(library.database, "vic")
    done = await library.take("author", "name\nAda\n", actor=viewer)
    assert done.refused == {2: "You may not create authors."}
    editor = await actor_of_user(library.database, "eve")
    assert (await library.take("author", "name\nAda\n", actor=editor)).counts == (1, 0, 0)
    assert {each.actor_name for each in await library.change_rows()} == {"eve"}


async def test_a_chunk_costs_few_statements(library: Library) -> None:
    """What rows need to know is asked once for all of them, not once for each."""
    header, *_ = BOOKS.splitlines()
    rows = [f'{each},,"Author {each}, Ada",,Book {each},,' for each in range(150)]
    file = "\n".join([header, *rows])
    counts = []
    for _ in range(2):
        with counted(library.database) as statements:
            await library.take("book", file, BY_NUMBER)
        counts.append(sum(not each.startswith("INSERT") for each in statements))
    assert counts[0] <= 15
    assert counts[1] <= 8


class counted(list[str]):  # noqa: N801 - used as a context manager
    """The statements that run inside."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._engine = database.engine.sync_engine

    def _note(self, _c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.append(statement)

    def __enter__(self) -> Iterable[str]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)


async def test_a_change_row_for_every_write(library: Library) -> None:
    """An import leaves exactly the change rows that the same writes at another door leave."""
    await library.take("book", BOOKS, BY_NUMBER)

    async def count(connection: Any) -> int:
        return int(await connection.scalar(select(func.count()).select_from(Change)))

    # Four books, five authors, six links told of at their other end.
    assert await library.database.read(count) == 15
