"""Taking a list along: its records, its order and its columns, as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, get_args

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from admin_app.declaration import Field, Key, Kind, Resource
from admin_app.panel.answers import file_headers
from admin_app.panel.display import NUMBERS, shown, total_words
from admin_app.panel.language import number as grouped
from admin_app.panel.language import say
from admin_app.panel.links import GONE, target_keys
from admin_app.panel.lists.columns import Source, columns_for, offered
from admin_app.panel.lists.rows import shape_for, titles_of
from admin_app.panel.lists.selecting import Selection, narrowing, selection_in
from admin_app.panel.rendering import render
from admin_app.panel.visit import Visit, visiting
from admin_app.records import Title
from admin_app.records.queries.query import WHOLE, Query, Shape
from admin_app.records.transfer import Export, Labels, Written
from admin_app.records.transfer.tables import MOST_ROWS, day, number

FORMATS: tuple[Written, ...] = get_args(Written)
MEDIA: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MARK = "\N{BYTE ORDER MARK}".encode()
"""Without it spreadsheets take CSV for text of another encoding."""
_SEPARATOR = "; "


async def export(admin: Admin, request: Request, resource: Resource) -> Response:
    """What there is to choose about it."""
    visit = visiting(request)
    selection = _selection(resource, request)
    query = replace(selection.query(visit), count="capped")
    total = await visit.records.count(visit.actor, resource, query)
    return await render(
        admin,
        request,
        "transfer/export.html",
        resource=resource,
        selection=selection,
        total=total_words(total),
        count=total,
        most=grouped(MOST_ROWS),
    )


async def file(admin: Admin, request: Request, resource: Resource) -> Response:
    """The file, sent while it is read."""
    del admin
    visit = visiting(request)
    selection = _selection(resource, request)
    wanted = request.query_params.get("format", "")
    format_: Written = wanted if wanted in FORMATS else "csv"
    whole = request.query_params.get("columns") == "all"
    as_stored = request.query_params.get("values") == "stored"
    sources = await _sources(visit, resource, selection, whole=whole)
    query = _in_order(visit, resource, selection)
    if as_stored:
        shape = WHOLE if whole else _stored(resource, sources)
    else:
        shape = shape_for(resource, sources, tagged=False)
    made = Export(
        visit.records,
        visit.actor,
        resource,
        replace(query, shape=shape),
        origin=visit.origin,
        about=request.url.query,
    )
    labels = None if as_stored else _labels(visit, resource, sources)
    portions = made.portions(format_, labels)
    # What is refused is refused before the first byte.
    first = await anext(portions, b"")

    async def content() -> AsyncIterator[bytes]:
        async with aclosing(portions):
            yield (MARK if format_ == "csv" else b"") + first
            async for portion in portions:
                yield portion

    headers = file_headers(f"{resource.plural}.{format_}")
    return StreamingResponse(content(), media_type=MEDIA[format_], headers=headers)


def _selection(resource: Resource, request: Request) -> Selection:
    """What is chosen, or else all that the list finds."""
    given = request.query_params
    if "all" not in given and "key" not in given:
        return Selection(resource, given.get("list", ""), everything=True)
    return selection_in(resource, given)


def _in_order(visit: Visit, resource: Resource, selection: Selection) -> Query:
    """The records in the order of the list, which may be the declared one."""
    query = selection.query(visit)
    given = dict(narrowing(selection.pairs))
    told = "sort" in given or query.ranked
    order = given.get("sort") if told else ",".join(resource.sort)
    if not order:
        return query
    sorted_ = visit.records.query(visit.actor, resource, [("sort", order)])
    return replace(query, sort=sorted_.sort, given=query.given | {"sort"})


async def _sources(
    visit: Visit, resource: Resource, selection: Selection, *, whole: bool
) -> list[Source]:
    if whole:
        return [each for each in offered(visit.registry, resource).values() if "." not in each.name]
    place = await visit.place()
    found = columns_for(visit.registry, resource, selection.pairs, place.preferences)
    return list(found.sources)


def _stored(resource: Resource, sources: Iterable[Source]) -> Shape:
    """The key and what the columns stand for, so that an import knows the records again."""
    names = [each.name for each in resource.key]
    for each in sources:
        if each.own is not None:
            names.append(each.own.name)
        elif each.relation is not None and each.field is None:
            names += [each.relation.name] if each.relation.keyed else each.relation.fields
    known = {*resource.readable, *resource.sets}
    return Shape(tuple(name for name in dict.fromkeys(names) if name in known))


def _labels(visit: Visit, resource: Resource, sources: Sequence[Source]) -> Labels:
    async def rendered(rows: Sequence[Mapping[str, Any]]) -> Sequence[Sequence[Any]]:
        titles = await titles_of(visit, sources, rows)
        return [[_cell(visit, resource, each, row, titles) for each in sources] for row in rows]

    return Labels([each.label for each in sources], rendered)


def _cell(
    visit: Visit,
    resource: Resource,
    source: Source,
    values: Mapping[str, Any],
    titles: Mapping[str, Mapping[Key, Title]],
) -> Any:
    if source.relation is None:
        assert source.field is not None  # noqa: S101 - a source has one of them
        return _plain(resource, source.field, values)
    known = titles[source.relation.target]
    keys = target_keys(visit, source.relation, values)
    if source.field is None:
        names = [known[key].text if key in known else say(GONE) for key in keys]
    else:
        target, field = visit.registry.target(source.relation), source.field
        found = [_plain(target, field, known[key].values) for key in keys if key in known]
        names = [str(each) for each in dict.fromkeys(found) if each is not None]
    return _SEPARATOR.join(names) or None


def _plain(resource: Resource, field: Field, values: Mapping[str, Any]) -> Any:
    """A value as people read it; numbers and dates stay what they are."""
    value = None if field.sensitive else values.get(field.name)
    if value is None:
        return None
    if field.kind in NUMBERS:
        return number(value)
    if field.kind is Kind.DATE:
        return day(value)
    return shown(resource, field, values).text
