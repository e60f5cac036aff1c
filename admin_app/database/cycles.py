"""Tables of a new revision that refer to each other: no order has each before what refers to it."""

from __future__ import annotations

from collections.abc import Iterator

from alembic.operations import ops
from sqlalchemy import ForeignKeyConstraint


def part_cycles(up: ops.UpgradeOps, down: ops.DowngradeOps) -> None:
    """Make foreign keys to tables that come later once all tables are there; drop them first."""
    tables = [each for each in up.ops if isinstance(each, ops.CreateTableOp)]
    later = {each.table_name for each in tables}
    made: list[ops.MigrateOperation] = []
    dropped: list[ops.MigrateOperation] = []
    for table in tables:
        later.discard(table.table_name)
        late = [each for each in _foreign_keys(table) if each.referred_table.name in later]
        if late:
            # By identity: to compare columns is to write SQL.
            table.columns = [each for each in table.columns if not any(each is one for one in late)]
            make = [ops.CreateForeignKeyOp.from_constraint(each) for each in late]
            drop = [ops.DropConstraintOp.from_constraint(each) for each in late]
            made.append(ops.ModifyTableOps(table.table_name, make, schema=table.schema))
            dropped.append(ops.ModifyTableOps(table.table_name, drop, schema=table.schema))
    if made:
        # SQLite makes these tables anew, so a full-text index, which hangs on one, comes after.
        end = 1 + max(at for at, each in enumerate(up.ops) if isinstance(each, ops.CreateTableOp))
        start = min(at for at, each in enumerate(down.ops) if isinstance(each, ops.DropTableOp))
        up.ops[end:end] = made
        down.ops[start:start] = dropped


def _foreign_keys(table: ops.CreateTableOp) -> Iterator[ForeignKeyConstraint]:
    return (each for each in table.columns if isinstance(each, ForeignKeyConstraint))
