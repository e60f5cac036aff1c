"""The words of a search text: runs of letters and digits, as the index has them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from admin_app.database.full_text import CATEGORIES

MAX_PART = 500
"""Characters of a word that are looked for: PostgreSQL takes 2,046 bytes."""


def parts_of(word: str) -> tuple[str, ...]:
    """The runs of letters and digits in a word; none where there is nothing to look for."""
    found = "".join(each if _is_spoken(each) else " " for each in word).split()
    return tuple(each[:MAX_PART] for each in found if any(map(_stands_alone, each)))


def rarest_first(words: Sequence[str]) -> list[str]:
    """Words in an order that guesses at how rare they are: long ones are, and those with digits."""
    return sorted(words, key=lambda word: len(word) + 2 * any(map(str.isdigit, word)), reverse=True)


def _is_spoken(character: str) -> bool:
    return _stands_alone(character) or unicodedata.category(character).startswith("M")


def _stands_alone(character: str) -> bool:
    return unicodedata.category(character) in CATEGORIES
