"""One record: its page, its history, its deletion."""

from __future__ import annotations

from admin_app.panel.record.page import delete, details, file
from admin_app.panel.routing import BOTH, Page

PAGES = [
    Page("details", "/{identity}/details/{pk:path}", details, of="resource"),
    Page("delete", "/{identity}/delete", delete, BOTH, of="resource"),
    Page("file", "/{identity}/file/{field}/{pk:path}", file, of="resource"),
]
