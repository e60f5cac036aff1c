"""One record: its page, its history, its deletion."""

from __future__ import annotations

from admin_app.panel.record.deleting import delete
from admin_app.panel.record.page import details, file
from admin_app.panel.record.past import compare, put_back, timeline
from admin_app.panel.record.trash import restore
from admin_app.panel.record.undoing import change_set, undo, undoing
from admin_app.panel.routing import BOTH, POST, Page

PAGES = [
    Page("details", "/{identity}/details/{pk:path}", details, of="resource"),
    Page("delete", "/{identity}/delete", delete, BOTH, of="resource"),
    Page("restore", "/{identity}/restore", restore, POST, of="resource"),
    Page("timeline", "/{identity}/history/{pk:path}", timeline, of="resource"),
    Page("compare", "/{identity}/compare/{pk:path}", compare, of="resource"),
    Page("put_back", "/{identity}/put-back/{pk:path}", put_back, POST, of="resource"),
    Page("change_set", "/changes/{change_set}", change_set),
    Page("undo", "/undo/{change_set}", undo, POST),
    Page("undoing", "/undoing/{change_set}", undoing),
    Page("file", "/{identity}/file/{field}/{pk:path}", file, of="resource"),
]
