"""One transaction of an import: the rows of a chunk, all at once or one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from admin_app.declaration import Field, Key, Registry, Relation, Resource
from admin_app.errors import AppError, FieldError, InvalidInputError
from admin_app.records.reads.reader import Values
from admin_app.records.reads.record import Record
from admin_app.records.transfer.files import Row
from admin_app.records.transfer.mapping import Plan, Rule
from admin_app.records.transfer.values import Prepared, referring, typed
from admin_app.records.writes.bulk.updates import Edit
from admin_app.records.writes.writer import Writer

Result = Literal["created", "changed", "unchanged"]
Place = tuple[str, str]
"""A resource and the field by which its records are named in the file."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that was not taken, and why, one sentence for each field."""

    row: Row
    reasons: tuple[str, ...]
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A row that was taken."""

    row: Row
    result: Result
    key: Key
    given: tuple[str, ...]
    """The fields and sets that it speaks of."""
    before: Values | None
    """Of a record that was there."""
    after: Values


@dataclass(slots=True)
class Outcome:
    """The outcome of some rows."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    failures: list[Failure] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)

    def take(self, done: Done) -> None:
        """Count the outcome of one row."""
        setattr(self, done.result, getattr(self, done.result) + 1)
        self.done.append(done)

    def add(self, other: Outcome) -> None:
        """Add another outcome."""
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.failures += other.failures
        self.done += other.done

    @property
    def rows(self) -> int:
        return self.created + self.changed + self.unchanged + len(self.failures)


@dataclass(frozen=True, slots=True)
class _Meant:
    """A row that is about a record that is there."""

    row: Prepared
    before: Values
    new: dict[str, Any]


class RowFailedError(Exception):
    """A row failed where none can be undone by itself."""


