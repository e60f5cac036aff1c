"""What the columns of a file mean: guessed, remembered, chosen."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.datastructures import FormData

from admin_app.declaration import Field, Kind, Registry, Relation, Resource
from admin_app.desk import keep_preference
from admin_app.errors import AppError
from admin_app.panel.language import say
from admin_app.panel.layout import covered
from admin_app.panel.sent_forms import text_in
from admin_app.panel.visit import Visit
from admin_app.records.transfer import MODES, Dialect, Mode, Request, Row, Table, read_table
from admin_app.records.transfer.files import TABULAR
from admin_app.records.transfer.mapping import REPORT_COLUMNS, by_label
from admin_app.records.writes.bulk.upsert import unique_fields

SAMPLES = 3
LOOKED_AT = 200
"""Rows that are examined for the members of objects and the names of related records."""
SEPARATORS = (";", ",", "|")
KEYED = "key"
"""Stands for the key, in place of the field that names related records."""
MOST_COLUMNS = 300
_HUMP = re.compile(r"(?<=[a-z\d])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")


@dataclass(slots=True)
class Column:
    """A column of a file, and where its cells go."""

    name: str
    to: str = ""
    """A field, a relation, or ``relation:field``; empty to leave it out."""
    split: str = ""
    create: bool = False
    samples: tuple[str, ...] = ()


@dataclass(slots=True)
class Chosen:
    """Everything chosen about a file except its dialect."""

    columns: list[Column] = field(default_factory=list)
    match: str = ""
    mode: Mode = "both"
    keep: bool = False
    """Whether empty cells leave what there is."""
    trim: bool = False
    atomic: bool = False

    def request(self, resource: Resource, *, tabular: bool) -> Request:
        """The mapping in the grammar of imports."""
        fields = {}
        for each in self.columns:
            name, _, by = each.to.partition(":")
            if name:
                fields[name] = self._rule(resource, each, name, by, tabular=tabular)
        match = tuple(self.match.split(",")) if self.match else ()
        return Request(fields, match, (), self.mode)

    def _rule(
        self, resource: Resource, column: Column, name: str, by: str, *, tabular: bool
    ) -> str:
        target = resource.fields.get(name)
        steps = [column.name]
        steps += [f"split:{column.split}"] if column.split and tabular else []
        steps += [f"by:{by}"] if by and by != KEYED else []
        steps += ["create"] if by and by != KEYED and column.create else []
        whole = target is not None and target.kind is Kind.INTEGER
        steps += ["integer"] if whole and tabular else []
        steps += ["trim"] if self.trim else []
        steps += ["keep"] if self.keep else []
        return "|".join(each.replace("|", r"\|") for each in steps)

    @property
    def kept(self) -> dict[str, Any]:
        """The part of it that is remembered, as JSON data."""
        found = asdict(self)
        found["columns"] = {
            each.name: {"to": each.to, "split": each.split, "create": each.create}
            for each in self.columns
        }
        return found


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as it is read: its columns and its first rows."""

    table: Table
    columns: tuple[str, ...]
    first: tuple[Row, ...]

    @property
    def rows(self) -> Iterable[Row]:
        """All rows, once."""
        return itertools.chain(self.first, self.table.rows)


