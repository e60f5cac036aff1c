"""``Registry.from_base``: mapped classes become resources, or a list of every mistake."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapper, configure_mappers

from admin_app.declaration.actor import ACTIONS
from admin_app.declaration.attributes import fields_of, relations_of
from admin_app.declaration.base import snake_case
from admin_app.declaration.fields import TEXTUAL, Field, Reference, Relation, words
from admin_app.declaration.full_text import check_full_text
from admin_app.declaration.given import check_given, options_of, unknown_argument
from admin_app.declaration.inlines import check_inlines
from admin_app.declaration.mistakes import (
    actions_of,
    check_actions,
    check_mapping,
    check_names,
    check_options,
    is_own,
    rules_of,
)
from admin_app.declaration.options import ResourceOptions
from admin_app.declaration.resource import Resource
from admin_app.errors import SetupError

TITLES = ("title", "name", "label", "subject", "text", "email", "code", "slug")
"""Attribute names that name a record where no title is declared, best first."""
LIST_LENGTH = 7


class DeclarationError(SetupError):
    """Everything that is wrong with the declarations, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Registry(Mapping[str, Resource]):
    """Every resource by name. Immutable, and equal only to itself: it can be a key of caches."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources = MappingProxyType({each.name: each for each in resources})
        self._plurals = {each.plural: each for each in self.values()}

    def __getitem__(self, name: str) -> Resource:
        return self._resources[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._resources)

    def __len__(self) -> int:
        return len(self._resources)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def by_plural(self, plural: str) -> Resource | None:
        """The resource with that name in paths; ``None`` if there is none."""
        return self._plurals.get(plural)

    def target(self, relation: Relation) -> Resource:
        """The resource that ``relation`` leads to."""
        return self._resources[relation.target]

    @property
    def actions(self) -> list[str]:
        """Every action there is at a resource: the usual four, then those of declarations."""
        found = {action for each in self.values() for action in each.actions}
        return [*ACTIONS, *sorted(found.difference(ACTIONS))]

    def tables(self) -> tuple[Table, ...]:
        """Every table that a resource's metadata knows, association tables included."""
        found = {
            table.fullname: table
            for each in self.values()
            for table in each.table.metadata.tables.values()
        }
        return tuple(found.values())

    @classmethod
    def from_base(cls, base: type[DeclarativeBase], modules: Sequence[str]) -> Registry:
        """Resolve the declared classes of ``modules`` (imported here, submodules included).

        The application's own classes are among them where they say so by a ``__resource__``.
        Raises ``DeclarationError`` with every mistake, each by class and field.
        """
        problems: list[str] = []
        for module in modules:
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                problems.append(f"app.models: {module} cannot be imported: {error}")
            except SQLAlchemyError as error:
                problems.append(f"app.models: {_place(error)}: {error}")
            except SyntaxError as error:
                place = f"{error.filename}, line {error.lineno}"
                problems.append(f"app.models: {place}: {error.msg}")
            except Exception as error:  # noqa: BLE001 - whatever a module does wrong is reported
                what = f"{type(error).__name__}: {error}{unknown_argument(error)}"
                problems.append(f"app.models: {_place(error)}: {what}")
        try:
            configure_mappers()
        except SQLAlchemyError as error:
            problems.append(str(error))
        if problems:
            raise DeclarationError(problems)
        mappers = sorted(
            (
                each
                for each in base.registry.mappers
                if _declared_in(each.class_, modules) or is_own(each)
            ),
            key=lambda mapper: (is_own(mapper), mapper.class_.__name__),
        )
        resources = _resources(mappers, problems)
        if problems:
            raise DeclarationError(problems)
        if all(each.own for each in resources):
            msg = f"app.models: no declaration found in {', '.join(modules)}"
            raise DeclarationError([msg])
        return cls(resources)


