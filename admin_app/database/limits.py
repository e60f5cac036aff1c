"""How long the statements of whoever acts may run: as long as is usual, or as their roles say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.settings import DatabaseSection


@dataclass(frozen=True, slots=True)
class StatementLimits:
    """The seconds that statements may run here."""

    usual: float
    most: float
    """Whatever anybody is allowed."""

    @classmethod
    def of(cls, settings: DatabaseSection) -> StatementLimits:
        """Those of an installation; what is usual is allowed in any case."""
        usual = settings.statement_timeout
        return cls(usual, max(usual, settings.statement_ceiling))

    def for_roles(self, limits: Collection[float | None]) -> float | None:
        """The longest of what several roles allow, where that is not what is usual.

        A role without a limit of its own allows the usual; so does having no role.
        """
        longest = max((self.usual if each is None else each for each in limits), default=self.usual)
        allowed = min(longest, self.most)
        return None if allowed == self.usual else allowed


@asynccontextmanager
async def limited(connection: AsyncConnection, seconds: float | None) -> AsyncIterator[None]:
    """Stop statements after ``seconds``; on PostgreSQL those of the transaction it begins.

    None leaves it at what is usual, without a statement.
    """
    if seconds is None:
        yield
    elif connection.dialect.name == "postgresql":
        # Ends with the transaction, so that the next to have the connection has its own.
        milliseconds = max(1, round(seconds * 1000))
        await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
        yield
    else:
        fairy = await connection.get_raw_connection()
        driver: Any = fairy.dbapi_connection
        usual, driver.seconds = driver.seconds, seconds
        try:
            yield
        finally:
            driver.seconds = usual