def reading(content: bytes, dialect: Dialect) -> Reading:
    """Begin to read a file; it waits, so call it in a thread. Raises what ``read_table`` does."""
    table = read_table(io.BytesIO(content), dialect)
    first = tuple(itertools.islice(table.rows, LOOKED_AT))
    columns = table.columns
    if columns is None:
        columns = tuple(dict.fromkeys(name for row in first for name in row.cells))
    return Reading(table, columns[:MOST_COLUMNS], first)


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a column may go."""

    value: str
    label: str


def choices(registry: Registry, resource: Resource) -> list[Choice]:
    """Everything that a column may mean, a relation once for each way to name its records."""
    stands_for = covered(resource)
    found = [
        Choice(name, each.label)
        for name, each in resource.fields.items()
        if _takes(each) and (name not in stands_for or not stands_for[name].writable)
    ]
    for name, relation in resource.relations.items():
        if relation.writable:
            target = registry.target(relation)
            found.append(Choice(name, say("{field} (by key)", field=relation.label)))
            found += [
                Choice(
                    f"{name}:{by}",
                    say(
                        "{field} (by {name})",
                        field=relation.label,
                        name=target.fields[by].label.lower(),
                    ),
                )
                for by in _naming(target)
            ]
    return sorted(found, key=lambda each: each.label.casefold())


def matches(resource: Resource) -> list[Choice]:
    """By which fields a record can be known: its key, what is unique, its title."""
    readable = resource.readable
    singles = [name for name, each in readable.items() if each.unique and each.sortable]
    title = [resource.title] if readable.get(resource.title) else []
    sets = [(each.name for each in resource.key), *unique_fields(resource), singles[:0]]
    names = [",".join(each) for each in sets if each]
    names += [*singles, *(name for name in title if readable[name].sortable)]
    return [
        Choice(each, ", ".join(resource.fields[name].label for name in each.split(",")))
        for each in dict.fromkeys(names)
        if each and all(name in resource.fields for name in each.split(","))
    ]


def suggested(visit: Visit, resource: Resource, found: Reading, kept: Any) -> Chosen:
    """What a file probably means: as remembered, else by the names of its columns."""
    kept = kept if isinstance(kept, dict) else {}
    before = kept.get("columns")
    before = before if isinstance(before, dict) else {}
    known = {each.value for each in choices(visit.registry, resource)}
    remembered = {name: _remembered(name, before.get(name), known) for name in found.columns}
    named = _meant(visit, resource, remembered, known)
    made = Chosen()
    taken: set[str] = set()
    for name in found.columns:
        column = remembered[name] or _guessed(visit, resource, name, named[name], found, known)
        target = column.to.partition(":")[0]
        if target in taken:
            column = Column(name)
        taken.add(target)
        column.samples = _samples(found, name)
        made.columns.append(column)
    match = [each.value for each in matches(resource)]
    given = _given(resource, made.columns)
    usual = next((each for each in match if given >= {*each.split(",")}), "")
    made.match = kept["match"] if kept.get("match") in match and before else usual
    if made.match and not given >= {*made.match.split(",")}:
        made.match = ""
    made.mode = kept.get("mode") if kept.get("mode") in MODES else "both"
    made.keep, made.trim = kept.get("keep") is True, kept.get("trim") is True
    made.atomic = kept.get("atomic") is True
    return made


def _given(resource: Resource, columns: Iterable[Column]) -> set[str]:
    names = {each.to.partition(":")[0] for each in columns if each.to}
    relations = (resource.relations[name] for name in names if name in resource.relations)
    return {*names, *(field for each in relations for field in each.fields)}


def _remembered(name: str, kept: Any, known: set[str]) -> Column | None:
    if not isinstance(kept, dict) or (kept.get("to") and kept.get("to") not in known):
        return None
    split = kept.get("split")
    return Column(
        name,
        str(kept.get("to") or ""),
        split if split in SEPARATORS else "",
        kept.get("create") is True,
    )


def _guessed(
    visit: Visit, resource: Resource, name: str, to: str, found: Reading, known: set[str]
) -> Column:
    relation = resource.relations.get(to)
    if relation is not None and relation.writable:
        return _guessed_relation(visit, name, relation, found)
    return Column(name, to if to in known else "")


def _meant(
    visit: Visit, resource: Resource, columns: Mapping[str, Column | None], known: Iterable[str]
) -> dict[str, str]:
    """The field or relation that each column is called like, or else has the name of in its own.

    The latter only where one alone of those ``known`` fits, and nothing else goes there.
    """
    stands_for = covered(resource)

    def target(name: str) -> str:
        relation = stands_for.get(name)
        usable = relation is not None and relation.writable and len(relation.fields) == 1
        return relation.name if relation is not None and usable else name

    found = {
        name: "" if name in REPORT_COLUMNS else target(_named(visit, resource, name.strip()))
        for name in columns
    }
    taken = {*found.values(), *(each.to.partition(":")[0] for each in columns.values() if each)}
    keys = {each.name for each in resource.key}
    phrases = [
        (name, f" {words} ")
        for name in {each.partition(":")[0] for each in known} - keys
        for text in (name, (resource.fields.get(name) or resource.relations[name]).label)
        if (words := _words(text))
    ]
    likely: dict[str, list[str]] = {}
    for name, to in found.items():
        if to or columns[name] is not None or name in REPORT_COLUMNS:
            continue
        fitting = {to for to, phrase in phrases if phrase in f" {_words(name)} "}
        if len(fitting) == 1 and taken.isdisjoint(fitting):
            likely.setdefault(fitting.pop(), []).append(name)
    return found | {names[0]: to for to, names in likely.items() if len(names) == 1}


def _words(text: str) -> str:
    return " ".join(_WORD.findall(_HUMP.sub(" ", text))).casefold()


def _named(visit: Visit, resource: Resource, wanted: str) -> str:
    """What a column is the name or the label of, in the reader's language or as declared."""
    names = {*resource.fields, *resource.relations}
    if wanted in names:
        return wanted
    declared = by_label(visit.records.registry[resource.name])
    labels = {each.casefold().replace("_", " "): each for each in names}
    labels |= {label: each for label, each in declared.items() if each in names}
    labels |= by_label(resource)
    text = wanted.casefold()
    return labels.get(text) or labels.get(text.replace("_", " "), "")


