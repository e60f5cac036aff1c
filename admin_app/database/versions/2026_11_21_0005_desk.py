"""Preferences, saved views, and who is editing what."""

import sqlalchemy as sa
from alembic import op

revision = "admin_app_0005"
down_revision = "admin_app_0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "admin_preference",
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=150), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_preference_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "name", name=op.f("pk_admin_preference")),
    )
    op.create_table(
        "admin_view",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("resource", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pinned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_view_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_view")),
        sa.UniqueConstraint(
            "user_id", "resource", "name", name=op.f("uq_admin_view_user_id_resource_name")
        ),
    )
    op.create_index(op.f("ix_admin_view_resource"), "admin_view", ["resource"])
    op.create_table(
        "admin_editor",
        sa.Column("resource", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=500), nullable=False),
        sa.Column("user_id", KEY, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_editor_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resource", "key", "user_id", name=op.f("pk_admin_editor")),
    )
    op.create_index(op.f("ix_admin_editor_at"), "admin_editor", ["at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_admin_editor_at"), table_name="admin_editor")
    op.drop_table("admin_editor")
    op.drop_index(op.f("ix_admin_view_resource"), table_name="admin_view")
    op.drop_table("admin_view")
    op.drop_table("admin_preference")
