"""Words, numbers and moments in the language of whoever is here.

What people read is written in English where it is used, with names in braces for what changes:
``say("Delete {title}?", title=...)``, in templates and scripts ``_("…", …)``. The English text is
the key of its translations, which stand in ``locales/<code>.po``, the field's standard form (GNU
gettext), read when the server starts. REST speaks English: its problems have codes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.messages.pofile import read_po
from babel.numbers import get_decimal_symbol, get_group_symbol

from admin_app.declaration import Resource

FOLDER = Path(__file__).parent / "locales"
ENGLISH = "en"
_HOLE = re.compile(r"\{(\w+)\}")
_IN_SCRIPTS = re.compile(r'\b_n?\(\s*"((?:[^"\\]|\\.)*)"')
_SENTENCE = re.compile(r"[A-Z{].*[.?!]", re.DOTALL)
_LONGEST = 2_000
"""The longest text that is matched against the messages, in characters."""
_NOUNS = frozenset({"action", "label", "label_plural", "labels", "many", "no", "what"})
"""Placeholders that hold words of ours, not names that somebody has given."""


@dataclass(frozen=True)
class Language:
    """A language, and what is translated into it."""

    code: str
    messages: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Translations by the English text; messages with a count have all plural forms."""

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(self.code)

    @property
    def name(self) -> str:
        """What its speakers call it."""
        return (self.locale.get_display_name() or self.code).capitalize()

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)

    def number(self, value: Any, form: str = ",") -> str:
        """A number, its digits grouped as here."""
        return f"{value:{form}}".translate(self._signs)

    @cached_property
    def _signs(self) -> dict[int, str]:
        return {ord(","): get_group_symbol(self.locale), ord("."): self.decimal_sign}

    @cached_property
    def decimal_sign(self) -> str:
        """What stands between whole numbers and their parts."""
        return get_decimal_symbol(self.locale)

    def find(self, message: str) -> str | None:
        """The translation of a message; that of its first form where it has several."""
        found = self.messages.get(message)
        return found[0] if isinstance(found, tuple) else found

    def form(self, one: str, many: str, count: int) -> str:
        """The form of a message that goes with a count (Unicode CLDR's plural rules)."""
        found = self.messages.get(one)
        if not isinstance(found, tuple):
            return one if count == 1 else many
        forms = [each for each in _FORMS if each in {*self.locale.plural_form.tags, "other"}]
        # Where whole numbers never take the last form, the catalogue has none for it.
        return found[min(forms.index(self.locale.plural_form(count)), len(found) - 1)]

    def understood(self, said: str) -> str | None:
        """The translation of words that were put together elsewhere, values in them included.

        Refusals come from floors that know nothing of languages. Their words are those of a
        message whose holes are filled: which one shows by what stands around the holes.
        """
        found = self.find(said)
        if found is not None or len(said) > _LONGEST:
            return found
        for pattern, translation in self._patterns:
            match = pattern.fullmatch(said)
            if match:
                values = match.groupdict()
                return translation.format_map(
                    {name: self._within(name, value) for name, value in values.items()}
                )
        before, question, meant = said.partition(" Did you mean ")
        told = self.understood(before) if question else None
        if told is None:
            return None
        asked = self.understood(f"{question.strip()} {meant}")
        return f"{told} {asked}" if asked else None

    def _within(self, name: str, value: str) -> str:
        """Translate the value of a placeholder in a refusal."""
        if value.rstrip().endswith((".", "?")):
            return value.replace(value.strip(), self.understood(value.strip()) or value.strip())
        if name in {"holder", "holders"}:
            return ", ".join(map(self._held, value.split(", ")))
        if name.rstrip("_") not in _NOUNS:
            return value
        return ", ".join(map(self._noun, value.split(", ")))

    def _held(self, value: str) -> str:
        """What holds a record: ``3 comments``, whose forms nobody below the panel knows."""
        count, _, noun = value.partition(" ")
        return f"{self._noun(noun)}: {count}" if count.isdecimal() else self._noun(value)

    def _noun(self, value: str) -> str:
        found = self.find(value)
        if found is None and value[:1].islower():
            found = self.find(value[:1].upper() + value[1:])
            return lowered(found) if found else value
        return found or value

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        holed = [each for each in self.messages if _HOLE.search(each) and _SENTENCE.fullmatch(each)]
        # The more of it is text, the less it fits by accident.
        holed.sort(key=lambda each: -len(_HOLE.sub("", each)))
        return [(_pattern(each), found) for each in holed if (found := self.find(each))]


