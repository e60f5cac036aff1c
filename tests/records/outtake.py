"""Files that are exported, and what is read out of them again."""

from __future__ import annotations

import io

from api import Api
from hypothesis import strategies as st
from intake import Sum

from admin_app.declaration import SYSTEM, Origin
from admin_app.records.transfer import (
    Import,
    Request,
    plan,
    read_table,
)
from admin_app.records.transfer.files import Written

TEXTS = st.text(st.sampled_from("'=+-@\t\r\n ;\",1a."), max_size=6) | st.text(max_size=6)


async def taken(api: Api, name: str, content: bytes, format_: Written, *skip: str) -> Sum:
    table = read_table(io.BytesIO(content), format_)
    resource = api.registry[name]
    fitted = plan(resource, api.registry, Request(skip=skip), table.columns)
    total = Sum()
    whole = Import(api.records, SYSTEM, fitted, format_, origin=Origin("import"))
    async for part in whole.run(table.rows):
        total.add(part)
    return total
