"""Who may do what, and why."""

from __future__ import annotations

from admin_app.access.grants import RoleInfo, list_roles
from admin_app.access.policies import reach
from admin_app.access.standing import require_standing
from admin_app.declaration import Actor, Key, Resource
from admin_app.records.explaining.explain import (
    Explanation,
    Rights,
    asked,
    explain,
    passes,
    require_explaining,
    require_reading_grants,
    who_may,
)
from admin_app.records.service.base import Foundation


class Permissions(Foundation):
    """Answers about rights."""

    def allowed(self, actor: Actor, resource: Resource) -> frozenset[str]:
        """The actions that the actor may do to at least some records."""
        seen = self.registry_for(actor)[resource.name]
        return frozenset(each for each in seen.actions if reach(actor.grants, seen, each))

    async def require_standing(self, actor: Actor) -> None:
        """Raise what ``access.standing`` does of an actor who has lost something meanwhile."""
        await self._read(actor, lambda connection: require_standing(connection, actor))

    def may_explain(self, actor: Actor) -> bool:
        """Whether the actor may ask ``explain`` and ``who_may``."""
        return passes(require_explaining, actor, self.registry)

    async def explain(
        self,
        actor: Actor,
        user: str,
        resource: str,
        action: str,
        *,
        key: str | None = None,
        field: str | None = None,
    ) -> Explanation:
        """Tell whether a user may do something to a resource, or to its record ``key``, and why.

        Raises ``ForbiddenError`` to who may not read users and grants, and ``BadRequestError``
        naming what is not there: user, resource, action or field. An absent record is an answer.
        """
        require_explaining(actor, self.registry)
        question = asked(self.registry, user, resource, action, key, field)
        return await self._read(
            actor,
            lambda connection: explain(self._reader, connection, actor, question),
            snapshot=True,
        )

    async def who_may(self, actor: Actor, resource: Resource, key: Key) -> list[Rights]:
        """The rights of each of the first active users on a record.

        Raises ``ForbiddenError`` as ``explain`` does, and ``NotFoundError``.
        """
        require_explaining(actor, self.registry)
        return await self._read(
            actor,
            lambda connection: who_may(self._reader, connection, actor, resource, key),
            snapshot=True,
        )

    def may_read_roles(self, actor: Actor) -> bool:
        """Whether the actor may ask for ``roles``."""
        return passes(require_reading_grants, actor, self.registry)

    async def roles(self, actor: Actor) -> list[RoleInfo]:
        """Every role with what it grants. Raises ``ForbiddenError`` to who may not read that."""
        require_reading_grants(actor, self.registry)
        return await self._read(actor, list_roles)
