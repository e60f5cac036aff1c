"""Full-text search in SQL: which records have the words in them, and which have them best.

A word is looked for as the beginning of a field's word; one with signs in it (``e-mail``) as
several in a row, of which the last may go on. Whatever people type is text here and never syntax:
of a word only letters and digits are left before it comes near a query language.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    TableClause,
    and_,
    any_,
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

RANKED = 1_000
"""Records of which the best are found: to tell the best of more takes longer than to say more."""

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


def own_matches(
    statement: Select[Any], dialect: str, resource: Resource, words: Sequence[str]
) -> tuple[Select[Any], ColumnElement[Any]]:
    """Select the records that have every word in fields of their own, and in which order.

    It is that of the keys, in which the index of SQLite gives them, so that as many are read as are
    asked for; on PostgreSQL it is that of another index, in which a frequent word is soon found.
    """
    fields = indexed(resource)
    (key,) = resource.key
    if dialect != "sqlite":
        return statement.where(in_itself(dialect, resource, words)), key.expression
    search = _search_table(_declared(resource))
    found = search.c[search.name].match(_match(fields, words, " AND "))
    return statement.join(search, search.c.rowid == key.expression).where(found), search.c.rowid


def in_itself(dialect: str, resource: Resource, words: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a record has every word in fields of its own."""
    fields = indexed(resource)

    def here(field: Field) -> Any:
        return field.expression

    if dialect != "sqlite":
        return and_(*(holds(dialect, resource, fields, word, here) for word in words))
    (key,) = resource.key
    found: ColumnElement[bool] = key.expression.in_(_rows(resource, fields, words, " AND "))
    return found


def best_first(
    statement: Select[Any],
    dialect: str,
    resource: Resource,
    words: Sequence[str],
    keys: Sequence[int],
    *,
    whole: bool,
) -> Select[Any]:
    """Order a statement of the records with ``keys`` by how well they fit, best first.

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
        ranks = _ranks(resource, declared, fields, weights, words, keys)
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
    keys: Sequence[int],
) -> CTE:
    """The place of each of these rows of the index by BM25; made once, not for every record."""
    own = len(fields) == len(resource.search)
    search = _search_table(declared)
    by_column = {_column(each): weight for each, weight in zip(fields, weights, strict=True)}
    place = func.bm25(
        literal_column(_quoted(declared.search_table)),
        *(literal(by_column[each]) for each in declared.columns),
    )
    asked = _match(fields, words, " AND " if own else " OR ")
    # As a sum, so that the index is not asked for each of them anew.
    some = among("sqlite", search.c.rowid + literal_column("0"), keys)
    found = select(search.c.rowid.label("row"), place.label("place")).where(
        search.c[declared.search_table].match(asked), some
    )
    return found.cte("ranks").prefix_with("MATERIALIZED", dialect="sqlite")


def as_keys(dialect: str, key: ColumnElement[Any]) -> ColumnElement[Any]:
    """The keys of several rows as one value."""
    return func.json_group_array(key) if dialect == "sqlite" else func.array_agg(key)


def read_keys(value: Any) -> tuple[int, ...]:
    """Read that value."""
    return tuple((json.loads(value) if isinstance(value, str) else value) or ())


def among(dialect: str, key: ColumnElement[Any], keys: Sequence[int]) -> ColumnElement[bool]:
    """The condition that a key is one of these, which are one value, however many there are."""
    if dialect == "sqlite":
        rows = func.json_each(json.dumps(keys)).table_valued("value")
        return key.in_(select(rows.c.value))
    return key == any_(literal([*keys], ARRAY(BigInteger)))


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
