"""What is deleted and can be restored, with constraints that count it and others that do not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import ResourceOptions, actor
from zoo.relations import link
from zoo.stock import Kept

sheet_staple = link("sheet_staple", "sheet.id", "staple.id")


class Sheet(Kept):
    """Among those not in the trash a number is unique, a mark among all."""

    __resource__ = ResourceOptions(
        trash="binned_at", rules={"own": lambda sheet: sheet.owner == actor.name}
    )
    __table_args__ = (
        Index(
            "uq_sheet_number",
            "number",
            unique=True,
            sqlite_where=text("binned_at IS NULL"),
            postgresql_where=text("binned_at IS NULL"),
        ),
    )

    number: Mapped[int]
    mark: Mapped[str | None] = mapped_column(String(20), unique=True)
    owner: Mapped[str | None] = mapped_column(String(40))
    binned_at: Mapped[datetime | None]
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("sheet.id", ondelete="SET NULL"))
    follows: Mapped[Sheet | None] = relationship(remote_side="Sheet.id", back_populates="followed")
    followed: Mapped[list[Sheet]] = relationship(back_populates="follows", passive_deletes=True)
    staples: Mapped[list[Staple]] = relationship(secondary=sheet_staple, back_populates="sheets")


class Staple(Kept):
    name: Mapped[str] = mapped_column(String(40))
    sheets: Mapped[list[Sheet]] = relationship(secondary=sheet_staple, back_populates="staples")
