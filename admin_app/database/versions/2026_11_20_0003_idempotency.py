"""Writes that were asked for with a key, and what they were answered."""

import sqlalchemy as sa
from alembic import op

revision = "admin_app_0003"
down_revision = "admin_app_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admin_idempotent_request",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("grants", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_admin_idempotent_request")),
    )
    op.create_index(
        op.f("ix_admin_idempotent_request_created_at"), "admin_idempotent_request", ["created_at"]
    )


def downgrade() -> None:
    op.drop_index(
        op.f("ix_admin_idempotent_request_created_at"), table_name="admin_idempotent_request"
    )
    op.drop_table("admin_idempotent_request")
