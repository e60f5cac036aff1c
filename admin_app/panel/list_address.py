"""The address of a list: parameters of our own beside those of the grammar, and how it is carried.

Pages that a list leads to know by their parameter ``list`` in which one a record was found.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from admin_app.panel.language import zone
from admin_app.panel.visit import Pairs
from admin_app.records.queries import grammar

LIST = "list"
"""The parameter, or the control of a form, that carries a list's address."""
SHEET = "sheet"
"""The parameter that asks for a page without its frame, to be shown within another one."""
COLUMNS = "columns"
"""The parameter with the columns to show, where they are not the reader's own."""
VIEW = "view"
"""The number of the saved view that the list is shown as, or ``NO_VIEW``."""
NO_VIEW = "none"
ZONE = "tz"
"""The time zone that days begin in."""
PLACE = "place"
"""The number of the page's first record, as far as it is known; from the end it is negative."""
TURNING = ("cursor", "offset", PLACE)
"""The parameters that position a page."""
OWN = (COLUMNS, VIEW, PLACE)
STEERING = (*grammar.PARAMETERS, *OWN)
"""Names that are never those of fields and relations; see ``parameter``."""


def parameter(name: str) -> str:
    """How a field or relation is filtered by equality in the panel, also where its name steers."""
    return grammar.parameter(name, STEERING)


def reading(pairs: Pairs) -> list[tuple[str, str]]:
    """The parameters that the grammar of reads knows."""
    return [each for each in pairs if each[0] not in OWN]


def asked(pairs: Pairs) -> list[tuple[str, str]]:
    """The same, with the time zone of whoever is here, unless they name another."""
    found, here = reading(pairs), zone().key
    if here == "UTC" or any(name == ZONE for name, _ in found):
        return found
    return [*found, (ZONE, here)]


def without(pairs: Pairs, *names: str) -> list[tuple[str, str]]:
    """The parameters without some of them, from the first page on."""
    return [each for each in pairs if each[0] not in {*names, *TURNING}]


def kept(pairs: Pairs) -> list[tuple[str, str]]:
    """The parameters that a saved view keeps: all but the page and the view."""
    return without(pairs, VIEW)


def carried(pairs: Pairs) -> str:
    """A list's parameters as one text, for a form that comes back to the list."""
    return urlencode(list(pairs), safe=",:", errors="replace")


def brought(text: str) -> list[tuple[str, str]]:
    """The parameters in such a text, with nothing that is not one."""
    try:
        return parse_qsl(text, max_num_fields=grammar.MAX_PARAMETERS)
    except ValueError:
        return []


def in_list(pairs: Pairs) -> list[tuple[str, str]]:
    """The parameter of a record's page that says in which list it was found."""
    return [(LIST, carried(ordered(pairs)))]


def listed(request: Request) -> list[tuple[str, str]]:
    """The same, as the request has it, for the pages that it leads to."""
    text = request.query_params.get(LIST)
    return [] if text is None else [(LIST, text)]


def ordered(pairs: Pairs) -> list[tuple[str, str]]:
    """What of a list's parameters says which records it has, and in which order."""
    return without(reading(pairs), "count")


def beside(request: Request) -> tuple[list[tuple[str, str]], bool]:
    """The parameters of a request, and whether ``SHEET`` is among them, which is left out."""
    pairs = request.query_params.multi_items()
    return [each for each in pairs if each[0] != SHEET], SHEET in request.query_params
