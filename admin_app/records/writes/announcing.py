"""Call the ``after_commit`` hooks of declarations."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from admin_app.declaration import Actor, Committed, CommittedChange, Origin, Resource
from admin_app.declaration.hooks import AfterCommit
from admin_app.records.trail.changes import Entry

logger = logging.getLogger(__name__)


async def announce(actor: Actor, origin: Origin, entries: Iterable[Entry]) -> None:
    """Call the ``after_commit`` of each resource that changed, in the order of their changes.

    The write is there whatever happens here, so what a hook raises goes to the log alone.
    """
    changes: dict[tuple[Resource, AfterCommit], list[CommittedChange]] = {}
    for each in entries:
        hook = each.resource.options.after_commit
        if hook is not None:
            change = CommittedChange(each.action, each.key, each.label, each.before, each.after)
            changes.setdefault((each.resource, hook), []).append(change)
    for (resource, hook), told in changes.items():
        try:
            await hook(Committed(resource.name, actor, origin, tuple(told)))
        except Exception:
            logger.exception("after_commit of %s failed; the write is there", resource.name)
