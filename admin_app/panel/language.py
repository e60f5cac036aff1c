"""Words in the language of whoever is here: English as written, others from their catalogues.

What people read is written in English where it is used, with names in braces for what changes:
``say("Delete {title}?", title=...)``, in templates ``_("…", …)``. The English text is the key of
its translations.
"""

from __future__ import annotations

from typing import Any

from sqladmin.i18n import gettext, ngettext


def say(message: str, **values: Any) -> str:
    """A message in the reader's language, with the values in the places of their names."""
    text = gettext(message)
    return text.format_map(values) if values else text


def say_many(one: str, many: str, count: int, **values: Any) -> str:
    """The form of a message that goes with a count, which is its ``{count}``, digits grouped."""
    text = ngettext(one, many, count)
    return text.format_map({"count": f"{count:,}", **values})
