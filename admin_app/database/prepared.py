"""Prepared statements: compiled once, with the conversions of their values chosen beforehand.

Between a statement and its rows SQLAlchemy repeats, at every run, work that depends on the
statement alone. Here it is done once, for one dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Table, UpdateBase
from sqlalchemy.sql.visitors import iterate

Row = Sequence[Any]
_Convert = Callable[[Any], Any]
VALUE_ERRORS = (ValueError, TypeError, ArithmeticError)
"""What a column type raises for a value that it does not take or know."""
_LENGTHY = (" LIKE ", " GLOB ", " REGEXP ", " MATCH ")
"""Comparisons whose time depends on their text and pattern."""
_TOGETHER = (64, 8, 1)
"""Rows that one INSERT writes: few forms of it, whatever their number, for SQLite to keep."""
_MOST = 32_766
"""The most binds of a statement of SQLite."""


class Prepared:
    """A compiled statement whose values are named binds.

    A bind with a fixed value keeps it; one with a ``callable_`` is evaluated at each run, as the
    binds of rules are, and so is the default of a column that is not given. The other values are
    passed to ``arguments``. ``names`` are the columns that an INSERT or UPDATE is given.

    Raises ``ValueError`` for a statement that has to be compiled for its values, such as one with
    an expanding IN, and for a default that depends on the other values written.
    """

    def __init__(
        self,
        statement: Any,
        dialect: Dialect,
        *,
        names: Sequence[str] | None = None,
        lengthy: bool = False,
    ) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=names)
        if compiled.post_compile_params or compiled.literal_execute_params:
            msg = "a prepared statement has one form, whatever its values"
            raise ValueError(msg)
        self.statement = statement
        self.sql = str(compiled)
        self.lengthy = lengthy or any(each in self.sql for each in _LENGTHY)
        """Whether a single instruction of SQLite, which nothing interrupts, may take long."""
        self.writes = written_to(statement)
        """The tables that it writes to."""
        self._dialect = dialect
        # A new row's key is asked for by SQLAlchemy, whether its statement says so or not.
        answered = compiled.effective_returning if statement.is_dml else statement.selected_columns
        self._types = [each.type for each in answered or ()]
        defaults = _defaults(compiled)
        self._binds = [
            _bind(bind, dialect, compiled.bind_names[bind], defaults.get(name))
            for name in compiled.positiontup or ()
            for bind in (compiled.binds[name],)
        ]
        self._results: list[tuple[int, _Convert]] | None = None
        marks = f"({', '.join('?' * len(self._binds))})"
        self._forms = (
            [(each, ", ".join([self.sql, *[marks] * (each - 1)])) for each in _TOGETHER]
            if self._binds and self.sql.endswith(f" VALUES {marks}")
            else [(1, self.sql)]
        )

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The driver's positional arguments."""
        return [values[name] if make is None else make(values) for name, make, _ in self._binds]

    def argument_rows(self, columns: Mapping[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The arguments of many runs; ``columns`` holds every value of the statement by name."""
        made = []
        for name, _, convert in self._binds:
            values = columns[name]
            made.append(values if convert is None else [*map(convert, values)])
        return [*zip(*made, strict=True)]

    def joined(
        self, rows: Sequence[Sequence[Any]]
    ) -> Iterator[tuple[str, Sequence[Sequence[Any]]]]:
        """Statements of SQLite, and the arguments of their runs, that do it for ``rows`` in turn.

        An INSERT of many rows takes half as long as one for each of them.
        """
        start = 0
        for many, sql in self._forms:
            end = len(rows) - (len(rows) - start) % many
            if many == 1:
                yield sql, rows[start:]
            elif start < end and many * len(self._binds) <= _MOST:
                portions = (rows[place : place + many] for place in range(start, end, many))
                yield sql, [[*chain.from_iterable(portion)] for portion in portions]
                start = end

    @property
    def answers(self) -> bool:
        """Whether there are rows to be read."""
        return bool(self._types)

    @property
    def described(self) -> bool:
        """Whether ``describe`` has been called."""
        return self._results is not None

    def describe(self, codes: Sequence[Any]) -> None:
        """Choose how result values are converted, by the driver's type code of each column."""
        found = (
            each.dialect_impl(self._dialect).result_processor(self._dialect, code)
            for each, code in zip(self._types, codes, strict=True)
        )
        self._results = [(place, each) for place, each in enumerate(found) if each is not None]

    def read(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The driver's rows, converted as SQLAlchemy would."""
        if not self._results:
            return rows
        made = [list(row) for row in rows]
        for place, convert in self._results:
            for row in made:
                row[place] = convert(row[place])
        return made


def written_to(statement: Any) -> frozenset[str]:
    """The tables that a statement writes to."""
    return frozenset(
        each.table.name
        for each in iterate(statement)
        if isinstance(each, UpdateBase) and isinstance(each.table, Table)
    )


def _defaults(compiled: Any) -> dict[str, Callable[[], Any]]:
    """By bind name, what computes the default of each column that is not given.

    Raises ``ValueError`` for a default that only SQLAlchemy can compute.
    """
    found: dict[str, Callable[[], Any]] = {}
    for columns, kind in (
        (compiled.insert_prefetch, "default"),
        (compiled.update_prefetch, "onupdate"),
    ):
        for column in columns:
            found[column.key] = asked(getattr(column, kind))
    return found


def asked(default: Any) -> Callable[[], Any]:
    """The function that computes a column's default for one row.

    Raises ``ValueError`` for a default that only SQLAlchemy can compute.
    """
    if default.is_scalar:
        value = default.arg
        return lambda: value
    # Wrapped by SQLAlchemy where it is told nothing of what is written.
    if default.is_callable and hasattr(default.arg, "__wrapped__"):
        ask: Callable[[Any], Any] = default.arg
        return lambda: ask(None)
    msg = "a default that SQLAlchemy alone can ask for"
    raise ValueError(msg)


class _Bind(NamedTuple):
    """How one argument of the driver is made."""

    name: str
    make: Callable[[Mapping[str, Any]], Any] | None
    """Makes it from all values; ``None`` where it is the value of that name."""
    convert: _Convert | None
    """Converts the value of that name."""


def _bind(bind: Any, dialect: Dialect, name: str, default: Callable[[], Any] | None) -> _Bind:
    convert: _Convert | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
    ask: Callable[[], Any] | None = default or bind.callable
    if ask is None and bind.required:
        make = None if convert is None else lambda values: convert(values[name])
        return _Bind(name, make, convert)
    if ask is None:
        fixed = bind.value if convert is None else convert(bind.value)
        return _Bind(name, lambda _: fixed, convert)
    return _Bind(name, lambda _: ask() if convert is None else convert(ask()), convert)