_FORMS = ("zero", "one", "two", "few", "many", "other")
"""The order of the forms in a catalogue: a language has those that it tells apart."""


def _pattern(message: str) -> re.Pattern[str]:
    parts: list[str] = []
    known: set[str] = set()
    end = 0
    for hole in _HOLE.finditer(message):
        parts.append(re.escape(message[end : hole.start()]))
        name = hole[1]
        parts.append(f"(?P={name})" if name in known else f"(?P<{name}>.*?)")
        known.add(name)
        end = hole.end()
    return re.compile("".join((*parts, re.escape(message[end:]))), re.DOTALL)


@cache
def languages() -> Mapping[str, Language]:
    """Every language there is, by its code (RFC 5646), English first."""
    found = {ENGLISH: Language(ENGLISH)}
    for path in sorted(FOLDER.glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.stem)
        found[path.stem] = Language(
            path.stem,
            {
                each.id[0] if isinstance(each.id, tuple | list) else each.id: (
                    tuple(each.string) if isinstance(each.string, tuple | list) else each.string
                )
                for each in catalogue
                if each.id and each.string and not each.fuzzy
            },
        )
    return found


_current: ContextVar[Language] = ContextVar("language")


def language() -> Language:
    """The language of whoever is here."""
    return _current.get(languages()[ENGLISH])


def with_declared(resources: Iterable[Resource]) -> dict[str, Language]:
    """Every language there is or that a declaration has translations into, with those."""
    found = dict(languages())
    for resource in resources:
        for code, messages in resource.options.translations.items():
            known = found.get(code, Language(code))
            # The house's own words are not the declaration's to change.
            found[code] = Language(code, {**messages, **known.messages})
    return found


@contextmanager
def speaking(chosen: Language) -> Iterator[None]:
    """Speak a language."""
    token = _current.set(chosen)
    try:
        yield
    finally:
        _current.reset(token)


def preferred(header: str, known: Collection[str]) -> str:
    """The first known language of ``Accept-Language`` (RFC 9110, 12.5.4), else English."""
    ranked: list[tuple[float, str]] = []
    for part in header.split(",")[:20]:
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=") or "1"
        try:
            ranked.append((-float(quality), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    tags = (tag for quality, tag in sorted(ranked, key=lambda each: each[0]) if quality < 0)
    return next((tag for tag in tags if tag in known), ENGLISH)


_zone: ContextVar[ZoneInfo] = ContextVar("zone")


def zone() -> ZoneInfo:
    """The time zone of whoever is here; UTC where they have chosen none."""
    return _zone.get(ZoneInfo("UTC"))


@contextmanager
def in_zone(name: str | None) -> Iterator[None]:
    """Show moments inside in this time zone; in UTC if it is unknown."""
    token = _zone.set(ZoneInfo(name if name in zones() else "UTC"))
    try:
        yield
    finally:
        _zone.reset(token)


@cache
def zones() -> tuple[str, ...]:
    """The time zones there are (IANA), UTC first."""
    places = (each for each in available_timezones() if "/" in each and not each.startswith("Etc/"))
    return ("UTC", *sorted(places))


def mark(message: str) -> str:
    """Mark a message that is translated where it is shown, such as one of a table of words."""
    return message


def mark_many(one: str, many: str) -> tuple[str, str]:
    """Mark a message that goes with a count, both of its English forms."""
    return one, many


_OTHERS = (mark("other records"), mark("records out of your sight"))
"""Words that refusals use in place of the name of a resource."""


def say(message: str, **values: Any) -> str:
    """A message in the reader's language, with the values in the places of their names."""
    text = language().find(message) or message
    return text.format_map(values) if values else text


def say_many(one: str, many: str, count: int, **values: Any) -> str:
    """The form of a message that goes with a count, which is its ``{count}``, digits grouped."""
    text = language().form(one, many, count)
    return text.format_map({"count": number(count), **values})


def number(value: Any, form: str = ",") -> str:
    """A number as the reader writes it."""
    return language().number(value, form)


def lowered(label: str) -> str:
    """A label within a sentence; abbreviations stay as they are."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def retold(said: str) -> str:
    """Translate words that the layers below have said in English, such as a refusal's."""
    return language().understood(said) or said


def words_of(script: str, chosen: Language) -> dict[str, str | tuple[str, ...]]:
    """What a script says, translated, as far as it is; every form of what goes with a count."""
    said = dict.fromkeys(_IN_SCRIPTS.findall(script))
    return {each: found for each in said if (found := chosen.messages.get(each)) is not None}