def _place(error: Exception) -> str:
    """Where in the models' own text a mistake was met."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if each.name == "<module>"] or frames
    return f"{own[-1].filename}, line {own[-1].lineno}"


def _declared_in(model: type[Any], modules: Sequence[str]) -> bool:
    return any(
        model.__module__ == each or model.__module__.startswith(f"{each}.") for each in modules
    )


@dataclass(frozen=True)
class _Declared:
    """What is declared, by model, before it becomes resources."""

    options: Mapping[type[Any], ResourceOptions]
    names: Mapping[type[Any], str]
    plurals: Mapping[type[Any], str]
    fields: Mapping[type[Any], Mapping[str, Field]]
    relations: Mapping[type[Any], Mapping[str, Relation]]


def _declared(mappers: Sequence[Mapper[Any]], problems: list[str]) -> _Declared:
    options = {each.class_: options_of(each, problems) for each in mappers}
    names = {model: each.name or snake_case(model.__name__) for model, each in options.items()}
    plurals = {model: options[model].plural or pluralized(name) for model, name in names.items()}
    fields = {each.class_: fields_of(each, options[each.class_], problems) for each in mappers}
    relations = {
        each.class_: relations_of(each, options[each.class_], names, fields[each.class_])
        for each in mappers
    }
    return _Declared(options, names, plurals, fields, relations)


def _resources(mappers: Sequence[Mapper[Any]], problems: list[str]) -> list[Resource]:
    declared = _declared(mappers, problems)
    check_names(declared.names, declared.plurals, problems)
    rules: dict[type[Any], dict[str, Any]] = {}
    for mapper in mappers:
        model = mapper.class_
        options, fields = declared.options[model], declared.fields
        relations = declared.relations[model]
        check_mapping(mapper, fields[model], relations, problems)
        check_options(model, options, fields, relations, problems)
        if not is_own(mapper):
            check_given(mapper, options, fields[model], problems)
        check_inlines(model, options.inlines, fields, declared.relations, problems)
        check_full_text(model, mapper.local_table, options, fields[model], problems)
        check_actions(model, problems)
        rules[model] = rules_of(model, options, problems)
    if problems:
        return []
    owners = {each.local_table: each.class_ for each in mappers}
    return [
        _resource(each, declared, rules[each.class_], _references(each, declared, owners))
        for each in mappers
    ]


def _resource(
    mapper: Mapper[Any],
    all_: _Declared,
    rules: Mapping[str, Any],
    references: tuple[Reference, ...],
) -> Resource:
    model = mapper.class_
    name, plural, options = all_.names[model], all_.plurals[model], all_.options[model]
    own, relations = all_.fields[model], all_.relations[model]
    key = tuple(own[each] for each in _key_names(mapper))
    declared = {each.name: each for each in actions_of(model)}
    title = options.title or _title(own, key)
    return Resource(
        model=model,
        name=name,
        plural=plural,
        label=options.label or words(name),
        label_plural=options.label_plural or words(plural),
        key=key,
        fields=MappingProxyType(dict(own)),
        relations=MappingProxyType(dict(relations)),
        options=options,
        title=title,
        list=tuple(options.list) or _default_list(own, title),
        search=tuple(options.search) or _default_search(own, title),
        sort=tuple(options.sort),
        version=_version(mapper),
        rules=MappingProxyType(dict(rules)),
        target_keys=MappingProxyType(
            {each: _target_key(mapper, each, all_.fields) for each in relations}
        ),
        references=references,
        actions=(*options.actions, *(each for each in declared if each not in options.actions)),
        declared=MappingProxyType(declared),
    )


def _references(
    mapper: Mapper[Any], declared: _Declared, owners: Mapping[Any, type[Any]]
) -> tuple[Reference, ...]:
    """The foreign keys of a table to the tables of resources."""
    table: Any = mapper.local_table
    own = _by_column(declared.fields[mapper.class_])
    found = []
    for constraint in table.foreign_key_constraints:
        target = owners.get(constraint.referred_table)
        far = _by_column(declared.fields[target]) if target else {}
        pairs = [
            (own[each.parent], far[each.column])
            for each in constraint.elements
            if each.parent in own and each.column in far
        ]
        if target and len(pairs) == len(constraint.elements):
            near, referred = zip(*pairs, strict=True)
            found.append(Reference(near, declared.names[target], referred))
    return tuple(sorted(found, key=lambda each: each.fields))


def _by_column(fields: Mapping[str, Field]) -> dict[Any, str]:
    return {each.column: name for name, each in fields.items() if each.column is not None}


def pluralized(name: str) -> str:
    """The plural of an English word in snake case; ``ResourceOptions.plural`` for the others."""
    if name.endswith(("s", "x", "z", "ch", "sh")):
        return f"{name}es"
    if name.endswith("y") and name[-2:-1] not in set("aeiou"):
        return f"{name[:-1]}ies"
    return f"{name}s"


def _key_names(mapper: Mapper[Any]) -> list[str]:
    return [mapper.get_property_by_column(column).key for column in mapper.primary_key]


def _target_key(
    mapper: Mapper[Any], relation: str, fields: Mapping[type[Any], Mapping[str, Field]]
) -> tuple[Field, ...]:
    target: Mapper[Any] = mapper.relationships[relation].mapper
    return tuple(fields[target.class_][name] for name in _key_names(target))


def _title(fields: Mapping[str, Field], key: Sequence[Field]) -> str:
    texts = [each.name for each in fields.values() if each.kind in TEXTUAL and not each.sensitive]
    named = [name for name in TITLES if name in texts]
    return next(iter([*named, *texts]), key[0].name)


def _default_list(fields: Mapping[str, Field], title: str) -> tuple[str, ...]:
    others = [
        each.name
        for each in fields.values()
        if each.sortable and each.name != title and not (each.primary_key or each.name == "version")
    ]
    return (title, *others[: LIST_LENGTH - 1])


def _default_search(fields: Mapping[str, Field], title: str) -> tuple[str, ...]:
    return (title,) if fields[title].kind in TEXTUAL else ()


def _version(mapper: Mapper[Any]) -> str | None:
    column = mapper.version_id_col
    return None if column is None else mapper.get_property_by_column(column).key
