"""A read that is made once and run often: compiled, its values' conversions chosen beforehand.

Between a statement and its rows SQLAlchemy does much that depends on the statement alone, every
time it runs. Here that is done once, for one dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Dialect, Select

Row = Sequence[Any]
_Convert = Callable[[Any], Any]
VALUE_ERRORS = (ValueError, TypeError, ArithmeticError)
"""What a type says of a value that it does not take, or does not know."""
_LENGTHY = (" LIKE ", " GLOB ", " REGEXP ", " MATCH ")
"""Comparisons that take as long as their text and their pattern make them."""


class Prepared:
    """A SELECT whose values are named binds.

    A bind with a value of its own has that one in every run; one with a ``callable_`` is asked for
    its value each time, as rules ask who acts. The others are given to ``arguments``.

    Raises ``ValueError`` for a statement that is compiled anew for its values, as one with an
    expanding IN is.
    """

    def __init__(self, statement: Select[Any], dialect: Dialect, *, lengthy: bool = False) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        if compiled.post_compile_params or compiled.literal_execute_params:
            msg = "a prepared statement has one form, whatever its values"
            raise ValueError(msg)
        self.statement = statement
        self.sql = str(compiled)
        self.lengthy = lengthy or any(each in self.sql for each in _LENGTHY)
        """Whether it may do much in one instruction of SQLite's, which nothing interrupts."""
        self._dialect = dialect
        self._types = [each.type for each in statement.selected_columns]
        self._binds = [
            _Bind(compiled.binds[name], dialect, given=compiled.bind_names)
            for name in compiled.positiontup
        ]
        self._results: list[tuple[int, _Convert]] | None = None

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """What the driver is given, in order."""
        return [each.argument(values) for each in self._binds]

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


class _Bind:
    """Where one of the driver's arguments comes from."""

    __slots__ = ("_ask", "_convert", "_fixed", "_name")

    def __init__(self, bind: Any, dialect: Dialect, given: Mapping[Any, str]) -> None:
        self._name = given[bind]
        self._convert: _Convert | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
        self._ask: Callable[[], Any] | None = bind.callable
        self._fixed = not bind.required and self._ask is None
        if self._fixed:
            fixed = bind.value if self._convert is None else self._convert(bind.value)
            self._ask, self._convert = (lambda: fixed), None

    def argument(self, values: Mapping[str, Any]) -> Any:
        value = values[self._name] if self._ask is None else self._ask()
        return value if self._convert is None else self._convert(value)
