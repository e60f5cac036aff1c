"""Coming in and going out: sign-in, the first administrator, password links, proofs."""

from __future__ import annotations

from admin_app.panel.door.confirming import confirming
from admin_app.panel.door.password_link import page as password_link
from admin_app.panel.door.signin import login, login_code, logout, setup
from admin_app.panel.routing import BOTH, POST, Page

PAGES = [
    Page("login", "/login", login, BOTH, of="anyone"),
    Page("login_code", "/login/code", login_code, BOTH, of="anyone"),
    Page("logout", "/logout", logout, POST, of="anyone"),
    Page("confirm", "/confirm", confirming, BOTH),
    Page("password", "/password/{secret}", password_link, BOTH, of="anyone"),
    Page("setup", "/setup/{secret}", setup, BOTH, of="anyone"),
]
