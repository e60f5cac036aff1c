"""The one way to read and the one way to write. Both doors and the command line come through here.

Every function takes the actor first and asks the one policy function.
"""

from admin_app.records.explain import MOST_USERS, Explanation, Rights
from admin_app.records.history import PastChange
from admin_app.records.query import Query
from admin_app.records.reader import COUNT_CAP, Page, Title
from admin_app.records.record import Record
from admin_app.records.service import Records
from admin_app.records.writer import Writer

__all__ = [
    "COUNT_CAP",
    "MOST_USERS",
    "Explanation",
    "Page",
    "PastChange",
    "Query",
    "Record",
    "Records",
    "Rights",
    "Title",
    "Writer",
]
