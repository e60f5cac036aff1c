"""What is about no record: the first page, and how the panel looks to whom."""

from __future__ import annotations

from admin_app.panel.house.home import page
from admin_app.panel.house.looks import theme
from admin_app.panel.routing import POST, Page

PAGES = [
    Page("index", "/", page),
    Page("theme", "/theme", theme, POST),
]
