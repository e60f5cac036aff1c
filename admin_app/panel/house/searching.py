"""Search everywhere: the records, lists, views and actions that some words name.

The script of the command palette asks as one types; without it the same is a page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from sqladmin import Admin
from starlette.requests import Request
from starlette.responses import Response

from admin_app.declaration import Resource
from admin_app.desk import list_views
from admin_app.errors import AppError
from admin_app.panel.answers import json_answer, wants_json
from admin_app.panel.house.recent import looked_at
from admin_app.panel.language import lowered, say
from admin_app.panel.layout import in_order
from admin_app.panel.rendering import render
from admin_app.panel.visit import Visit, visiting

ACTIONS_ONLY = ">"
"""Prefix of a term that searches actions alone."""
FOUND = 5
"""The most records of one resource."""
SEARCHED = 8
"""The most resources searched at once; further ones are linked, to be searched by themselves."""
SECONDS = 1.0
"""Seconds that the search of one resource may take."""
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """Something to go to."""

    title: str
    href: str
    icon: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Hits of one kind under their heading."""

    label: str
    hits: tuple[Hit, ...]


async def search(admin: Admin, request: Request) -> Response:
    """What the words in ``term`` name; without any, what one is likely to want."""
    visit = visiting(request)
    term = request.query_params.get("term", "").strip()[:LONGEST]
    sections = await found(visit, term)
    if wants_json(request):
        return json_answer({"sections": [asdict(each) for each in sections]})
    return await render(admin, request, "house/search.html", term=term, sections=sections)


async def found(visit: Visit, term: str) -> list[Section]:
    """The sections that have hits, the likeliest first."""
    mine = [each for each in visit.registry.values() if visit.may(each, "read")]
    only = term.startswith(ACTIONS_ONLY)
    words = term.removeprefix(ACTIONS_ONLY).casefold().split()
    actions = Section(say("Actions"), _named(_actions(visit, mine), words))
    if only:
        sections = [actions]
    elif words:
        lists = Section(say("Lists"), _named(_lists(visit, mine), words))
        views = Section(say("Views"), _named(await _views(visit), words))
        sections = [lists, *await _records(visit, mine, term), views, actions]
        if not any(hit.title.casefold().startswith(words[0]) for hit in lists.hits):
            sections = [*sections[1:-2], lists, *sections[-2:]]
    else:
        recent = tuple(
            Hit(each.title, each.href, _icon(each.resource), each.resource.label)
            for each in await looked_at(visit)
        )
        sections = [
            Section(say("Recent"), recent),
            Section(say("Lists"), tuple(_lists(visit, mine))),
            Section(say("Views"), tuple(await _views(visit))),
            actions,
        ]
    return [each for each in sections if each.hits]


def _named(hits: Iterable[Hit], words: Sequence[str]) -> tuple[Hit, ...]:
    return tuple(
        each
        for each in hits
        if all(word in f"{each.title} {each.detail}".casefold() for word in words)
    )


def _lists(visit: Visit, resources: Iterable[Resource]) -> list[Hit]:
    return [
        Hit(each.label_plural, visit.urls.list(each), _icon(each)) for each in in_order(resources)
    ]


def _icon(resource: Resource) -> str:
    return resource.options.icon or "table"


async def _views(visit: Visit) -> list[Hit]:
    views = await list_views(visit.request.state.database, visit.actor)
    return [
        Hit(each.name, visit.urls.view(each), "filter", resource.label_plural)
        for each in views
        if (resource := visit.registry.get(each.resource)) and visit.may(resource, "read")
    ]


def _actions(visit: Visit, resources: Iterable[Resource]) -> list[Hit]:
    made = [
        Hit(say("New {what}", what=lowered(each.label)), visit.urls.create(each), "plus")
        for each in resources
        if "create" in visit.offered(each)
    ]
    kept = [Hit(say("Keyboard shortcuts"), visit.urls.to("shortcuts"), "info")]
    if visit.actor.impersonator is None:
        kept.append(Hit(say("Your account"), visit.urls.to("account"), "person"))
    if visit.records.may_read_roles(visit.actor):
        kept.append(Hit(say("Rights by role"), visit.urls.to("access", "matrix"), "list"))
    if visit.records.may_explain(visit.actor):
        kept.append(Hit(say("Who may do this?"), visit.urls.to("access", "explain"), "lock"))
    return [*sorted(made, key=lambda each: each.title), *kept]


async def _records(visit: Visit, resources: Iterable[Resource], term: str) -> list[Section]:
    searched = in_order(each for each in resources if each.search)
    tried = searched[:SEARCHED]
    results = await asyncio.gather(*(_titles(visit, each, term) for each in tried))
    sections = [
        Section(each.label_plural, hits) for each, hits in zip(tried, results, strict=True) if hits
    ]
    others = tuple(
        Hit(
            say("Search {what} for {term}", what=lowered(each.label_plural), term=term),
            visit.urls.list(each, [("search", term)]),
            "search",
        )
        for each in searched
        if not each.own
    )
    return [*sections, Section(say("Search in"), others)]


async def _titles(visit: Visit, resource: Resource, term: str) -> tuple[Hit, ...]:
    try:
        titles = await visit.records.choices(visit.actor, resource, term, FOUND, within=SECONDS)
    except AppError:
        # Words that cannot be searched for here, or not in time: the list says which.
        return ()
    return tuple(
        Hit(each.text, visit.urls.details(resource, each.key), _icon(resource), each.detail)
        for each in titles
    )
