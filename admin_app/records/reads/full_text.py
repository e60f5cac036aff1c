"""Full-text search in SQL: which records have the words in them, and which have them best.

A word is looked for as the beginning of a field's word; one with signs in it (``e-mail``) as
several in a row, of which the last may go on. Whatever people type is text here and never syntax:
of a word only letters and digits are left before it comes near a query language.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    TableClause,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy import Integer as Whole
from sqlalchemy.orm import aliased

from admin_app.database.full_text import FullText, words_in
from admin_app.declaration import Field, Resource
from admin_app.records.queries.words import parts_of

RANKED = 10_000
"""Records of which the best are found, however many there are."""

_LENGTH = 1
"""PostgreSQL's ``ts_rank``: what is found in a longer text counts for less, as in BM25."""


def indexed(resource: Resource) -> tuple[Field, ...]:
    """The searched fields of a resource that its index can be asked about, as the actor sees it.

    A field that is null for some who look is not among them: the index knows what is in it.
    """
    if not resource.options.full_text:
        return ()
    fields = (resource.fields[path] for path in resource.search if path in resource.fields)
    return tuple(each for each in fields if not each.masked)


def holds(
    dialect: str,
    resource: Resource,
    fields: Sequence[Field],
    word: str,
    here: Callable[[Field], Any],
) -> ColumnElement[bool]:
    """The condition that a word is in one of the fields; ``here`` tells what a field is."""
    if dialect == "sqlite":
        (key,) = resource.key
        found: ColumnElement[bool] = here(key).in_(_rows(resource, fields, [word], " AND "))
        return found
    asked = _asked([word])
    return or_(*(words_in(here(each)).bool_op("@@")(asked) for each in fields))


def holders(dialect: str, resource: Resource, fields: Sequence[Field], word: str) -> Select[Any]:
    """The keys of the records that have a word in one of the fields."""
    if dialect == "sqlite":
        return _rows(resource, fields, [word], " AND ")
    (key,) = resource.key
    other: Any = aliased(resource.model)

    def here(field: Field) -> Any:
        return getattr(other, field.name)

    return select(here(key)).where(holds(dialect, resource, fields, word, here))


def best_first(
    statement: Select[Any], dialect: str, resource: Resource, words: Sequence[str], *, whole: bool
) -> Select[Any]:
    """Order a statement of the resource's records by how well they fit, best first.

    What is found in an earlier declared field counts for more. ``whole``: the actor sees every
    record. Otherwise nothing counts that is made of other records, such as how rare a word is.
    """
    fields = indexed(resource)
    if not fields:
        return statement
    weights = [2.0**-place for place in range(len(fields))]
    if dialect != "sqlite":
        asked = _asked(words)
        fits = (
            _fit(each, asked) * literal(weight)
            for each, weight in zip(fields, weights, strict=True)
        )
        return statement.order_by(_sum(fits).desc())
    (key,) = resource.key
    declared = _declared(resource)
    if whole and len(declared.columns) == len(fields):
        ranks = _ranks(resource, declared, fields, weights, words)
        ranked = statement.outerjoin(ranks, ranks.c.row == key.expression)
        return ranked.order_by(func.coalesce(ranks.c.place, 0))
    hits = (
        cast(key.expression.in_(_rows(resource, [each], words, " OR ")), Whole) * literal(weight)
        for each, weight in zip(fields, weights, strict=True)
    )
    return statement.order_by(_sum(hits).desc())


def _sum(terms: Any) -> ColumnElement[Any]:
    first, *others = terms
    for each in others:
        first = first + each
    found: ColumnElement[Any] = first
    return found


def _fit(field: Field, asked: ColumnElement[Any]) -> ColumnElement[Any]:
    rank = func.ts_rank(words_in(field.expression), asked, literal_column(str(_LENGTH)))
    return func.coalesce(rank, literal_column("0"))


def _ranks(
    resource: Resource,
    declared: FullText,
    fields: Sequence[Field],
    weights: Sequence[float],
    words: Sequence[str],
) -> CTE:
    """The place of each row of the index by BM25; made once, not for every record."""
    own = len(fields) == len(resource.search)
    search = _search_table(declared)
    by_column = {_column(each): weight for each, weight in zip(fields, weights, strict=True)}
    place = func.bm25(
        literal_column(_quoted(declared.search_table)),
        *(literal(by_column[each]) for each in declared.columns),
    )
    asked = _match(fields, words, " AND " if own else " OR ")
    found = select(search.c.rowid.label("row"), place.label("place")).where(
        search.c[declared.search_table].match(asked)
    )
    first = found.order_by(search.c.rowid).limit(RANKED)
    return first.cte("ranks").prefix_with("MATERIALIZED", dialect="sqlite")


def _rows(
    resource: Resource, fields: Sequence[Field], words: Sequence[str], joint: str
) -> Select[Any]:
    """The rows of SQLite's index in which the words are, in any of the fields."""
    declared = _declared(resource)
    search = _search_table(declared)
    condition = search.c[declared.search_table].match(_match(fields, words, joint))
    return select(search.c.rowid).where(condition)


def _match(fields: Sequence[Field], words: Sequence[str], joint: str) -> str:
    """What FTS5 is asked: the words as strings, each a prefix, in these columns only."""
    columns = " ".join(_quoted(_column(each)) for each in fields)
    phrases = joint.join(f'"{" ".join(parts_of(each))}"*' for each in words)
    return f"{{{columns}}} : ({phrases})"


def _asked(words: Sequence[str]) -> ColumnElement[Any]:
    """What PostgreSQL is asked: any of the words, each a prefix."""
    phrases = []
    for each in words:
        *first, last = parts_of(each)
        phrases.append(" <-> ".join([*(f"'{part}'" for part in first), f"'{last}':*"]))
    return func.to_tsquery(literal_column("'simple'"), " | ".join(f"({each})" for each in phrases))


def _declared(resource: Resource) -> FullText:
    found = FullText.of(resource.table)
    if found is None:
        raise TypeError(resource.name)  # a mistake of the declaration, told at start-up
    return found


def _search_table(declared: FullText) -> TableClause:
    return table(declared.search_table, column("rowid"), column(declared.search_table))


def _column(field: Field) -> str:
    if field.column is None:
        raise TypeError(field.name)  # as above
    return field.column.name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
