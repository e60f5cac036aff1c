"""Books and authors are found by their words."""

from alembic import op

from admin_app.database.operations import CreateFullText, DropFullText

revision = "library_0002"
down_revision = "library_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.invoke(CreateFullText("book", ["original_title", "title"]))
    op.invoke(CreateFullText("author", ["name"]))


def downgrade() -> None:
    op.invoke(DropFullText("author", ["name"]))
    op.invoke(DropFullText("book", ["original_title", "title"]))
