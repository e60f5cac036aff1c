"""What declarations say, in the reader's language.

The panel reads labels, help, headings and the like off resources, in a hundred places. So the
resources themselves are translated, once for each language and sight, and stay what they are in
every other respect: where two are compared, it is by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from weakref import WeakKeyDictionary

from admin_app.declaration import Field, Registry, Relation, Resource
from admin_app.declaration.fields import words
from admin_app.declaration.forms import Section, Tab
from admin_app.panel.language import language, lowered, number, say, say_many

_TRANSLATED: WeakKeyDictionary[Registry, dict[str, Registry]] = WeakKeyDictionary()


def in_language(registry: Registry) -> Registry:
    """The resources of a registry as their reader calls them."""
    chosen = language()
    if not chosen.messages:
        return registry
    known = _TRANSLATED.setdefault(registry, {})
    if chosen.code not in known:
        known[chosen.code] = Registry(_resource(each) for each in registry.values())
    return known[chosen.code]


def counted(count: int, resource: Resource) -> str:
    """``3 books``."""
    options = resource.options
    one = lowered(options.label or words(resource.name))
    many = lowered(options.label_plural or words(resource.plural))
    key = f"{{count}} {one}"
    if not language().messages or key in language().messages:
        return say_many(key, f"{{count}} {many}", count)
    # A language without the forms of this word: the count stands beside it.
    return f"{lowered(say(resource.label_plural))}: {number(count)}"


def _resource(whole: Resource) -> Resource:
    fields = {name: _field(each) for name, each in whole.fields.items()}
    options = whole.options
    return replace(
        whole,
        label=say(whole.label),
        label_plural=say(whole.label_plural),
        key=tuple(fields[each.name] for each in whole.key),
        fields=MappingProxyType(fields),
        relations=MappingProxyType(
            {name: _relation(each) for name, each in whole.relations.items()}
        ),
        declared=MappingProxyType(
            {
                name: replace(each, label=say(each.label), help=_said(each.help))
                for name, each in whole.declared.items()
            }
        ),
        target_keys=_keys(whole.target_keys),
        options=replace(
            options,
            form=tuple(_part(each) for each in options.form),
            widgets=tuple(replace(each, title=say(each.title)) for each in options.widgets),
        ),
    )


def _field(field: Field) -> Field:
    return replace(field, label=say(field.label), help=_said(field.help), unit=_said(field.unit))


def _relation(relation: Relation) -> Relation:
    return replace(relation, label=say(relation.label), help=_said(relation.help))


def _keys(keys: Mapping[str, tuple[Field, ...]]) -> Mapping[str, tuple[Field, ...]]:
    return MappingProxyType({name: tuple(map(_field, each)) for name, each in keys.items()})


def _part(part: str | Section | Tab) -> str | Section | Tab:
    if isinstance(part, Section):
        return replace(part, title=say(part.title), help=_said(part.help))
    if isinstance(part, Tab):
        sections = [_part(each) for each in part.sections]
        kept = [each for each in sections if not isinstance(each, Tab)]
        return replace(part, title=say(part.title), sections=kept)
    return part


def _said(text: str) -> str:
    return say(text) if text else ""
