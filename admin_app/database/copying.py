"""PostgreSQL's COPY: the rows of a statement as text that the database writes.

COPY takes no parameters, so values stand in the statement as literals, each quoted by the server
itself and put where the compiled statement has its placeholder.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg
from sqlalchemy import Dialect, Integer, Select, Text, cast, func, literal, select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TupleType

Output = Callable[[bytes], Awaitable[None]]

_MUCH = 64 * 1024
"""Bytes of a piece below which it pays to wait for more."""
_PAUSE = 0.001
"""Seconds in which a socket's buffer fills."""

_INTERPOLATING: Dialect = PGDialect_asyncpg(paramstyle="pyformat")  # type: ignore[no-untyped-call]
"""Compiles statements for ``%`` formatting: a ``%`` that is no placeholder is doubled."""


@dataclass(frozen=True, slots=True)
class CopyForm:
    """How COPY writes rows."""

    format: Literal["csv", "text"]
    quoted: str | None = None
    """A column that always stands in quotes."""


class Copy:
    """A statement to COPY, compiled once."""

    def __init__(self, statement: Select[Any], form: CopyForm) -> None:
        self._form = form
        self._compiled: Any = statement.compile(dialect=_INTERPOLATING)

    async def run(
        self, connection: AsyncConnection, values: Mapping[str, Any], output: Output
    ) -> int:
        """Pass whole rows to ``output`` as they arrive; returns how many there were.

        ``values`` are those of the binds without one. Raises ``DBAPIError`` as executing a
        statement does, and what ``output`` raises.
        """
        sql = await self._with_values(connection, values)
        raw: Any = (await connection.get_raw_connection()).driver_connection
        quoted = None if self._form.quoted is None else [self._form.quoted]
        begun = 0

        async def take(piece: bytes) -> None:
            nonlocal begun
            begun += len(piece)
            await output(piece)
            if begun > _MUCH > len(piece):
                # PostgreSQL sends 8 KiB at a time, and to wake up for them costs more than all else
                # that is done with them. Meanwhile more of them come.
                await asyncio.sleep(_PAUSE)

        try:
            status: str = await raw.copy_from_query(
                sql, output=take, format=self._form.format, force_quote=quoted
            )
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            lost = raw.is_closed()
            if lost:
                await connection.invalidate()
            raise DBAPIError("COPY", None, error, connection_invalidated=lost) from error
        return int(status.removeprefix("COPY "))

    async def _with_values(self, connection: AsyncConnection, given: Mapping[str, Any]) -> str:
        compiled = self._compiled
        expanded = compiled.construct_expanded_state(given, escape_names=False)
        types = {name: bind.type for name, bind in compiled.binds.items()}
        for name, several in expanded.parameter_expansion.items():
            kinds = types[name].types if isinstance(types[name], TupleType) else [types[name]]
            types |= dict(zip(several, itertools.cycle(kinds), strict=False))
        values = expanded.parameters
        # Numbers need no quotes that have to be asked for.
        quoted = {
            name: f"'{value}'"
            for name, value in values.items()
            if type(value) is int and isinstance(types[name], Integer)
        }
        literals = [
            func.quote_nullable(cast(literal(value, types[name]), Text))
            for name, value in values.items()
            if name not in quoted
        ]
        if literals:
            found = (await connection.execute(select(*literals))).one()
            quoted |= zip((name for name in values if name not in quoted), found, strict=True)
        names = compiled.escaped_bind_names
        return str(expanded.statement % {names.get(name, name): quoted[name] for name in values})
