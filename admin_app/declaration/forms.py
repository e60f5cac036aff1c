"""How a model arranges its form: sections, tabs, units, conditions and colours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from admin_app.declaration.fields import Field, Kind, Relation
from admin_app.suggestions import did_you_mean

if TYPE_CHECKING:
    from admin_app.declaration.options import ResourceOptions

Tone = Literal["good", "warn", "bad", "info", "muted"]


@dataclass(frozen=True)
class Section:
    """Fields of a form under a heading: ``Section("Edition", ["year", "isbn"])``."""

    title: str
    fields: Sequence[str]
    help: str = ""


@dataclass(frozen=True)
class Tab:
    """Sections or fields of a form that are shown under a tab."""

    title: str
    sections: Sequence[Section | str]


@dataclass(frozen=True)
class When:
    """A field is asked for where another has one of some values, as JSON has them.

    ``When("format", ["ebook", "audiobook"])``. It is a matter of the form alone: what the form
    hides is neither required nor refused.
    """

    field: str
    values: Sequence[Any]


def named(parts: Iterable[str | Section | Tab]) -> Iterator[str]:
    """Every name that a form's arrangement speaks of, in its order."""
    for each in parts:
        if isinstance(each, str):
            yield each
        else:
            yield from named(each.sections if isinstance(each, Tab) else each.fields)


def check_form(
    where: str,
    options: ResourceOptions,
    fields: Mapping[str, Field],
    relations: Mapping[str, Relation],
) -> Iterator[str]:
    """What is wrong with the options of a resource's form, a line each."""
    both = {**fields, **relations}
    names = list(named(options.form))
    for option, given in (
        ("form", names),
        ("units", options.units),
        ("shown_when", options.shown_when),
        ("shown_when", [each.field for each in options.shown_when.values()]),
        ("colors", options.colors),
    ):
        for name in given:
            if name not in both:
                hint = did_you_mean(name, both)
                yield f"{where}: {option} names {name!r}, which is no field of it{hint}"
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield f"{where}: form names {name!r} twice"
    if len({isinstance(each, Tab) for each in options.form}) > 1:
        yield f"{where}: form has tabs and other things beside them; put all of it into tabs"
    yield from _conditions(where, options, fields)
    yield from _colors(where, options, fields)


def _conditions(where: str, options: ResourceOptions, fields: Mapping[str, Field]) -> Iterator[str]:
    for name, condition in options.shown_when.items():
        if name in fields and fields[name].required:
            yield f"{where}: shown_when hides {name!r}, which must be filled in"
        if condition.field == name:
            yield f"{where}: shown_when makes {name!r} depend on itself"
        asked = fields.get(condition.field)
        for value in _not_of(asked, condition.values):
            yield f"{where}: shown_when: {condition.field!r} is never {value!r}"


def _colors(where: str, options: ResourceOptions, fields: Mapping[str, Field]) -> Iterator[str]:
    for name, tones in options.colors.items():
        field = fields.get(name)
        if field is not None and field.kind not in {Kind.ENUM, Kind.BOOLEAN}:
            yield f"{where}: colors names {name!r}, which is no choice"
        for value in _not_of(field, tones):
            yield f"{where}: colors: {name!r} is never {value!r}"
        for tone in set(tones.values()) - set(get_args(Tone)):
            yield f"{where}: {tone!r} is no colour; take one of {', '.join(get_args(Tone))}"


def _not_of(field: Field | None, values: Iterable[Any]) -> list[Any]:
    """The values that a choice or a yes-or-no cannot have."""
    if field is None or field.kind not in {Kind.ENUM, Kind.BOOLEAN}:
        return []
    known = (True, False) if field.kind is Kind.BOOLEAN else field.shape.choices
    return [each for each in values if each not in known]
