"""``Inline``: how the records of a one-to-many relation stand in the form of their record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from sqlalchemy import Index, Table, UniqueConstraint

from admin_app.declaration.fields import Field, Kind, Relation
from admin_app.suggestions import did_you_mean

MOST_EXTRA = 10


@dataclass(frozen=True)
class Inline:
    """A one-to-many relation whose records are written in the form of their record."""

    relation: str
    _: KW_ONLY
    fields: Sequence[str] = ()
    """Fields and relations that are asked for, the first of them as columns; default: all."""
    style: Literal["table", "stack"] = "table"
    """Whether records stand in the rows of a table, or one below the other."""
    extra: int = 0
    """Records that may be added without asking for one; those left blank are not written."""
    order_by: str | None = None
    """A whole number that orders the records, set by moving them up and down."""


def inlines_of(given: Iterable[str | Inline]) -> tuple[Inline, ...]:
    """The declared inlines; a bare name stands for an ``Inline`` with defaults."""
    return tuple(Inline(each) if isinstance(each, str) else each for each in given)


def check_inlines(
    model: type[Any],
    given: Iterable[str | Inline],
    fields: Mapping[type[Any], Mapping[str, Field]],
    relations: Mapping[type[Any], Mapping[str, Relation]],
    problems: list[str],
) -> None:
    """Report inlines of relations that have no records of their own, and what is wrong in them."""
    own, seen = relations[model], set()
    for each in inlines_of(given):
        where = f"{model.__name__}: inlines names {each.relation!r}"
        relation = own.get(each.relation)
        if relation is None:
            hint = did_you_mean(each.relation, own)
            problems.append(f"{where}, which is no relation of it{hint}")
        elif not (relation.many and relation.pointing):
            problems.append(f"{where}, whose records do not point to it by a foreign key alone")
        elif each.relation in seen:
            problems.append(f"{where} twice")
        else:
            target = relation.expression.property.mapper.class_
            known = {**fields[target], **relations[target]}
            found = [*_names(each, relation, known), *_order(each, target, fields[target])]
            problems += [f"{where}: {words}" for words in found]
        seen.add(each.relation)


def _names(inline: Inline, relation: Relation, known: Mapping[str, Any]) -> Iterator[str]:
    pointers = {name for name, _ in relation.pointing}
    for name in inline.fields:
        source = known.get(name)
        if source is None:
            yield f"{name!r} is no field of it{did_you_mean(name, known)}"
        elif name in pointers or pointers & set(getattr(source, "fields", ())):
            yield f"{name!r} is given by the record that they are written with"
    if not 0 <= inline.extra <= MOST_EXTRA:
        yield f"extra must be between 0 and {MOST_EXTRA}"
    if inline.style not in {"table", "stack"}:
        yield f"style must be 'table' or 'stack', not {inline.style!r}"


def _order(inline: Inline, target: type[Any], known: Mapping[str, Field]) -> Iterator[str]:
    if inline.order_by is None:
        return
    field = known.get(inline.order_by)
    if field is None or field.kind is not Kind.INTEGER or not field.updatable:
        yield f"order_by {inline.order_by!r} is no whole number that can be changed"
        return
    table: Table = target.__table__
    unique: list[UniqueConstraint | Index] = [
        *(each for each in table.constraints if isinstance(each, UniqueConstraint)),
        *(each for each in table.indexes if each.unique),
    ]
    if field.unique or any(field.column in set(each.columns) for each in unique):
        # Of two records that change places one is written first.
        yield f"order_by {inline.order_by!r} is unique, so no two records can change places"
