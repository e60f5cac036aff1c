"""What a form holds at one moment, and what templates show of that: plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wtforms import Field as FormField

from admin_app.panel.display import Link, Shown
from admin_app.panel.forms.part import Part
from admin_app.records import Title


@dataclass(frozen=True, slots=True)
class Condition:
    """When a question is asked: while another's control has one of some texts."""

    control: str
    values: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A part with its control, ready for the template."""

    part: Part
    field: FormField
    errors: Sequence[str]
    chosen: Sequence[tuple[str, Link]] = ()
    """Of a look-up: the chosen keys with their titles."""
    offers: Sequence[Title] | None = None
    offered: Sequence[str] = ()
    """The keys of ``offers`` as text."""
    term: str = ""
    answered: str = ""
    cleared: bool = False
    """Whether it is ticked to be emptied."""
    changed: bool = False
    """Whether its answer differs from what the form was opened with."""
    held: bool = False
    """Whether there is a value that can be taken away."""
    when: Condition | None = None
    """When it is asked for, if not always."""

    @property
    def chosen_keys(self) -> frozenset[str]:
        return frozenset(key for key, _ in self.chosen)


@dataclass(slots=True)
class Conflict:
    """A part that was changed on both sides."""

    part: Part
    base: Shown | None
    """None where it is not known any more."""
    theirs: Shown
    yours: Shown
    choice: str = ""
    shape: Shape | None = None
    """Its control, to change one's own answer once more."""


@dataclass(frozen=True, slots=True)
class Side:
    """A part that was changed on one side alone, which is kept."""

    label: str
    before: Shown | None
    after: Shown


@dataclass(slots=True)
class Merge:
    """All that differs between a form and the record as it now is."""

    who: str
    """Those whose changes came between, where they are known."""
    base: Mapping[str, str]
    """The fingerprints of what both sides began with."""
    conflicts: list[Conflict] = field(default_factory=list)
    taken: list[Side] = field(default_factory=list)
    """Changed by others."""
    kept: list[Side] = field(default_factory=list)
    """Changed in this form."""


@dataclass(slots=True)
class Filled:
    """The answers of a form at one moment, and what there is to say about them."""

    texts: dict[str, str]
    fingerprints: dict[str, str]
    """By part, the fingerprint of the text that the form was opened with."""
    etag: str = ""
    """The entity tag of the record that the form was opened with."""
    complete: bool = True
    """Whether the form came back with everything it was sent with."""
    errors: dict[str, list[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Errors that are about no single field."""
    unconfirmed: bool = False
    """Whether it was refused because nobody has proved lately to be there."""
    unreasoned: bool = False
    """Whether it was refused because it does not say why."""
    offers: dict[str, list[Title]] = field(default_factory=dict)
    """By look-up, the records that a search in it has found."""
    terms: dict[str, str] = field(default_factory=dict)
    """By look-up, the text typed into it."""
    answered: dict[str, str] = field(default_factory=dict)
    """By look-up, the search text whose results it offered."""
    lost: set[str] = field(default_factory=set)
    """The parts whose new answer cannot be shown again."""
    sent: set[str] = field(default_factory=set)
    """The parts of which something came back."""
    once: str = ""
    """The key of the form, which writes once however often it is sent."""
    choices: dict[str, str] = field(default_factory=dict)
    """Of parts that were changed on both sides: ``theirs`` or ``mine``, if that is decided."""
    merge: Merge | None = None
    """Set when the record has changed since the form was opened."""
