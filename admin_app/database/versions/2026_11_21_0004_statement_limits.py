"""How long the statements of a role's holders may run."""

import sqlalchemy as sa
from alembic import op

revision = "admin_app_0004"
down_revision = "admin_app_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("admin_role") as batch:
        batch.add_column(sa.Column("statement_seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("admin_role") as batch:
        batch.drop_column("statement_seconds")
