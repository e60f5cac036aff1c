"""Two hundred models of ten columns, for what an application of that size costs."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from admin_app import ExactDecimal, Record

MANY = 200


def _columns() -> dict[str, Any]:
    annotations = {
        "title": Mapped[str],
        "pages": Mapped[int],
        "price": Mapped[Decimal],
        "published": Mapped[date],
        "in_print": Mapped[bool],
        "added_at": Mapped[datetime],
        "code": Mapped[str | None],
        "note": Mapped[str | None],
    }
    return {
        "__annotations__": annotations,
        "__module__": __name__,
        "title": mapped_column(String(200)),
        "price": mapped_column(ExactDecimal(10, 2)),
        "code": mapped_column(String(20), unique=True),
        "note": mapped_column(String(500)),
    }


MODELS = [type(f"Thing{number:03}", (Record,), _columns()) for number in range(MANY)]
