"""Inlines with every mistake there is."""

from __future__ import annotations

from sqlalchemy import ForeignKey, MetaData, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import Base, Inline, Record, ResourceOptions

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)


class Binder(Record):
    __resource__ = ResourceOptions(
        inlines=[
            "pags",
            "shelf",
            Inline("pages", fields=["txt", "binder"], extra=11, style="pile", order_by="text"),  # type: ignore[arg-type]
            "pages",
            Inline("sheets", order_by="number"),
        ]
    )
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(40))
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("binder.id"))
    shelf: Mapped[Binder | None] = relationship(remote_side="Binder.id")
    pages: Mapped[list[BinderPage]] = relationship(back_populates="binder")
    sheets: Mapped[list[BinderSheet]] = relationship()


class BinderPage(Record):
    metadata = METADATA

    text: Mapped[str] = mapped_column(String(40))
    binder_id: Mapped[int] = mapped_column(ForeignKey("binder.id"))
    binder: Mapped[Binder] = relationship(back_populates="pages")


class BinderSheet(Record):
    __table_args__ = (UniqueConstraint("binder_id", "number"),)
    metadata = METADATA

    number: Mapped[int]
    binder_id: Mapped[int] = mapped_column(ForeignKey("binder.id"))
