"""A key's one text form: written and read back, always one path segment."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from admin_app.declaration.keys import RESERVED, join_key, split_key

PARTS = st.lists(
    st.one_of(st.text(), st.sampled_from([*RESERVED, "", ".", "..", "~", "~3.", "a,b", "a/b"])),
    min_size=1,
    max_size=4,
)


@given(PARTS)
@example([""])
@example(["", ""])
@example(["~4"])
@example(["~3query"])
@example(["..."])
def test_there_and_back(parts: list[str]) -> None:
    """Whatever the parts are, their text reads back as them and nothing in it is misread."""
    text = join_key(parts)
    assert split_key(text) == tuple(parts)
    assert text
    assert "/" not in text
    assert text.strip(".")
    assert text not in RESERVED
    assert text.count(",") == len(parts) - 1


@given(st.text())
@example("~5")
@example("a~")
@example("~3a")
@example("~3~3.")
@example("..")
@example("query")
def test_one_text_for_one_key(text: str) -> None:
    """Text is a key's only if it is how that key is written: no record has two addresses."""
    try:
        parts = split_key(text)
    except ValueError:
        return
    assert join_key(parts) == text


@given(PARTS, PARTS)
def test_no_two_keys_share_a_text(one: list[str], other: list[str]) -> None:
    """Different keys have different texts."""
    assert (join_key(one) == join_key(other)) == (one == other)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (["plain"], "plain"),
        (["a/b", "c,d", "e~f"], "a~1b,c~2d,e~0f"),
        (["query"], "~3query"),
        ([".."], "~3.."),
        (["", "x"], "~4,x"),
        (["a b"], "a b"),
    ],
)
def test_examples(parts: list[str], text: str) -> None:
    """The examples of the contract are as it says."""
    assert join_key(parts) == text
