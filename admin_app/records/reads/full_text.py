"""Full-text search in SQL: which records have the words in them, and which have them best.

A word is looked for as the beginning of a field's word; one with signs in it (``e-mail``) as
several in a row, of which the last may go on. Whatever people type is text here and never syntax:
of a word only letters and digits are left before it comes near a query language.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    LargeBinary,
    Select,
    TableClause,
    Text,
    and_,
    any_,
    case,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy import Integer as Whole

from admin_app.database.full_text import FullText, words_in
from admin_app.declaration import Field, Resource
from admin_app.records.queries.words import parts_of, rarest_first

RANKED = 1_000
"""Records of which the best are found: to tell the best of more takes longer than to say more."""

_SHORT = 1_000
"""Characters of a column whose texts are sooner read than all that have a frequent word listed."""
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


def tested(
    dialect: str,
    resource: Resource,
    fields: Sequence[Field],
    word: str,
    here: Callable[[Field], Any],
) -> ColumnElement[bool]:
    """``holds`` for records that something else finds: no index is entered for each of them."""
    if dialect != "sqlite":
        # PostgreSQL looks for no index in this, which it would read whole for a frequent word.
        return func.coalesce(holds(dialect, resource, fields, word, here), false())
    (key,) = resource.key
    rows = _rows(resource, fields, [word], " AND ")
    listed: ColumnElement[bool] = (here(key) + literal_column("0")).in_(rows)
    parts = parts_of(word)
    if len(parts) > 1 or not parts[0].isascii() or not all(map(_is_short, fields)):
        return listed
    space, nothing = literal_column("' '", Text), literal_column("''", Text)
    texts = (space.concat(func.coalesce(here(each), nothing)) for each in fields)
    text = functools.reduce(ColumnElement.concat, texts)
    # In ASCII words are what everybody takes for them; the rest is left to the index.
    plain = func.length(text) == func.length(cast(text, LargeBinary))
    letters = "".join(f"[{each.lower()}{each.upper()}]" for each in parts[0])
    return case((plain, text.op("GLOB")(f"*[^a-zA-Z0-9]{letters}*")), else_=listed)


def holders(dialect: str, resource: Resource, fields: Sequence[Field], word: str) -> Select[Any]:
    """The keys of the records that have a word in one of the fields."""
    if dialect == "sqlite":
        return _rows(resource, fields, [word], " AND ")
    (key,) = resource.key
    found = select(key.expression).where(holds(dialect, resource, fields, word, _plain))
    return found.correlate(None)


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
        first, *others = rarest_first(words)
        conditions = (tested(dialect, resource, fields, each, _plain) for each in others)
        found = in_itself(dialect, resource, [first])
        return statement.where(found, *conditions), key.expression
    search = _search_table(_declared(resource))
    found = search.c[search.name].match(_match(resource, fields, words, " AND "))
    return statement.join(search, search.c.rowid == key.expression).where(found), search.c.rowid


def in_itself(dialect: str, resource: Resource, words: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a record has every word in fields of its own."""
    fields = indexed(resource)
    if dialect != "sqlite":
        return and_(*(holds(dialect, resource, fields, word, _plain) for word in words))
    (key,) = resource.key
    found: ColumnElement[bool] = key.expression.in_(_rows(resource, fields, words, " AND "))
    return found


def best_first(
    statement: Select[Any],
    dialect: str,
    resource: Resource,
    words: Sequence[str],
    keys: Sequence[int] | None,
    *,
    whole: bool,
) -> Select[Any]:
    """Order a statement of the records with ``keys`` by how well they fit, best first.

    Without keys it is that of ``own_matches``. What is found in an earlier declared field counts
    for more. ``whole``: the actor sees every record. Otherwise nothing counts that is made of other
    records, such as how rare a word is.
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
        by_column = {_column(each): weight for each, weight in zip(fields, weights, strict=True)}
        counts = (literal(by_column[each]) for each in declared.columns)
        place = func.bm25(literal_column(_quoted(declared.search_table)), *counts)
        if keys is None:
            return statement.order_by(place)
        ranks = _ranks(resource, declared, place, words, keys)
        ranked = statement.outerjoin(ranks, ranks.c.row == key.expression)
        return ranked.order_by(func.coalesce(ranks.c.place, 0))
    hits = (
        cast(or_(*(tested(dialect, resource, [each], word, _plain) for word in words)), Whole)
        * literal(weight)
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
    place: ColumnElement[Any],
    words: Sequence[str],
    keys: Sequence[int],
) -> CTE:
    """The place of each of these rows of the index; made once, not for every record."""
    search = _search_table(declared)
    asked = _match(resource, indexed(resource), words, " OR ")
    some = func.json_each(json.dumps(keys)).table_valued("value")
    wanted = select(some.c.value).cte("wanted").prefix_with("MATERIALIZED", dialect="sqlite")
    # As a sum, so that the index is not asked for each of them anew.
    row = search.c.rowid + literal_column("0")
    found = (
        select(search.c.rowid.label("row"), place.label("place"))
        .select_from(search.join(wanted, wanted.c.value == row))
        .where(search.c[declared.search_table].match(asked))
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
    condition = search.c[declared.search_table].match(_match(resource, fields, words, joint))
    return select(search.c.rowid).where(condition)


def _match(resource: Resource, fields: Sequence[Field], words: Sequence[str], joint: str) -> str:
    """What FTS5 is asked: the words as strings, each a prefix, in these columns only.

    Where those are all that there are it need not look at which of them a word is in.
    """
    phrases = joint.join(f'"{" ".join(parts_of(each))}"*' for each in words)
    if len(fields) == len(_declared(resource).columns):
        return phrases
    columns = " ".join(_quoted(_column(each)) for each in fields)
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


def _plain(field: Field) -> Any:
    return field.expression


def _is_short(field: Field) -> bool:
    return field.shape.max_length is not None and field.shape.max_length <= _SHORT


def _column(field: Field) -> str:
    if field.column is None:
        raise TypeError(field.name)  # as above
    return field.column.name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
