"""The objects that one actor's writes share in one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from admin_app.declaration import SYSTEM, Actor, Origin
from admin_app.records.reads.reader import Reader
from admin_app.records.writes.drafts import Inserter
from admin_app.records.writes.journal import Journal
from admin_app.records.writes.links import Links
from admin_app.records.writes.other_ends import OtherEnds
from admin_app.records.writes.readback import Readback
from admin_app.records.writes.references import References
from admin_app.records.writes.rows import Rows

Attempt = Literal["only", "first", "second"]
"""After the first, ``RepeatError`` leads to a second, in which lists go one by one."""


class RepeatError(Exception):
    """Raised to have a first attempt undone, and its work done again in another transaction."""


class Transaction:
    """One transaction, one actor, and one journal of what is done."""

    def __init__(
        self,
        reader: Reader,
        session: AsyncSession,
        connection: AsyncConnection,
        actor: Actor,
        origin: Origin,
        journal: Journal,
        *,
        attempt: Attempt = "only",
    ) -> None:
        self.reader = reader
        self.registry = reader.registry
        self.session = session
        self.connection = connection
        self.actor = actor
        self.origin = origin
        self.journal = journal
        self.attempt: Attempt = attempt
        self.views = Readback(reader, connection, actor)
        self.rows = Rows(reader.registry, session, connection, actor, origin, self.views)
        self.references = References(reader, connection, actor)
        self.links = Links(reader, connection, actor, self.references)
        self.other_ends = OtherEnds(reader, connection, journal)
        self.inserter = Inserter(session, connection, self.links, reader.registry)

    def unbounded(self) -> Transaction:
        """The same by the same actor, with every grant."""
        actor = replace(self.actor, grants=SYSTEM.grants)
        return Transaction(
            *(self.reader, self.session, self.connection, actor, self.origin, self.journal),
            attempt=self.attempt,
        )
