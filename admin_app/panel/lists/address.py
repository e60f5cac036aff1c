"""The panel's own parameters in the address of a list, which the grammar of reads does not know."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from admin_app.panel.language import zone
from admin_app.records.queries import grammar

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

Pairs = Iterable[tuple[str, str]]


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
