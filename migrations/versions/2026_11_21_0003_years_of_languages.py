"""Books of a language are found by their year."""

from alembic import op

revision = "library_0004"
down_revision = "library_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_book_language_year", "book", ["language", "year"])
    op.drop_index("ix_book_language", "book")


def downgrade() -> None:
    op.create_index("ix_book_language", "book", ["language"])
    op.drop_index("ix_book_language_year", "book")
