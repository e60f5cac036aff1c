"""Books get lost and found, and deleted comments can be restored."""

import sqlalchemy as sa
from alembic import op

revision = "library_0003"
down_revision = "library_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("book") as book:
        book.add_column(sa.Column("lost_on", sa.Date(), nullable=True))
    with op.batch_alter_table("comment") as comment:
        comment.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
        comment.create_index(comment.f("ix_comment_deleted_at"), ["deleted_at"])


def downgrade() -> None:
    with op.batch_alter_table("comment") as comment:
        comment.drop_index(comment.f("ix_comment_deleted_at"))
        comment.drop_column("deleted_at")
    with op.batch_alter_table("book") as book:
        book.drop_column("lost_on")
