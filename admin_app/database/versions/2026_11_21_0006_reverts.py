"""Which change set a change undoes."""

import sqlalchemy as sa
from alembic import op

revision = "admin_app_0006"
down_revision = "admin_app_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("admin_change", sa.Column("reverts", sa.Uuid(), nullable=True))
    given = sa.text("reverts IS NOT NULL")
    op.create_index(
        op.f("ix_admin_change_reverts"),
        "admin_change",
        ["reverts"],
        sqlite_where=given,
        postgresql_where=given,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_admin_change_reverts"), table_name="admin_change")
    op.drop_column("admin_change", "reverts")
