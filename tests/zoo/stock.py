"""What the zoo's models stand on: ``Base`` and ``Record``, with a metadata of their own."""

from __future__ import annotations

from sqlalchemy import MetaData

from admin_app import Base, Record

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)


class Plain(Base):
    """As an adopted table: no key, no version but the model's own."""

    __abstract__ = True
    metadata = METADATA


class Kept(Record):
    """With the automatic ``id`` and ``version``."""

    __abstract__ = True
    metadata = METADATA
