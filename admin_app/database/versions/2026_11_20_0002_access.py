"""Scopes, field rules, second factors, the security log; what administrators administer."""

import sqlalchemy as sa
from alembic import op

revision = "admin_app_0002"
down_revision = "admin_app_0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAMES = sa.ARRAY(sa.String(length=200)).with_variant(sa.JSON(none_as_null=True), "sqlite")
ADMINISTERED = {
    "admin_user": "read create update impersonate",
    "admin_role": "read create update delete",
    "admin_grant": "read create update delete",
    "admin_session": "read delete",
    "admin_token": "read issue revoke",
    "admin_security_event": "read",
}


def upgrade() -> None:
    with op.batch_alter_table("admin_user") as batch:
        batch.add_column(
            sa.Column("service", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch.add_column(sa.Column("totp_secret", sa.String(length=255), nullable=True))
        batch.add_column(sa.Column("totp_enabled_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("totp_step", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("admin_role") as batch:
        batch.add_column(
            sa.Column("second_factor", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    with op.batch_alter_table("admin_grant") as batch:
        batch.add_column(sa.Column("without", NAMES, nullable=True))
    with op.batch_alter_table("admin_session") as batch:
        batch.add_column(
            sa.Column("pending", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("acting_as_id", KEY, nullable=True))
        batch.add_column(
            sa.Column("acting_writes", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch.create_foreign_key(
            op.f("fk_admin_session_acting_as_id_admin_user"),
            "admin_user",
            ["acting_as_id"],
            ["id"],
            ondelete="SET NULL",
        )
    with op.batch_alter_table("admin_token") as batch:
        batch.add_column(sa.Column("scopes", NAMES, nullable=True))
    op.create_table(
        "admin_password_link",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_password_link_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_password_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_admin_password_link_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_admin_password_link_user_id"), "admin_password_link", ["user_id"])
    op.create_table(
        "admin_recovery_code",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["admin_user.id"],
            name=op.f("fk_admin_recovery_code_user_id_admin_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_recovery_code")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_admin_recovery_code_user_id"), "admin_recovery_code", ["user_id"])
    op.create_table(
        "admin_security_event",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=150), nullable=False),
        sa.Column("impersonator", sa.String(length=150), nullable=True),
        sa.Column("subject", sa.String(length=150), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_security_event")),
        sqlite_autoincrement=True,
    )
    for column in ("at", "event", "subject"):
        op.create_index(op.f(f"ix_admin_security_event_{column}"), "admin_security_event", [column])
    op.create_table(
        "admin_request_count",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("window", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window", name=op.f("pk_admin_request_count")),
    )
    _administrators_administer()


def _administrators_administer() -> None:
    """``*`` is every declared resource, and none of the application's own: those are named."""
    role = sa.table("admin_role", sa.column("id"), sa.column("name"))
    grant = sa.table(
        "admin_grant", sa.column("role_id"), sa.column("resource"), sa.column("action")
    )
    owner = sa.select(role.c.id).where(role.c.name == "administrator").scalar_subquery()
    for resource, actions in ADMINISTERED.items():
        for action in actions.split():
            op.execute(grant.insert().values(role_id=owner, resource=resource, action=action))


def downgrade() -> None:
    grant = sa.table("admin_grant", sa.column("resource"))
    op.execute(grant.delete().where(grant.c.resource.in_(list(ADMINISTERED))))
    op.drop_table("admin_request_count")
    for column in ("subject", "event", "at"):
        op.drop_index(op.f(f"ix_admin_security_event_{column}"), table_name="admin_security_event")
    op.drop_table("admin_security_event")
    op.drop_index(op.f("ix_admin_recovery_code_user_id"), table_name="admin_recovery_code")
    op.drop_table("admin_recovery_code")
    op.drop_index(op.f("ix_admin_password_link_user_id"), table_name="admin_password_link")
    op.drop_table("admin_password_link")
    with op.batch_alter_table("admin_token") as batch:
        batch.drop_column("scopes")
    with op.batch_alter_table("admin_session") as batch:
        batch.drop_constraint(op.f("fk_admin_session_acting_as_id_admin_user"), type_="foreignkey")
        batch.drop_column("acting_writes")
        batch.drop_column("acting_as_id")
        batch.drop_column("confirmed_at")
        batch.drop_column("pending")
    with op.batch_alter_table("admin_grant") as batch:
        batch.drop_column("without")
    with op.batch_alter_table("admin_role") as batch:
        batch.drop_column("second_factor")
    with op.batch_alter_table("admin_user") as batch:
        batch.drop_column("totp_step")
        batch.drop_column("totp_enabled_at")
        batch.drop_column("totp_secret")
        batch.drop_column("service")
