"""The library: authors, books, readers, comments."""

import sqlalchemy as sa
from alembic import op

import admin_app

revision = "library_0001"
down_revision = None
branch_labels = None
depends_on = "admin_app_0001"


def upgrade() -> None:
    op.create_table(
        "author",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=80), nullable=True),
        sa.Column("born", sa.Integer(), nullable=True),
        sa.Column("died", sa.Integer(), nullable=True),
        sa.Column("bio", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_author")),
        sa.UniqueConstraint("name", name=op.f("uq_author_name")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_author_country"), "author", ["country"], unique=False)
    op.create_table(
        "reader",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("card_number", sa.String(length=20), nullable=False),
        sa.Column("joined", sa.Date(), nullable=False),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader")),
        sa.UniqueConstraint("card_number", name=op.f("uq_reader_card_number")),
        sa.UniqueConstraint("email", name=op.f("uq_reader_email")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reader_name"), "reader", ["name"], unique=False)
    op.create_table(
        "book",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("original_title", sa.String(length=300), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column(
            "format",
            sa.Enum(
                "hardcover",
                "paperback",
                "ebook",
                "audiobook",
                name="bookformat",
                native_enum=False,
                length=64,
            ),
            nullable=True,
        ),
        sa.Column("rating", admin_app.ExactDecimal(3, 2), nullable=True),
        sa.Column("isbn", sa.String(length=20), nullable=True),
        sa.Column("description", sa.String(length=2000), nullable=True),
        sa.Column(
            "added_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column(
            "added_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(
            ["added_by_id"],
            ["admin_user.id"],
            name=op.f("fk_book_added_by_id_admin_user"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book")),
        sa.UniqueConstraint("source_id", name=op.f("uq_book_source_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_book_isbn"), "book", ["isbn"], unique=False)
    op.create_index(op.f("ix_book_language"), "book", ["language"], unique=False)
    op.create_index(op.f("ix_book_title"), "book", ["title"], unique=False)
    op.create_index(op.f("ix_book_year"), "book", ["year"], unique=False)
    op.create_table(
        "book_author",
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["author.id"],
            name=op.f("fk_book_author_author_id_author"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["book_id"], ["book.id"], name=op.f("fk_book_author_book_id_book"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("book_id", "author_id", name=op.f("pk_book_author")),
    )
    op.create_index(op.f("ix_book_author_author_id"), "book_author", ["author_id"], unique=False)
    op.create_table(
        "comment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("book_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reader_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("stars", sa.SmallInteger(), nullable=True),
        sa.Column(
            "posted_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name=op.f("ck_comment_stars")),
        sa.ForeignKeyConstraint(
            ["book_id"], ["book.id"], name=op.f("fk_comment_book_id_book"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reader_id"],
            ["reader.id"],
            name=op.f("fk_comment_reader_id_reader"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_comment_book_id"), "comment", ["book_id"], unique=False)
    op.create_index(op.f("ix_comment_posted_at"), "comment", ["posted_at"], unique=False)
    op.create_index(op.f("ix_comment_reader_id"), "comment", ["reader_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_comment_reader_id"), table_name="comment")
    op.drop_index(op.f("ix_comment_posted_at"), table_name="comment")
    op.drop_index(op.f("ix_comment_book_id"), table_name="comment")
    op.drop_table("comment")
    op.drop_index(op.f("ix_book_author_author_id"), table_name="book_author")
    op.drop_table("book_author")
    op.drop_index(op.f("ix_book_year"), table_name="book")
    op.drop_index(op.f("ix_book_title"), table_name="book")
    op.drop_index(op.f("ix_book_language"), table_name="book")
    op.drop_index(op.f("ix_book_isbn"), table_name="book")
    op.drop_table("book")
    op.drop_index(op.f("ix_reader_name"), table_name="reader")
    op.drop_table("reader")
    op.drop_index(op.f("ix_author_country"), table_name="author")
    op.drop_table("author")
