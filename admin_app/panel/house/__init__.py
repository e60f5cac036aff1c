"""What is about no record: the first page, and how the panel looks to whom."""

from __future__ import annotations

from functools import partial

from admin_app.panel.house import calls, shortcuts
from admin_app.panel.house.board import Board
from admin_app.panel.house.home import page
from admin_app.panel.house.looks import theme
from admin_app.panel.house.searching import search
from admin_app.panel.routing import POST, Page

PAGES = [
    Page("index", "/", partial(page, board=Board())),
    Page("search", "/search", search),
    Page("shortcuts", "/shortcuts", shortcuts.page),
    Page("list_calls", "/{identity}/calls", calls.of_list, of="resource"),
    Page("record_calls", "/{identity}/calls/{pk:path}", calls.of_record, of="resource"),
    Page("theme", "/theme", theme, POST),
]
