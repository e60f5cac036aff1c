"""The application's own tables, with the roles it ships."""

import sqlalchemy as sa
from alembic import op

revision = "admin_app_0001"
down_revision = None
branch_labels = ("admin_app",)
depends_on = None

EVERYTHING = "*"
ROLES = {
    "administrator": ("May do everything, and says who may do what.", "read create update delete"),
    "editor": ("May read and change every record.", "read create update delete"),
    "viewer": ("May read every record.", "read"),
}


def upgrade() -> None:
    op.create_table(
        "admin_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("change_set", sa.Uuid(), nullable=False),
        sa.Column("cause_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tx", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("impersonator", sa.String(length=200), nullable=True),
        sa.Column("token_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("resource", sa.String(length=100), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("key_json", sa.JSON(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("schema_revision", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cause_id"], ["admin_change.id"], name=op.f("fk_admin_change_cause_id_admin_change")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_change")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_admin_change_change_set"), "admin_change", ["change_set"], unique=False
    )
    op.create_index(
        "ix_admin_change_record", "admin_change", ["resource", "key", "id"], unique=False
    )
    op.create_table(
        "admin_role",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_role")),
        sa.UniqueConstraint("name", name=op.f("uq_admin_role_name")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "admin_setup_link",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_setup_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_admin_setup_link_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "admin_sign_in_failure",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_admin_sign_in_failure")),
    )
    op.create_index(
        op.f("ix_admin_sign_in_failure_at"), "admin_sign_in_failure", ["at"], unique=False
    )
    op.create_table(
        "admin_user",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=150), nullable=False),
        sa.Column("name_key", sa.String(length=150), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_user")),
        sa.UniqueConstraint("name_key", name=op.f("uq_admin_user_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "admin_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("resource", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(
            ["role_id"],
            ["admin_role.id"],
            name=op.f("fk_admin_grant_role_id_admin_role"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_grant")),
        sa.UniqueConstraint(
            "role_id",
            "resource",
            "action",
            "rule",
            name=op.f("uq_admin_grant_role_id_resource_action_rule"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_admin_grant_all_rows",
        "admin_grant",
        ["role_id", "resource", "action"],
        unique=True,
        sqlite_where=sa.text("rule IS NULL"),
        postgresql_where=sa.text("rule IS NULL"),
    )
    op.create_table(
        "admin_session",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_session_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_admin_session_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_admin_session_expires_at"), "admin_session", ["expires_at"], unique=False
    )
    op.create_index(op.f("ix_admin_session_user_id"), "admin_session", ["user_id"], unique=False)
    op.create_table(
        "admin_token",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_token_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_token")),
        sa.UniqueConstraint("prefix", name=op.f("uq_admin_token_prefix")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_admin_token_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_admin_token_user_id"), "admin_token", ["user_id"], unique=False)
    op.create_table(
        "admin_user_role",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["role_id"],
            ["admin_role.id"],
            name=op.f("fk_admin_user_role_role_id_admin_role"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_user_role_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "role_id", name=op.f("pk_admin_user_role")),
    )
    op.create_index(
        op.f("ix_admin_user_role_role_id"), "admin_user_role", ["role_id"], unique=False
    )
    _ship_roles()


def _ship_roles() -> None:
    role = sa.table("admin_role", sa.column("id"), sa.column("name"), sa.column("description"))
    grant = sa.table(
        "admin_grant", sa.column("role_id"), sa.column("resource"), sa.column("action")
    )
    for name, (description, actions) in ROLES.items():
        op.execute(role.insert().values(name=name, description=description))
        for action in actions.split():
            # The database numbers the roles: a number given here would be given again.
            owner = sa.select(role.c.id).where(role.c.name == name).scalar_subquery()
            op.execute(grant.insert().values(role_id=owner, resource=EVERYTHING, action=action))


def downgrade() -> None:
    op.drop_index(op.f("ix_admin_user_role_role_id"), table_name="admin_user_role")
    op.drop_table("admin_user_role")
    op.drop_index(op.f("ix_admin_token_user_id"), table_name="admin_token")
    op.drop_table("admin_token")
    op.drop_index(op.f("ix_admin_session_user_id"), table_name="admin_session")
    op.drop_index(op.f("ix_admin_session_expires_at"), table_name="admin_session")
    op.drop_table("admin_session")
    op.drop_index(
        "uq_admin_grant_all_rows",
        table_name="admin_grant",
        sqlite_where=sa.text("rule IS NULL"),
        postgresql_where=sa.text("rule IS NULL"),
    )
    op.drop_table("admin_grant")
    op.drop_table("admin_user")
    op.drop_index(op.f("ix_admin_sign_in_failure_at"), table_name="admin_sign_in_failure")
    op.drop_table("admin_sign_in_failure")
    op.drop_table("admin_setup_link")
    op.drop_table("admin_role")
    op.drop_index("ix_admin_change_record", table_name="admin_change")
    op.drop_index(op.f("ix_admin_change_change_set"), table_name="admin_change")
    op.drop_table("admin_change")
