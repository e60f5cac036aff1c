"""What a list of the panel shows, read from its page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from panel import Client, Form, House

from admin_app.declaration import Actor

LIST = "/admin/book/list"


def names(html: str) -> list[str]:
    """What the rows are called."""
    return re.findall(r'<th scope="row"[^>]*><a class="cover" href="[^"]*">([^<]*)</a>', html)


def heads(html: str) -> list[str]:
    """The fields of the columns."""
    return re.findall(r'<th scope="col" data-field="([^"]*)"', html)


def way(html: str, label: str) -> str | None:
    """Where the button to another page leads."""
    found = re.search(rf'href="([^"]*)" aria-label="{label} page"', html)
    return None if found is None else unescape(found[1])


def statements(house: House) -> list[str]:
    """What was asked of the database."""
    quiet = ("BEGIN", "COMMIT", "ROLLBACK", "SET ", "PRAGMA")
    return [each for each in house.statements if not each.lstrip().upper().startswith(quiet)]


async def chosen(client: Client, path: str = "/admin/book/columns", **fields: Any) -> str:
    """Apply the chooser of columns with some of its fields changed, and follow it to the list."""
    form = Form((await client.get(path)).text)
    data = [each for each in form.fields() if each[0] not in fields]
    for name, value in fields.items():
        data += [(name, each) for each in ([value] if isinstance(value, str) else value)]
    answer = await client.post("/admin/book/columns", data)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def _actor(home: House, name: str) -> Actor:
    users = home.records.registry["admin_user"]
    from admin_app.declaration import SYSTEM  # noqa: PLC0415

    query = home.records.query(SYSTEM, users, [("name", name)])
    (row,) = (await home.records.page(SYSTEM, users, query)).rows
    return Actor(row["id"], name)


async def save(client: Client, name: str, query: str = "", **fields: str) -> str:
    """Save a view of a list and tell where one comes to."""
    data = {"_csrf": await client.token(), "list": query, "act": "save", "name": name, **fields}
    answer = await client.post("/admin/book/views", list(data.items()))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]
