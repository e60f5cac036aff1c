"""Other people's access: rights by role, who may do what, links, acting as somebody."""

from __future__ import annotations

from admin_app.panel.people import explaining, impersonating, matrix, user_tools
from admin_app.panel.routing import BOTH, POST, Page

PAGES = [
    Page("explain", "/access/explain", explaining.page),
    Page("matrix", "/access/matrix", matrix.page, BOTH),
    Page("user_link", "/access/user/{id}/link", user_tools.link, POST),
    Page("end_sessions", "/access/user/{id}/end-sessions", user_tools.end, POST),
    Page("impersonate", "/impersonate", impersonating.start, POST),
    Page("end_impersonation", "/impersonate/end", impersonating.end, POST),
]
