"""The grammar of sort, limit, offset and search words."""

from __future__ import annotations

from typing import Any

from admin_app.declaration import Field, Resource
from admin_app.errors import BadRequestError
from admin_app.records.queries.operands import searchable
from admin_app.records.queries.query import NULLS_FIRST, Sort
from admin_app.records.queries.reading import MAX_NAME, Path, Reading
from admin_app.records.queries.words import parts_of

MAX_OFFSET = 10_000
MAX_WORDS = 20
_MAX_DIGITS = 9


def sortable(resource: Resource) -> list[Field]:
    """The fields a list may be ordered by."""
    return [each for each in resource.readable.values() if each.sortable]


def sort_of(
    reading: Reading, resource: Resource, given: Any, path: Path = ("sort",)
) -> tuple[Sort, ...]:
    """Read an order: ``-year:nullsfirst,title``, or a list of such terms, the key appended.

    None stands for the declared order.
    """
    terms: list[Sort] = []
    for term in _terms(reading, resource, given, path):
        name = term.removeprefix("-").removesuffix(NULLS_FIRST)
        field = resource.readable.get(name)
        if field is None or not field.sortable:
            known = ", ".join(each.name for each in sortable(resource))
            words = f"Cannot sort by {name[:MAX_NAME]}. Known are {known}."
            reading.refuse(path, "unknown_sort", words)
        elif any(each.field is field for each in terms):
            reading.refuse(path, "repeated", f"{name} is given more than once.")
        else:
            terms.append(Sort(field, term.startswith("-"), term.endswith(NULLS_FIRST)))
    named = {each.field.name for each in terms}
    terms += [Sort(each, False) for each in resource.key if each.name not in named]
    return tuple(terms)


def _terms(reading: Reading, resource: Resource, given: Any, path: Path) -> list[str]:
    if given is None:
        return list(resource.sort)
    terms = given.split(",") if isinstance(given, str) else given
    if not isinstance(terms, list) or not all(isinstance(each, str) for each in terms):
        reading.refuse(path, "bad_value", "Give a list of names, - before those that descend.")
        return []
    if len(terms) > 2 * len(resource.readable) + 1:
        reading.refuse(path, "too_many_terms", "More terms than there are fields.")
        return []
    return [each for each in terms if each]


def limit_of(reading: Reading, resource: Resource, given: Any, path: Path = ("limit",)) -> int:
    """Read how many records are answered at most; none stands for the declared page."""
    options = resource.options
    if given is None:
        return options.page_size
    return number_of(reading, given, path, 1, options.page_limit, options.page_size)


def offset_of(reading: Reading, given: Any, path: Path = ("offset",)) -> int:
    """Read how many records are skipped."""
    if given is None:
        return 0
    return number_of(
        reading, given, path, 0, MAX_OFFSET, 0, hint="; go further with the cursor of a page"
    )


def number_of(
    reading: Reading,
    given: Any,
    path: Path,
    least: int,
    most: int,
    otherwise: int,
    *,
    hint: str = "",
) -> int:
    """Read a whole number, from text or JSON; ``otherwise``, and refused, where it is none."""
    if isinstance(given, str):
        digits = given.isascii() and given.isdigit() and len(given) <= _MAX_DIGITS
        number: Any = int(given) if digits else None
    else:
        number = given
    if isinstance(number, bool) or not isinstance(number, int):
        reading.refuse(path, "bad_value", "Give a whole number.")
    elif not least <= number <= most:
        reading.refuse(path, "bad_value", f"Between {least} and {most}{hint}.")
    else:
        return number
    return otherwise


def words_of(
    reading: Reading, resource: Resource, given: Any, path: Path = ("search",)
) -> tuple[str, ...]:
    """Read the words that are searched for."""
    if given is None:
        return ()
    if not isinstance(given, str):
        reading.refuse(path, "bad_value", "Give text.")
        return ()
    try:
        searchable(given)
    except BadRequestError as error:
        reading.refuse_value(path, error)
    found = tuple(given.split())
    if resource.options.full_text:
        found = tuple(each for each in found if parts_of(each))
    if len(found) > MAX_WORDS:
        reading.refuse(path, "too_many_words", f"At most {MAX_WORDS} words.")
    if found and not resource.search:
        reading.refuse(path, "not_searchable", "Nothing here is declared to be searched.")
    return found
