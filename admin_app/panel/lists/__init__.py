"""Lists of records: what stands in them, what is asked of them, what is done with many."""

from __future__ import annotations

from admin_app.panel.lists.acting import act
from admin_app.panel.lists.bulk import edit, values
from admin_app.panel.lists.bulk_delete import delete
from admin_app.panel.lists.bulk_restore import restore
from admin_app.panel.lists.cells import cell
from admin_app.panel.lists.column_pages import columns, widths
from admin_app.panel.lists.filters import PAGES as FILTERING
from admin_app.panel.lists.page import page
from admin_app.panel.lists.view_pages import pinned, views
from admin_app.panel.routing import BOTH, POST, Page

PAGES = [
    Page("list", "/{identity}/list", page, of="resource"),
    *FILTERING,
    Page("columns", "/{identity}/columns", columns, BOTH, of="resource"),
    Page("widths", "/{identity}/widths", widths, POST, of="resource"),
    Page("views", "/{identity}/views", views, BOTH, of="resource"),
    Page("pinned", "/views/pinned", pinned),
    Page("bulk_edit", "/{identity}/bulk/edit", edit, BOTH, of="resource"),
    Page("bulk_delete", "/{identity}/bulk/delete", delete, BOTH, of="resource"),
    Page("bulk_restore", "/{identity}/bulk/restore", restore, BOTH, of="resource"),
    Page("values", "/{identity}/values", values, of="resource"),
    Page("action", "/{identity}/action/{action}", act, BOTH, of="resource"),
    Page("cell", "/{identity}/cell/{field}/{pk:path}", cell, BOTH, of="resource"),
]
