from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import Record, ResourceOptions, Widget
from admin_app.models.russian import RUSSIAN

if TYPE_CHECKING:
    from admin_app.models.comment import Comment


class Reader(Record):
    __resource__ = ResourceOptions(
        list=["name", "email", "card_number", "joined", "active"],
        search=["name", "email", "card_number"],
        filters=["active", "joined"],
        sort=["name"],
        detail="card_number",
        labels={"email": "E-mail"},
        widgets=[Widget(title="New readers a year", by="joined", unit="year", limit=12)],
        icon="card",
        translations={"ru": RUSSIAN},
    )

    name: Mapped[str] = mapped_column(String(200), index=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    card_number: Mapped[str] = mapped_column(String(20), unique=True)
    joined: Mapped[date]
    birthday: Mapped[date | None]
    active: Mapped[bool] = mapped_column(default=True)
    comments: Mapped[list[Comment]] = relationship(back_populates="reader", passive_deletes=True)
