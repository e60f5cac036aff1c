"""Forms of records: their parts, what comes back of them, what is written."""

from __future__ import annotations

from admin_app.panel.forms.page import create, edit, lookup
from admin_app.panel.forms.presence import editing
from admin_app.panel.forms.side import aside, inline, new_aside
from admin_app.panel.routing import BOTH, POST, Page

PAGES = [
    Page("inline_new", "/{identity}/inline/{relation}", inline, POST, of="resource"),
    Page("inline", "/{identity}/inline/{relation}/{pk:path}", inline, POST, of="resource"),
    Page("side_new", "/{identity}/side", new_aside, BOTH, of="resource"),
    Page("side", "/{identity}/side/{pk:path}", aside, BOTH, of="resource"),
    Page("create", "/{identity}/create", create, BOTH, of="resource"),
    Page("edit", "/{identity}/edit/{pk:path}", edit, BOTH, of="resource"),
    Page("editing", "/{identity}/editing/{pk:path}", editing, POST, of="resource"),
    Page("ajax_lookup", "/{identity}/ajax/lookup", lookup, of="resource"),
]
