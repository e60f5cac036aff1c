"""What the address of a list says beyond the grammar of reads, which knows nothing of pages."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode

from admin_app.records.queries import grammar

COLUMNS = "columns"
"""Which columns are shown, by name, where they are not those of whoever looks."""
VIEW = "view"
"""The number of the saved view that the list is shown as, or ``NO_VIEW``."""
NO_VIEW = "none"
PLACE = "place"
"""The number of the page's first record, as far as it is known; from the end it is negative."""
TURNING = ("cursor", "offset", PLACE)
"""What says which page of a list is shown."""
OWN = (COLUMNS, VIEW, PLACE)
STEERING = (*grammar.PARAMETERS, *OWN)
"""Names that are never those of fields and relations; see ``parameter``."""

Pairs = Iterable[tuple[str, str]]


def parameter(name: str) -> str:
    """How a field or relation is filtered by equality in the panel, also where its name steers."""
    return grammar.parameter(name, STEERING)


def asked(pairs: Pairs) -> list[tuple[str, str]]:
    """The parameters that say which records are read."""
    return [each for each in pairs if each[0] not in OWN]


def without(pairs: Pairs, *names: str) -> list[tuple[str, str]]:
    """The parameters without some of them, from the first page on."""
    return [each for each in pairs if each[0] not in {*names, *TURNING}]


def kept(pairs: Pairs) -> list[tuple[str, str]]:
    """What of a list's parameters is worth a name: all but the page and the name itself."""
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
