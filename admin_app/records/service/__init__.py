"""``Records``: the interface of reads and writes that surfaces use.

Methods take the actor first, then the resource, and raise an ``AppError`` to refuse. Each part of
it is a class of its own, all with one base.
"""

from admin_app.records.service.counts import Counts
from admin_app.records.service.histories import Histories
from admin_app.records.service.lists import LOOKUP_LIMIT, Lists
from admin_app.records.service.permissions import Permissions

__all__ = ["LOOKUP_LIMIT", "Records"]


class Records(Lists, Counts, Histories, Permissions):
    """Reads and writes of every resource of a registry on one database."""
