"""Finding: a list's conditions in words, the forms that change them, and what to do without."""

from __future__ import annotations

from admin_app.panel.lists.filters.advanced import advanced
from admin_app.panel.lists.filters.chips import Chip, chips, named
from admin_app.panel.lists.filters.direct import direct
from admin_app.panel.lists.filters.dropping import Drop, drops
from admin_app.panel.lists.filters.marking import Marking, marking
from admin_app.panel.lists.filters.page import filtering
from admin_app.panel.routing import Page

__all__ = ["PAGES", "Chip", "Drop", "Marking", "chips", "direct", "drops", "marking", "named"]

PAGES = [
    Page("filter", "/{identity}/filter", filtering, of="resource"),
    Page("advanced", "/{identity}/advanced", advanced, of="resource"),
]
