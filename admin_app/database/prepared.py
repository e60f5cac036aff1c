"""A statement that is made once and run often: compiled, its values' conversions chosen beforehand.

Between a statement and its rows SQLAlchemy does much that depends on the statement alone, every
time it runs. Here that is done once, for one dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Table, UpdateBase
from sqlalchemy.sql.visitors import iterate

Row = Sequence[Any]
_Convert = Callable[[Any], Any]
VALUE_ERRORS = (ValueError, TypeError, ArithmeticError)
"""What a type says of a value that it does not take, or does not know."""
_LENGTHY = (" LIKE ", " GLOB ", " REGEXP ", " MATCH ")
"""Comparisons that take as long as their text and their pattern make them."""


class Prepared:
    """A statement whose values are named binds; of one that writes, ``names`` are its columns'.

    A bind with a value of its own has that one in every run; one with a ``callable_`` is asked for
    its value each time, as rules ask who acts, and so is the default of a column that is not
    given. The others are given to ``arguments``.

    Raises ``ValueError`` for a statement that is compiled anew for its values, as one with an
    expanding IN is, and for a default that is told what else is written.
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
        """Whether it may do much in one instruction of SQLite's, which nothing interrupts."""
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

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """What the driver is given, in order."""
        return [values[name] if make is None else make(values) for name, make, _ in self._binds]

    def argument_rows(self, columns: Mapping[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The same for many runs; all the statement's values are given, by their names."""
        made = []
        for name, _, convert in self._binds:
            values = columns[name]
            made.append(values if convert is None else [*map(convert, values)])
        return [*zip(*made, strict=True)]

    @property
    def answers(self) -> bool:
        """Whether there are rows to be read."""
        return bool(self._types)

    @property
    def described(self) -> bool:
        """Whether ``describe`` has been told what the driver answers."""
        return self._results is not None

    def describe(self, codes: Sequence[Any]) -> None:
        """Choose how values are read, by the driver's code of each column's type."""
        found = (
            each.dialect_impl(self._dialect).result_processor(self._dialect, code)
            for each, code in zip(self._types, codes, strict=True)
        )
        self._results = [(place, each) for place, each in enumerate(found) if each is not None]

    def read(self, rows: Sequence[Row]) -> Sequence[Row]:
        """The rows as SQLAlchemy would give them."""
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
    """What is asked for the values of the columns that are not given, by the names of their binds.

    Raises ``ValueError`` for what SQLAlchemy alone can ask.
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
    """What is asked for the values of a column's default, one by one.

    Raises ``ValueError`` for what SQLAlchemy alone can ask.
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
    """One of a driver's arguments."""

    name: str
    make: Callable[[Mapping[str, Any]], Any] | None
    """What makes it of the values, unless it is one of them."""
    convert: _Convert | None
    """What makes it of its own value."""


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
