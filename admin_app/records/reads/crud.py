"""FastCRUD as query compiler: the one place where its statements are made and its writes refused.

Its ``select`` builds every list and item statement here, under its ``PolicyConfig``. Its own
writes are bulk statements without version, change row or answer, so they are closed:
``Records`` writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from fastcrud import FastCRUD, PolicyConfig
from sqlalchemy import ColumnElement, Select

from admin_app.declaration import Resource
from admin_app.records.queries.operators import FASTCRUD_OPERATORS


class RecordCRUD(FastCRUD[Any, Any, Any, Any, Any, Any]):
    """FastCRUD for one resource."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(resource.model, custom_filters=FASTCRUD_OPERATORS)

    async def statement(
        self,
        policy: PolicyConfig,
        columns: Sequence[ColumnElement[Any]],
        conditions: Sequence[ColumnElement[bool]],
    ) -> Select[Any]:
        """Select ``columns`` of the rows the policy lets be read and ``conditions`` hold for."""
        selected = await self.with_policy(policy).select(where=list(conditions))
        return selected.with_only_columns(*columns)

    async def create(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def update(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def delete(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def db_delete(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def upsert(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def upsert_multi(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        msg = "write through admin_app.records: FastCRUD's own writes leave no change behind"
        raise RuntimeError(msg)
