"""``Registry.from_base``: from mapped classes to resources, or to the list of every mistake."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapper, configure_mappers

from admin_app.declaration.attributes import fields_of, relations_of
from admin_app.declaration.base import OUR_PREFIX, snake_case
from admin_app.declaration.fields import TEXTUAL, Field, Relation, words
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
    """Every resource by name. Immutable; the same declarations always give the same registry."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._resources = MappingProxyType({each.name: each for each in resources})
        self._plurals = {each.plural: each for each in self.values()}
        self._models = {each.model: each for each in self.values()}

    def __getitem__(self, name: str) -> Resource:
        return self._resources[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._resources)

    def __len__(self) -> int:
        return len(self._resources)

    def by_plural(self, plural: str) -> Resource | None:
        return self._plurals.get(plural)

    def by_model(self, model: type[Any]) -> Resource | None:
        return self._models.get(model)

    def target(self, relation: Relation) -> Resource:
        return self._resources[relation.target]

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

        Raises ``DeclarationError`` with every mistake, each by class and field.
        """
        problems: list[str] = []
        for module in modules:
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:
                problems.append(f"app.models: {module} cannot be imported: {error}")
        try:
            configure_mappers()
        except SQLAlchemyError as error:
            problems.append(str(error))
        if problems:
            raise DeclarationError(problems)
        mappers = sorted(
            (each for each in base.registry.mappers if _declared_in(each.class_, modules)),
            key=lambda mapper: mapper.class_.__name__,
        )
        resources = _resources(mappers, problems)
        if problems:
            raise DeclarationError(problems)
        if not resources:
            msg = f"app.models: no declaration found in {', '.join(modules)}"
            raise DeclarationError([msg])
        return cls(resources)


def _declared_in(model: type[Any], modules: Sequence[str]) -> bool:
    return any(
        model.__module__ == each or model.__module__.startswith(f"{each}.") for each in modules
    )


def _resources(mappers: Sequence[Mapper[Any]], problems: list[str]) -> list[Resource]:
    names = {
        each.class_: _options(each).name or snake_case(each.class_.__name__) for each in mappers
    }
    fields = {each.class_: fields_of(each, _options(each), problems) for each in mappers}
    taken: dict[str, str] = {}
    resources: list[Resource] = []
    for mapper in mappers:
        model, options = mapper.class_, _options(mapper)
        where = model.__name__
        if mapper.local_table.name.startswith(OUR_PREFIX):  # type: ignore[attr-defined]
            problems.append(f"{where}: table names that begin with {OUR_PREFIX!r} are reserved")
        plural = options.plural or pluralized(names[model])
        for kind, word in (("name", names[model]), ("plural", plural)):
            if f"{kind} {word}" in taken:
                problems.append(
                    f"{where}: the {kind} {word!r} is taken by {taken[f'{kind} {word}']}"
                )
            taken[f"{kind} {word}"] = where
        own = fields[model]
        key = tuple(own[name] for name in _key_names(mapper) if name in own)
        relations = relations_of(mapper, options, names, own)
        _check_options(where, options, own, relations, fields, problems)
        title = options.title or _title(own, key)
        resources.append(
            Resource(
                model=model,
                name=names[model],
                plural=plural,
                label=options.label or words(names[model]),
                label_plural=options.label_plural or words(plural),
                key=key,
                fields=MappingProxyType(own),
                relations=MappingProxyType(relations),
                options=options,
                title=title,
                list=tuple(options.list) or _default_list(own, title),
                search=tuple(options.search) or _default_search(own, title),
                sort=tuple(options.sort),
                version=_version(mapper),
                rules=MappingProxyType(_rules(where, model, options, problems)),
                target_keys=MappingProxyType(
                    {name: _target_key(mapper, name, fields) for name in relations}
                ),
            )
        )
    return resources


def _options(mapper: Mapper[Any]) -> ResourceOptions:
    own = getattr(mapper.class_, "__resource__", None)
    return own if isinstance(own, ResourceOptions) else ResourceOptions()


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
    for name in TITLES:
        if name in fields and fields[name].kind in TEXTUAL:
            return name
    texts = [each.name for each in fields.values() if each.kind in TEXTUAL and not each.sensitive]
    return texts[0] if texts else key[0].name


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


def _rules(
    where: str, model: type[Any], options: ResourceOptions, problems: list[str]
) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for name, rule in options.rules.items():
        try:
            condition = rule(model)
        except Exception as error:  # noqa: BLE001 - whatever a rule does wrong is reported
            problems.append(f"{where}: rule {name!r} fails: {error}")
            continue
        if not hasattr(condition, "self_group"):
            problems.append(f"{where}: rule {name!r} is not a condition")
        else:
            rules[name] = condition
    return rules


def _check_options(
    where: str,
    options: ResourceOptions,
    fields: Mapping[str, Field],
    relations: Mapping[str, Relation],
    all_fields: Mapping[type[Any], Mapping[str, Field]],
    problems: list[str],
) -> None:
    both = {**fields, **relations}
    named: tuple[tuple[str, Iterable[str], Mapping[str, Any]], ...] = (
        ("list", options.list, both),
        ("filters", options.filters, both),
        ("labels", options.labels, both),
        ("help", options.help, both),
        ("sensitive", options.sensitive, fields),
        ("sort", [each.removeprefix("-") for each in options.sort], fields),
        ("title", [options.title] if options.title else [], fields),
        ("detail", [options.detail] if options.detail else [], fields),
    )
    for option, names, known in named:
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)
                problems.append(
                    f"{where}: {option} names {name!r}, which is no field of it"
                    + (f"; did you mean {close[0]!r}?" if close else "")
                )
    problems.extend(
        f"{where}: sort names {name!r}, whose values have no order"
        for name in (each.removeprefix("-") for each in options.sort)
        if name in fields and not fields[name].sortable
    )
    for path in options.search:
        _check_search(where, path, fields, relations, all_fields, problems)
    if not 1 <= options.page_size <= options.page_limit:
        problems.append(f"{where}: page_size must be between 1 and page_limit")


def _check_search(
    where: str,
    path: str,
    fields: Mapping[str, Field],
    relations: Mapping[str, Relation],
    all_fields: Mapping[type[Any], Mapping[str, Field]],
    problems: list[str],
) -> None:
    relation, dot, name = path.partition(".")
    if not dot:
        known: Mapping[str, Field] = fields
        name = path
    elif relation in relations:
        known = all_fields[relations[relation].expression.property.mapper.class_]
    else:
        problems.append(f"{where}: search names {path!r}: {relation!r} is no relation of it")
        return
    if name not in known:
        problems.append(f"{where}: search names {path!r}, which is no field")
    elif known[name].kind not in TEXTUAL:
        problems.append(f"{where}: search names {path!r}, which is not text")
    elif known[name].sensitive:
        problems.append(f"{where}: search names {path!r}, which is sensitive")