def _guessed_relation(visit: Visit, name: str, relation: Relation, found: Reading) -> Column:
    """By key where all cells can be keys, else by what the records are called."""
    target = visit.registry.target(relation)
    texts = [row.cells.get(name) for row in found.first if row.cells.get(name)]
    split = _separator(texts) if relation.many else ""
    parts = [
        part.strip()
        for each in texts
        if isinstance(each, str)
        for part in (each.split(split) if split else [each])
    ]
    keyed = all(target.key_or_none(each) is not None for each in parts if each)
    naming = _naming(target)
    if keyed or not naming:
        return Column(name, relation.name)  # An export's own way to write keys needs no steps.
    return Column(name, f"{relation.name}:{naming[0]}", split)


def _separator(texts: Sequence[Any]) -> str:
    found = {
        each: sum(each in text for text in texts if isinstance(text, str)) for each in SEPARATORS
    }
    return max(SEPARATORS, key=found.__getitem__)


def _naming(target: Resource) -> list[str]:
    """The fields by which people name a record: its title, and what is unique."""
    names = [target.title, *(name for name, each in target.readable.items() if each.unique)]
    return [
        name
        for name in dict.fromkeys(names)
        if name in target.readable and target.readable[name].sortable
    ]


def _takes(each: Field) -> bool:
    return each.creatable or each.updatable or each.primary_key


def _samples(found: Reading, name: str) -> tuple[str, ...]:
    cells = (row.cells.get(name) for row in found.first)
    texts = (str(each) for each in cells if each is not None and each != "")
    return tuple(itertools.islice((each[:60] for each in dict.fromkeys(texts)), SAMPLES))


def read_mapping(form: FormData, found: Reading) -> Chosen:
    """The mapping that a form sends."""
    made = Chosen(
        match=text_in(form, "match"),
        keep=text_in(form, "keep") == "1",
        trim=text_in(form, "trim") == "1",
        atomic=text_in(form, "atomic") == "1",
    )
    mode = text_in(form, "mode")
    made.mode = mode if mode in MODES else "both"
    for place, name in enumerate(found.columns):
        split = text_in(form, f"split-{place}")
        made.columns.append(
            Column(
                name,
                text_in(form, f"to-{place}"),
                split if split in SEPARATORS else "",
                text_in(form, f"create-{place}") == "1",
                _samples(found, name),
            )
        )
    return made


def mapping_of(kept: Any, found: Reading) -> Chosen:
    """The mapping that was kept of a file."""
    columns = kept["columns"]
    return Chosen(
        [Column(name, **columns[name], samples=_samples(found, name)) for name in found.columns],
        **{name: kept[name] for name in ("match", "mode", "keep", "trim", "atomic")},
    )


async def remember(visit: Visit, resource: Resource, made: Chosen) -> None:
    """Remember a mapping for the next file, where there is room for it."""
    try:
        await keep_preference(
            visit.request.state.database, visit.actor, f"import:{resource.name}", made.kept
        )
    except AppError:
        return


def dialect_of(kept: Mapping[str, Any]) -> Dialect:
    """How a file is read, as it was kept."""
    return Dialect(**kept)


def tabular(dialect: Dialect) -> bool:
    """Whether cells are text, whatever they stand for."""
    return dialect.format in TABULAR
