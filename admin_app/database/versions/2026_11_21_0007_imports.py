"""Files that people are about to import."""

import sqlalchemy as sa
from alembic import op

revision = "admin_app_0007"
down_revision = "admin_app_0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "admin_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("resource", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_import_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_import")),
    )
    op.create_index(op.f("ix_admin_import_user_id"), "admin_import", ["user_id"])
    op.create_index(op.f("ix_admin_import_created_at"), "admin_import", ["created_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_admin_import_created_at"), table_name="admin_import")
    op.drop_index(op.f("ix_admin_import_user_id"), table_name="admin_import")
    op.drop_table("admin_import")