class Run:
    """Imports rows in one transaction; ``seen``: the lines that records were taken from."""

    def __init__(
        self, writer: Writer, registry: Registry, plan: Plan, seen_before: Mapping[Key, int]
    ) -> None:
        self._writer = writer
        self._registry = registry
        self._plan = plan
        self._resource = plan.resource
        self._seen_before = seen_before
        self._known: dict[Place, dict[Any, list[Key]]] = {}
        self._existing: dict[Key, list[Values]] = {}
        self._sets = plan.resource.sets.keys()
        self._natural = [(rule, rule.by) for rule in plan.rules if rule.by is not None]
        self.seen: dict[Key, int] = {}
        self.outcome = Outcome()

    async def together(self, rows: Sequence[Prepared]) -> None:
        """Write all rows with few statements.

        Raises ``RowFailedError`` when one of them cannot be written: then none may stay.
        """
        try:
            await self._look_up(rows)
            await self._create_related(rows)
            new, old = [], []
            for row in rows:
                data = self._data(row)
                before = self._find(row, data)
                if before is None:
                    new.append((row, self._creatable(data)))
                else:
                    old.append(_Meant(row, before, self._updatable(before, data)))
            for done in await self._update_all(old):
                self.outcome.take(done)
            made = await self._writer.create_all(self._resource, [data for _, data in new])
            for (row, data), each in zip(new, made, strict=True):
                self.outcome.take(Done(row.row, "created", each.key, (*data,), None, each.values))
        except AppError as error:
            raise RowFailedError from error

    async def one_by_one(self, rows: Sequence[Prepared]) -> None:
        """Write row after row; of one that fails nothing stays but the reason."""
        await self._look_up(rows)
        for row in rows:
            known = {place: dict(keys) for place, keys in self._known.items()}
            seen = dict(self.seen)
            try:
                async with self._writer.savepoint():
                    done = await self._row(row)
            except AppError as error:
                self._known, self.seen = known, seen
                self.outcome.failures.append(failure(row.row, error))
            else:
                self.outcome.take(done)

    async def _row(self, row: Prepared) -> Done:
        await self._create_related([row])
        data = self._data(row)
        before = self._find(row, data)
        if before is not None:
            return await self._update(_Meant(row, before, self._updatable(before, data)))
        data = self._creatable(data)
        made = await self._writer.create(self._resource, data)
        return Done(row.row, "created", made.key, (*data,), None, made.values)

    async def _look_up(self, rows: Sequence[Prepared]) -> None:
        """Ask once for all rows: which related records there are, and which of their own."""
        for rule, by in self._natural:
            known = self._known.setdefault(self._place(rule, by), {})
            wanted = [(each,) for each in self._named(rule, rows) if each not in known]
            target = self._target(rule)
            found = await self._writer.find(target, [by], wanted, sets=False)
            for (value,), records in found.items():
                known[value] = [target.key_of(each) for each in records]
        identities: dict[Key | None, None] = {}
        for row in rows:
            try:
                identities[self._identity(self._data(row, missing=False))] = None
            except AppError:
                continue  # told of when the row's turn comes
        wanted_records = [each for each in identities if each is not None]
        if wanted_records:
            self._existing = await self._writer.find(
                self._resource, self._plan.match, wanted_records, sets=True
            )

    async def _create_related(self, rows: Sequence[Prepared]) -> None:
        for rule, by in self._natural:
            if not rule.create:
                continue
            target = self._target(rule)
            known = self._known[self._place(rule, by)]
            missing = [each for each in self._named(rule, rows) if each not in known]
            new = [{by.name: target.wire(by.name, each)} for each in missing]
            try:
                made = await self._writer.create_all(target, new) if new else []
            except AppError as error:
                named = ", ".join(repr(each[by.name]) for each in new)
                reasons = " ".join(each.detail for each in error.errors) or error.detail
                raise _refused(rule, f"{named} cannot be created. {reasons}") from error
            known.update(zip(missing, ([each.key] for each in made), strict=True))

    def _data(self, row: Prepared, *, missing: bool = True) -> dict[str, Any]:
        """The row's data, its related records by their keys.

        Raises ``InvalidInputError`` for those there are none or several of, unless they are to be
        passed over (``missing`` false).
        """
        data = dict(row.data)
        for rule, by in self._natural:
            values = row.related.get(rule.target.name)
            if values is None:
                continue
            known = self._known[self._place(rule, by)]
            if missing:
                self._refuse_unclear(rule, by, known, values)
            keys = [known[each][0] for each in values if each in known]
            data.update(referring(_relation(rule), self._target(rule), keys))
        return data

    def _refuse_unclear(
        self, rule: Rule, by: Field, known: Mapping[Any, Sequence[Key]], values: Sequence[Any]
    ) -> None:
        target = self._target(rule)
        for value in values:
            count, label = len(known.get(value, ())), by.label.lower()
            told = target.wire(by.name, value)
            if count == 0:
                label_ = target.label.lower()
                raise _refused(rule, f"There is no {label_} whose {label} is {told!r}.")
            if count > 1:
                many = target.label_plural.lower()
                raise _refused(rule, f"There are {count} {many} whose {label} is {told!r}.")

    def _find(self, row: Prepared, data: Mapping[str, Any]) -> Values | None:
        """The record that the row is about; none for a new one."""
        identity = self._identity(data)
        if identity is None:
            if self._plan.mode == "update":
                raise InvalidInputError("It does not say which record is meant.")
            return None
        line = self.seen.get(identity) or self._seen_before.get(identity)
        labels = ", ".join(each.label.lower() for each in self._plan.match)
        if line not in {None, row.row.line}:
            raise InvalidInputError(f"Line {line} is about the same record ({labels}).")
        found = self._existing.get(identity, [])
        if len(found) > 1:
            many = self._resource.label_plural.lower()
            raise InvalidInputError(f"There are {len(found)} such {many} ({labels}).")
        if found and self._plan.mode == "create":
            raise InvalidInputError(f"There is such a record already ({labels}).")
        if not found and self._plan.mode == "update":
            raise InvalidInputError(self._resource.absent)
        if not found and not all(each.creatable for each in self._plan.match):
            msg = f"{self._resource.absent} The number of a new one cannot be chosen."
            raise InvalidInputError(msg)
        self.seen[identity] = row.row.line
        return found[0] if found else None

    def _identity(self, data: Mapping[str, Any]) -> Key | None:
        """Which record the data is about; none for a new one whose number is not known yet."""
        match = self._plan.match
        missing = [each for each in match if data.get(each.name) is None]
        if any(each.creatable for each in missing):
            detail = "A value is needed: it says which record is meant."
            errors = [FieldError((each.name,), "required", detail) for each in missing]
            raise InvalidInputError(detail, errors=errors)
        if missing or not match:
            return None
        return tuple(_typed_at(each, data[each.name]) for each in match)

    def _creatable(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data without what nobody gives; what only others may give is refused by the write."""
        fields = self._resource.fields
        return {
            name: value
            for name, value in data.items()
            if name not in fields
            or fields[name].creatable
            or (fields[name].withheld and value is not None)
        }

    def _updatable(self, before: Values, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data without the key, which says the same as the record's."""
        fields = self._resource.fields
        new = {}
        for name, value in data.items():
            if name not in fields or fields[name].updatable:
                new[name] = value
            elif typed(fields[name].shape, value) != before[name]:
                detail = "It cannot be changed: it is the record's key."
                raise InvalidInputError(detail, errors=[FieldError((name,), "fixed", detail)])
        return new

    async def _update_all(self, old: Sequence[_Meant]) -> list[Done]:
        """Update records together, where that can be done: sets are written record by record."""
        done = [self._unchanged(each) for each in old if self._same(each)]
        differing = [each for each in old if not self._same(each)]
        changes = [self._changes(each) for each in differing]
        plain = [index for index, each in enumerate(changes) if not each.keys() & self._sets]
        edits = [
            Edit(self._resource.key_of(differing[each].before), changes[each]) for each in plain
        ]
        made = await self._writer.update_all(self._resource, edits) if len(edits) > 1 else None
        together = dict(zip(plain, made, strict=True)) if made is not None else {}
        for index, each in enumerate(differing):
            record = together.get(index)
            done.append(self._changed(each, record) if record else await self._update(each))
        return done

    def _changes(self, meant: _Meant) -> dict[str, Any]:
        """The data without the sets that it says nothing new of."""
        return {
            name: value
            for name, value in meant.new.items()
            if name not in self._sets
            or not self._writer.same(self._resource, meant.before, {name: value})
        }

    async def _update(self, meant: _Meant) -> Done:
        if self._same(meant):
            return self._unchanged(meant)
        key = self._resource.key_of(meant.before)
        return self._changed(meant, await self._writer.update(self._resource, key, meant.new))

    def _same(self, meant: _Meant) -> bool:
        return self._writer.same(self._resource, meant.before, meant.new)

    def _unchanged(self, meant: _Meant) -> Done:
        key, given, before = self._resource.key_of(meant.before), (*meant.new,), meant.before
        return Done(meant.row.row, "unchanged", key, given, before, before)

    def _changed(self, meant: _Meant, made: Record) -> Done:
        key, given = self._resource.key_of(meant.before), (*meant.new,)
        return Done(meant.row.row, "changed", key, given, meant.before, made.values)

    def _named(self, rule: Rule, rows: Sequence[Prepared]) -> list[Any]:
        """The values by which the rows name related records, none twice."""
        values = (each for row in rows for each in row.related.get(rule.target.name, ()))
        return list(dict.fromkeys(values))

    def _target(self, rule: Rule) -> Resource:
        return self._registry.target(_relation(rule))

    def _place(self, rule: Rule, by: Field) -> Place:
        return self._target(rule).name, by.name


def _relation(rule: Rule) -> Relation:
    if not isinstance(rule.target, Relation):
        raise TypeError(rule)  # the mapping has been checked
    return rule.target


def _typed_at(each: Field, data: Any) -> Any:
    try:
        return typed(each.shape, data)
    except InvalidInputError as error:
        errors = [FieldError((each.name,), "invalid", error.detail)]
        raise InvalidInputError(error.detail, errors=errors) from error


def _refused(rule: Rule, detail: str) -> InvalidInputError:
    return InvalidInputError(detail, errors=[FieldError((rule.target.name,), "related", detail)])


def failure(row: Row, error: AppError) -> Failure:
    """A row that was refused."""
    errors = error.errors or (FieldError((), error.code, error.detail),)
    return Failure(row, reasons_of(error), errors)


def reasons_of(error: AppError) -> tuple[str, ...]:
    """What a refusal says, one sentence for each field."""
    return tuple(
        f"{each.path[0]}: {each.detail}" if each.path else each.detail for each in error.errors
    ) or (error.detail,)
