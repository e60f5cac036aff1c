"""The tables of this room. Rows are deleted with the user they belong to."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ForeignKey,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from admin_app.declaration import Base, BigKey

PREFERENCE_NAME_LENGTH = 150
VIEW_NAME_LENGTH = 100
RESOURCE_LENGTH = 100
KEY_LENGTH = 500
FILE_NAME_LENGTH = 200


class PreferenceRow(Base):
    """One preference of a user, such as the columns of a list."""

    __tablename__ = "admin_preference"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("admin_user.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(String(PREFERENCE_NAME_LENGTH), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON(none_as_null=False))


class ViewRow(Base):
    """A list's address under a name; everybody who may read the resource sees a shared one."""

    __tablename__ = "admin_view"
    __table_args__ = (UniqueConstraint("user_id", "resource", "name"),)

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("admin_user.id", ondelete="CASCADE"))
    resource: Mapped[str] = mapped_column(String(RESOURCE_LENGTH), index=True)
    name: Mapped[str] = mapped_column(String(VIEW_NAME_LENGTH))
    query: Mapped[str] = mapped_column(Text)
    """The parameters of the list, as they stand in its address."""
    shared: Mapped[bool] = mapped_column(default=False, server_default=false())
    pinned: Mapped[bool] = mapped_column(default=False, server_default=false())


class EditorRow(Base):
    """Somebody who has a record's form open, and when their browser last said so."""

    __tablename__ = "admin_editor"

    resource: Mapped[str] = mapped_column(String(RESOURCE_LENGTH), primary_key=True)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("admin_user.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    )
    at: Mapped[datetime] = mapped_column(index=True)


class UploadRow(Base):
    """A file that somebody is about to import, and what came of it."""

    __tablename__ = "admin_import"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("admin_user.id", ondelete="CASCADE"), index=True
    )
    resource: Mapped[str] = mapped_column(String(RESOURCE_LENGTH))
    name: Mapped[str] = mapped_column(String(FILE_NAME_LENGTH))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """The file; once it is taken in, the rows that were refused."""
    choices: Mapped[dict[str, Any]] = mapped_column(JSON)
    """How it is read and what its columns mean, and what a trial of that found."""
    created_at: Mapped[datetime] = mapped_column(index=True)
    started_at: Mapped[datetime | None]
    """None until it is taken in, which is once."""
    told_at: Mapped[datetime | None]
    """When whoever takes it in last said how far."""
    outcome: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
