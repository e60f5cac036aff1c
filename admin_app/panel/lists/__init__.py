"""Lists of records: what stands in them, what is asked of them, what is done with many."""

from __future__ import annotations

from admin_app.panel.lists.page import page
from admin_app.panel.routing import Page

PAGES = [Page("list", "/{identity}/list", page, of="resource")]
