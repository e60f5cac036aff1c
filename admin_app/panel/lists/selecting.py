"""What is chosen in a list: the records that are ticked, or all that the list's conditions find.

A selection travels in addresses and forms as the list that it was made in and, unless it is all of
that, the keys. What it holds is found anew each time, under the policy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import FormData, QueryParams

from admin_app.declaration import DeclaredAction, Key, Resource
from admin_app.errors import BadRequestError
from admin_app.panel.declared import counted
from admin_app.panel.language import lowered, number, say
from admin_app.panel.list_address import LIST, asked, without
from admin_app.panel.sent_forms import read_form
from admin_app.panel.visit import Pairs, Visit
from admin_app.records import Query, Representation
from admin_app.records.queries.conditions import KeyIn
from admin_app.records.queries.grammar import PARAMETERS
from admin_app.records.reads.representation import digest
from admin_app.records.writes.bulk.items import MAX_ITEMS

ALL, KEY = "all", "key"
"""The parameters that carry a selection, beside that of its list."""
_NARROWING = frozenset({"filter", "search", "sort", "trash", "tz"})
_TURNING = frozenset(PARAMETERS) - _NARROWING
"""Parameters that do not determine which records a list has."""
MOST_TEXT = 8_000
"""The longest list's address that is carried, in characters."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Records of a list that something is going to be done with."""

    resource: Resource
    address: str
    """The query of the list's address."""
    everything: bool
    """Whether it is all that the list finds, and not some of them by key."""
    texts: tuple[str, ...] = ()
    """The keys, where it is not everything."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The list's parameters."""
        return parse_qsl(self.address, keep_blank_values=True)

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What a form or an address takes along."""
        chosen = [(ALL, "1")] if self.everything else [(KEY, each) for each in self.texts]
        return [*([(LIST, self.address)] if self.address else []), *chosen]

    @property
    def trashed(self) -> bool:
        """Whether its records are in the trash."""
        return dict(self.pairs).get("trash") == "only"

    def back(self, visit: Visit) -> str:
        """The list it was made in."""
        return visit.urls.list(self.resource, self.pairs)

    def query(self, visit: Visit) -> Query:
        """What finds its records. Raises ``BadRequestError`` where the list's address is wrong."""
        if self.everything:
            return visit.records.query(visit.actor, self.resource, narrowing(self.pairs))
        place = [("trash", "only")] if self.trashed else []
        query = visit.records.query(visit.actor, self.resource, place)
        keys = self.resource.keys_among(dict.fromkeys(self.texts))
        return replace(query, filters=(KeyIn(tuple(keys)),))


def narrowing(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters that determine which records a list has, and their order."""
    return [each for each in asked(pairs) if each[0] not in _TURNING]


async def sent_form(visit: Visit, resource: Resource) -> FormData | None:
    """The form that an act on a selection was sent with; ``None`` where its page is asked for.

    Raises what ``read_form`` and ``Visit.confirm_first`` raise.
    """
    if visit.request.method == "POST":
        return await read_form(visit.request)
    visit.confirm_first(resource)
    return None


def selection_in(resource: Resource, given: QueryParams | FormData) -> Selection:
    """The selection that an address or a form carries.

    Raises ``BadRequestError`` where it is none.
    """
    texts = [each for each in given.getlist(KEY) if isinstance(each, str)]
    address = given.get(LIST, "")
    everything = given.get(ALL) == "1"
    if not isinstance(address, str) or len(address) > MOST_TEXT or len(texts) > MAX_ITEMS:
        raise BadRequestError(say("This selection cannot be read. Choose again in the list."))
    if not everything and not texts:
        msg = say("Nothing is chosen. Tick the records in the list first.")
        raise BadRequestError(msg)
    return Selection(resource, address, everything, () if everything else tuple(texts))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The records of a selection as they are now."""

    selection: Selection
    records: tuple[Representation, ...]
    too_many: bool = False
    """Whether there are more than can be written at once; then none is here."""

    @property
    def resource(self) -> Resource:
        return self.selection.resource

    @property
    def keys(self) -> list[Key]:
        return [each.key for each in self.records]

    @property
    def words(self) -> str:
        """How many of what: ``257 books``."""
        return counted(len(self.records), self.resource)

    @property
    def missing(self) -> int:
        """How many of the ticked ones are there no more."""
        if self.selection.everything or self.too_many:
            return 0
        return len(set(self.selection.texts)) - len(self.records)

    @property
    def state(self) -> str:
        """One digest of which records these are and of their versions."""
        told = sorted(f"{each.key_text} {each.state}" for each in self.records)
        return digest("\n".join(told).encode())

    def items(self, data: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """An item of a bulk write for each record, good for the version that was looked at."""
        more = {} if data is None else {"data": data}
        return [
            {"key": each.key_text, "if_match": f'"{each.state}"', **more} for each in self.records
        ]


async def chosen(visit: Visit, selection: Selection, *, trashed: bool = False) -> Chosen:
    """Read the records of a selection, as far as they can be written at once.

    Raises ``BadRequestError`` for records in the trash, unless ``trashed`` ones will do.
    """
    # A list of both is none to choose from: what is done with the ones cannot be with the others.
    both = dict(selection.pairs).get("trash") == "with"
    if both or (selection.trashed and not trashed):
        msg = say("What is in the trash can only be restored, or deleted for good.")
        raise BadRequestError(msg)
    query = replace(selection.query(visit), limit=MAX_ITEMS + 1, count="none")
    page = await visit.records.page(visit.actor, selection.resource, query)
    if len(page.rows) > MAX_ITEMS:
        return Chosen(selection, (), too_many=True)
    return Chosen(selection, tuple(Representation(page.resource, each) for each in page.rows))


def too_many_words(resource: Resource) -> str:
    """What to say where more are chosen than can be written at once."""
    return say(
        "More than {most} {records} are chosen, and at most {most} can be written at once. "
        "Narrow the list by a filter first.",
        most=number(MAX_ITEMS),
        records=lowered(resource.label_plural),
    )


def selectable(visit: Visit, resource: Resource, pairs: Pairs) -> bool:
    """Whether there is anything that the actor may do with several records of a list at once."""
    may = visit.records.allowed(visit.actor, resource)
    place = dict(pairs).get("trash", "without")
    if place != "without":
        return place == "only" and resource.options.trash is not None and "delete" in may
    return bool(may & {"update", "delete"}) or bool(selection_actions(resource, may))


@dataclass(frozen=True, slots=True)
class Bar:
    """What can be done with the ticked rows of a list."""

    address: str
    may: frozenset[str]
    actions: tuple[DeclaredAction, ...]
    trashed: bool
    """Whether the rows are in the trash."""


def selection_bar(visit: Visit, resource: Resource, pairs: Pairs) -> Bar:
    """What stands in a list's toolbar while rows are ticked."""
    may = visit.offered(resource)
    names = selection_actions(resource, may)
    found = tuple(resource.declared[name] for name in names)
    trashed = dict(pairs).get("trash") == "only"
    return Bar(urlencode(without(pairs), errors="replace"), may, found, trashed)


def selection_actions(resource: Resource, may: Collection[str]) -> Sequence[str]:
    """The names of the declared actions on several records that the actor may run on some."""
    return [
        name for name, each in resource.declared.items() if each.on == "selection" and name in may
    ]
