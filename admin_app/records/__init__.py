"""The one way to read and the one way to write. Both doors and the command line come through here.

Every function takes the actor first and asks the one policy function.
"""

from admin_app.records.advice import Advice, Hint
from admin_app.records.explaining.explain import MOST_USERS, Explanation, Rights
from admin_app.records.queries.query import Query
from admin_app.records.reads.counting import COUNT_CAP
from admin_app.records.reads.pages import Page
from admin_app.records.reads.representation import Representation, tag_of
from admin_app.records.reads.titles import Title
from admin_app.records.service import Records
from admin_app.records.trail.history import ChangeSet, Timeline
from admin_app.records.trail.past import PastChange
from admin_app.records.trail.recent import RecentChange
from admin_app.records.undoing import Undoing
from admin_app.records.writes.idempotency import Claim, Reply
from admin_app.records.writes.rehearsal import Rehearsal, RehearsedChange
from admin_app.records.writes.undo.parts import Reverted
from admin_app.records.writes.undo.reverting import Reverting
from admin_app.records.writes.writer import Writer

__all__ = [
    "COUNT_CAP",
    "MOST_USERS",
    "Advice",
    "ChangeSet",
    "Claim",
    "Explanation",
    "Hint",
    "Page",
    "PastChange",
    "Query",
    "RecentChange",
    "Records",
    "Rehearsal",
    "RehearsedChange",
    "Reply",
    "Representation",
    "Reverted",
    "Reverting",
    "Rights",
    "Timeline",
    "Title",
    "Undoing",
    "Writer",
    "tag_of",
]
