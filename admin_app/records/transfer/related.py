"""Related records, as the rows of a file name them: found by that, or created."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from admin_app.declaration import Field, Key, Registry, Relation, Resource
from admin_app.declaration.schemas import INVALID
from admin_app.errors import AppError, FieldError, InvalidInputError
from admin_app.records.transfer.mapping import Plan, Rule
from admin_app.records.transfer.values import Prepared, referring
from admin_app.records.writes.writer import Writer

Place = tuple[str, str]
"""A resource and the field by which its records are named in the file."""


class Related:
    """The related records of one transaction's rows."""

    def __init__(self, writer: Writer, registry: Registry, plan: Plan) -> None:
        self._writer = writer
        self._registry = registry
        self._natural = [(rule, rule.by) for rule in plan.rules if rule.by is not None]
        self._known: dict[Place, dict[Any, list[Key]]] = {}
        self.made: dict[tuple[str, str], str] = {}
        """What the file calls those that were created, by resource and key."""

    @contextmanager
    def undone_with(self) -> Iterator[None]:
        """Forget those created inside when it raises, as their creation is undone."""
        known, made = {place: dict(keys) for place, keys in self._known.items()}, dict(self.made)
        try:
            yield
        except BaseException:
            self._known, self.made = known, made
            raise

    async def look_up(self, rows: Sequence[Prepared]) -> None:
        """Ask once for all rows which there are."""
        for rule, by in self._natural:
            known = self._known.setdefault(self._place(rule, by), {})
            wanted = [(each,) for each in _named(rule, rows) if each not in known]
            target = self._target(rule)
            found = await self._writer.find(target, [by], wanted, sets=False)
            for (value,), records in found.items():
                known[value] = [target.key_of(each) for each in records]

    async def create(self, rows: Sequence[Prepared]) -> None:
        """Create those that there are none of, where the plan says so.

        Raises ``InvalidInputError``.
        """
        for rule, by in self._natural:
            if not rule.create:
                continue
            target = self._target(rule)
            known = self._known[self._place(rule, by)]
            missing = [each for each in _named(rule, rows) if each not in known]
            new = [{by.name: target.wire(by.name, each)} for each in missing]
            try:
                made = await self._writer.create_all(target, new) if new else []
            except AppError as error:
                named = ", ".join(repr(each[by.name]) for each in new)
                reasons = " ".join(each.detail for each in error.errors) or error.detail
                raise _refused(rule, f"{named} cannot be created. {reasons}") from error
            known.update(zip(missing, ([each.key] for each in made), strict=True))
            for value, each in zip(missing, made, strict=True):
                self.made[target.name, target.key_text(each.key)] = str(value)

    def data_of(self, row: Prepared, *, missing: bool = True) -> dict[str, Any]:
        """The row's data, its related records by their keys.

        Raises ``InvalidInputError`` for those there are none or several of, unless they are to be
        passed over (``missing`` false).
        """
        errors = self.unclear(row) if missing else []
        if errors:
            raise InvalidInputError(INVALID, errors=errors)
        data = dict(row.data)
        for rule, by in self._natural:
            values = row.related.get(rule.target.name)
            if values is None:
                continue
            known = self._known[self._place(rule, by)]
            keys = [known[each][0] for each in values if each in known]
            data.update(referring(_relation(rule), self._target(rule), keys))
        return data

    def unclear(self, row: Prepared) -> list[FieldError]:
        """Those there are none of, nor will be, or several."""
        errors: list[FieldError] = []
        for rule, by in self._natural:
            known, target = self._known[self._place(rule, by)], self._target(rule)
            label_, many = target.label.lower(), target.label_plural.lower()
            label = by.label.lower()
            for value in row.related.get(rule.target.name, ()):
                count, told = len(known.get(value, ())), target.wire(by.name, value)
                if count == 1 or (count == 0 and rule.create):
                    continue
                words = f"There are {count} {many} whose {label} is {told!r}."
                if count == 0:
                    words = f"There is no {label_} whose {label} is {told!r}."
                errors.append(FieldError((rule.target.name,), "related", words))
        return errors

    def _target(self, rule: Rule) -> Resource:
        return self._registry.target(_relation(rule))

    def _place(self, rule: Rule, by: Field) -> Place:
        return self._target(rule).name, by.name


def _named(rule: Rule, rows: Sequence[Prepared]) -> list[Any]:
    """The values by which rows name related records, none twice."""
    values = (each for row in rows for each in row.related.get(rule.target.name, ()))
    return list(dict.fromkeys(values))


def _relation(rule: Rule) -> Relation:
    if not isinstance(rule.target, Relation):
        raise TypeError(rule)  # the mapping has been checked
    return rule.target


def _refused(rule: Rule, detail: str) -> InvalidInputError:
    return InvalidInputError.about((rule.target.name,), "related", detail)
