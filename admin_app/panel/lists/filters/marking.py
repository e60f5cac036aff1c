"""What was searched for, marked where it stands in a list's cells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from admin_app.declaration import Resource


@dataclass(frozen=True, slots=True)
class Marking:
    """The words of a search, and the columns that it looks into."""

    pattern: re.Pattern[str] | None
    columns: frozenset[str]

    def __call__(self, text: str, column: str) -> Markup:
        """The text, escaped, with what was found in it marked."""
        if self.pattern is None or column not in self.columns:
            return escape(text)
        parts = self.pattern.split(text)
        # What the one group of the pattern matched stands at every other place.
        marked = (
            Markup("<mark>{}</mark>").format(each) if place % 2 else escape(each)
            for place, each in enumerate(parts)
        )
        return Markup("").join(marked)


def marking(resource: Resource, words: tuple[str, ...]) -> Marking:
    """What marks the words of a search; an index finds those that begin so, and nothing inside."""
    longest = sorted(set(words), key=len, reverse=True)
    any_of = "|".join(re.escape(each) for each in longest)
    begin = r"(?<!\w)" if resource.options.full_text else ""
    pattern = re.compile(f"{begin}({any_of})", re.IGNORECASE) if words else None
    return Marking(pattern, frozenset(each.partition(".")[0] for each in resource.search))
