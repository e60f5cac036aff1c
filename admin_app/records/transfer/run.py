"""One transaction of an import: the rows of a chunk, all at once or one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from admin_app.declaration import Field, Key, Registry
from admin_app.declaration.schemas import INVALID
from admin_app.errors import AppError, FieldError, ForbiddenError, InvalidInputError
from admin_app.records.reads.reader import Values
from admin_app.records.reads.representation import Representation
from admin_app.records.transfer.files import Row
from admin_app.records.transfer.mapping import Plan
from admin_app.records.transfer.related import Related
from admin_app.records.transfer.values import Prepared, typed
from admin_app.records.writes.updates import Edit, is_same
from admin_app.records.writes.writer import Writer

Result = Literal["created", "changed", "unchanged"]


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
    made: dict[tuple[str, str], str] = field(default_factory=dict)
    """What the file calls the related records that were created, by resource and key.

    It is of one transaction: what is only tried leaves its keys to the next.
    """

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
        self._related = Related(writer, registry, plan)
        self._existing: dict[Key, list[Values]] = {}
        self.seen: dict[Key, int] = {}
        self.outcome = Outcome()

    async def together(self, rows: Sequence[Prepared]) -> None:
        """Write all rows with few statements.

        Raises ``RowFailedError`` when one of them cannot be written: then none may stay.
        """
        try:
            await self._look_up(rows)
            await self._related.create(rows)
            new, old = [], []
            for row in rows:
                data = self._related.data_of(row)
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
        self.outcome.made = self._related.made

    async def one_by_one(self, rows: Sequence[Prepared]) -> None:
        """Write row after row; of one that fails nothing stays but the reason."""
        await self._look_up(rows)
        for row in rows:
            seen = dict(self.seen)
            try:
                with self._related.undone_with():
                    async with self._writer.savepoint():
                        done = await self._row(row)
            except AppError as error:
                self._refuse(row, error)
                self.seen = seen
            else:
                self.outcome.take(done)
        self.outcome.made = self._related.made

    async def refuse(self, rows: Sequence[Prepared]) -> None:
        """Refuse rows with cells that cannot be read, for those and for what else is wrong."""
        await self._look_up(rows)
        for row in rows:
            seen = dict(self.seen)
            self._refuse(row, InvalidInputError(INVALID, errors=row.errors))
            self.seen = seen

    def _refuse(self, row: Prepared, error: AppError) -> None:
        """Note a failure; where it is a mistake of the row, with the others that there are."""
        if isinstance(error, InvalidInputError):
            errors = list(errors_of(error))
            errors += self._others(errors, self._related.unclear(row))
            errors += self._others(errors, self._invalid(row))
            error = InvalidInputError(INVALID, errors=errors)
        self.outcome.failures.append(failure(row.row, error))

    def _others(self, told: Sequence[FieldError], found: Sequence[FieldError]) -> list[FieldError]:
        """Those of which nothing has been told."""
        names = self._filled_by(str(each.path[0]) for each in told if each.path)
        return [each for each in found if each not in told and names.isdisjoint(each.path[:1])]

    def _filled_by(self, names: Iterable[str]) -> set[str]:
        return {given for name in names for given in self._plan.filled_by(name)}

    def _invalid(self, row: Prepared) -> list[FieldError]:
        """What is wrong with the values that are known before the row is written."""
        data, found = self._related.data_of(row, missing=False), list[FieldError]()
        before = None
        try:
            before = self._find(row, data)
        except InvalidInputError as error:
            found += errors_of(error)
        try:
            if before is None:
                self._writer.seen(self._resource, "create").create.parse(self._creatable(data))
            else:
                seen = self._writer.seen(self._resource, "update")
                seen.update.parse(self._updatable(before, data))
        except ForbiddenError:
            return []  # What fields there are is told to those who may write them.
        except AppError as error:
            # Only what is known to be a new record has to be complete.
            wrong = [each for each in errors_of(error) if not found or each.code != "required"]
            found += self._others(found, wrong)
        related = self._filled_by(row.related)
        return [each for each in found if related.isdisjoint(each.path[:1])]

    async def _row(self, row: Prepared) -> Done:
        await self._related.create([row])
        data = self._related.data_of(row)
        before = self._find(row, data)
        if before is not None:
            return await self._update(_Meant(row, before, self._updatable(before, data)))
        data = self._creatable(data)
        made = await self._writer.create(self._resource, data)
        return Done(row.row, "created", made.key, (*data,), None, made.values)

    async def _look_up(self, rows: Sequence[Prepared]) -> None:
        """Ask once for all rows: which related records there are, and which of their own."""
        await self._related.look_up(rows)
        identities: dict[Key | None, None] = {}
        for row in rows:
            try:
                identities[self._identity(self._related.data_of(row, missing=False))] = None
            except AppError:
                continue  # told of when the row's turn comes
        wanted_records = [each for each in identities if each is not None]
        if wanted_records:
            self._existing = await self._writer.find(
                self._resource, self._plan.match, wanted_records, sets=True
            )

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
                raise InvalidInputError.about((name,), "fixed", detail)
        return new

    async def _update_all(self, old: Sequence[_Meant]) -> list[Done]:
        """Update records, all with the statements that one would take where that can be done."""
        same = [self._same(each) for each in old]
        done = [self._unchanged(each) for each, is_so in zip(old, same, strict=True) if is_so]
        differing = [each for each, is_so in zip(old, same, strict=True) if not is_so]
        edits = [Edit(self._resource.key_of(each.before), each.new) for each in differing]
        made = await self._writer.update_all(self._resource, edits) if len(edits) > 1 else None
        if made is None:
            return [*done, *[await self._update(each) for each in differing]]
        return [*done, *map(self._changed, differing, made)]

    async def _update(self, meant: _Meant) -> Done:
        if self._same(meant):
            return self._unchanged(meant)
        key = self._resource.key_of(meant.before)
        return self._changed(meant, await self._writer.update(self._resource, key, meant.new))

    def _same(self, meant: _Meant) -> bool:
        return is_same(self._registry, self._resource, meant.before, meant.new)

    def _unchanged(self, meant: _Meant) -> Done:
        key, given, before = self._resource.key_of(meant.before), (*meant.new,), meant.before
        return Done(meant.row.row, "unchanged", key, given, before, before)

    def _changed(self, meant: _Meant, made: Representation) -> Done:
        key, given = self._resource.key_of(meant.before), (*meant.new,)
        return Done(meant.row.row, "changed", key, given, meant.before, made.values)


def _typed_at(each: Field, data: Any) -> Any:
    try:
        return typed(each.shape, data)
    except InvalidInputError as error:
        errors = [FieldError((each.name,), "invalid", error.detail)]
        raise InvalidInputError(error.detail, errors=errors) from error


def failure(row: Row, error: AppError) -> Failure:
    """A row that was refused."""
    return Failure(row, reasons_of(error), errors_of(error))


def errors_of(error: AppError) -> tuple[FieldError, ...]:
    """What a refusal says, of the whole row where it names no field."""
    return error.errors or (FieldError((), error.code, error.detail),)


def reasons_of(error: AppError) -> tuple[str, ...]:
    """What a refusal says, one sentence for each field."""
    return tuple(
        f"{each.path[0]}: {each.detail}" if each.path else each.detail for each in error.errors
    ) or (error.detail,)
