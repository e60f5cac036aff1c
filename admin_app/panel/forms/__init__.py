"""Forms of records: their parts, what comes back of them, what is written."""

from __future__ import annotations

from admin_app.panel.forms.page import create, edit, lookup
from admin_app.panel.routing import BOTH, Page

PAGES = [
    Page("create", "/{identity}/create", create, BOTH, of="resource"),
    Page("edit", "/{identity}/edit/{pk:path}", edit, BOTH, of="resource"),
    Page("ajax_lookup", "/{identity}/ajax/lookup", lookup, of="resource"),
]
