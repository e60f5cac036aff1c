"""How long an actor's statements may run: the usual limit, or what their roles say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from admin_app.settings import DatabaseSection


@dataclass(frozen=True, slots=True)
class StatementLimits:
    """Statement timeouts of an installation, in seconds."""

    usual: float
    most: float
    """The most that a role can allow."""

    @classmethod
    def of(cls, settings: DatabaseSection) -> StatementLimits:
        """The limits in the settings; the usual one is allowed in any case."""
        usual = settings.statement_timeout
        return cls(usual, max(usual, settings.statement_ceiling))

    def for_roles(self, limits: Collection[float | None]) -> float | None:
        """The longest that several roles allow, in seconds; ``None`` where that is the usual limit.

        A role without a limit of its own allows the usual one; so does having no role.
        """
        longest = max((self.usual if each is None else each for each in limits), default=self.usual)
        allowed = min(longest, self.most)
        return None if allowed == self.usual else allowed


@asynccontextmanager
async def limited(connection: AsyncConnection, seconds: float | None) -> AsyncIterator[None]:
    """Limit the statements inside to ``seconds`` each; on PostgreSQL, within one transaction.

    ``None`` keeps the usual limit and runs no statement.
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
