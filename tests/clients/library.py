"""What an integration in Python does, with types made of the document: mypy --strict checks it."""

from __future__ import annotations

import sys
from http import HTTPStatus

from library_client import AuthenticatedClient
from library_client.api.books import (
    create_book,
    delete_book,
    facet_books,
    get_book,
    list_books,
    update_book,
)
from library_client.models import (
    Book,
    BookConditions,
    BookCreate,
    BookFormat,
    BookPage,
    BookSort,
    BookUpdate,
    FacetBooksFieldItem,
    Facets,
    InvalidInputProblem,
    ListBooksCount,
    NotFoundProblem,
    StaleVersionProblem,
)


def main(address: str, token: str) -> None:
    """Use the library as a program would."""
    with AuthenticatedClient(base_url=address, token=token) as library:
        first = made(library, "Emma", 1815)
        second = made(library, "Ulysses", 1922)
        listed(library)
        change(library, first)
        mistaken(library)
        for each in (first, second):
            gone = delete_book.sync_detailed(each.id, client=library)
            assert gone.status_code == HTTPStatus.NO_CONTENT
        absent = get_book.sync(first.id, client=library)
        assert isinstance(absent, NotFoundProblem)
        assert absent.code == "not_found"


def made(library: AuthenticatedClient, title: str, year: int) -> Book:
    body = BookCreate(title=title, year=year, format_=BookFormat.PAPERBACK)
    found = create_book.sync(client=library, body=body)
    assert isinstance(found, Book), found
    return found


def listed(library: AuthenticatedClient) -> None:
    page = list_books.sync(
        client=library,
        year_lt=1900,
        format_=BookFormat.PAPERBACK,
        sort=[BookSort.YEAR_DESC],
        count=ListBooksCount.EXACT,
    )
    assert isinstance(page, BookPage), page
    assert [each.title for each in page.data] == ["Emma"]
    assert page.page.total == 1
    assert page.data[0].added_at.tzinfo is not None
    counted = facet_books.sync(
        client=library,
        field=[FacetBooksFieldItem.FORMAT],
        conditions=BookConditions(year_lt=1900),
    )
    assert isinstance(counted, Facets), counted
    assert sum(each.count or 0 for each in counted.data[0].values) == 1


def change(library: AuthenticatedClient, book: Book) -> None:
    read = get_book.sync_detailed(book.id, client=library)
    tag = read.headers["ETag"]
    body = BookUpdate(title="Emma, a novel")
    changed = update_book.sync(book.id, client=library, body=body, if_match=tag)
    assert isinstance(changed, Book), changed
    assert changed.title == "Emma, a novel"
    stale = update_book.sync(book.id, client=library, body=body, if_match=tag)
    assert isinstance(stale, StaleVersionProblem), stale


def mistaken(library: AuthenticatedClient) -> None:
    problem = create_book.sync(client=library, body=BookCreate(title="x" * 1000))
    assert isinstance(problem, InvalidInputProblem), problem
    assert isinstance(problem.errors, list)
    assert [each.pointer for each in problem.errors] == ["/title"]


main(sys.argv[1], sys.argv[2])
