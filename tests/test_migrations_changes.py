"""What is true of the changes people make to tables that hold rows already."""

from __future__ import annotations

import enum
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from conftest import KINDS, LIBRARY, FreshSettings
from sqlalchemy import MetaData, Table
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import DeclarativeBase
from test_migrations import (
    BOOKS,
    HEAD,
    add_column,
    at,
    execute,
    library,
    own_project,
    rows,
    using,
    write,
)

from admin_app import ExactDecimal
from admin_app.database.migrations import Migrations
from admin_app.declaration import DeclarationError, Registry
from admin_app.errors import SetupError
from admin_app.settings import Settings

DAY = date(2024, 2, 29)
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
NAMELESS = uuid.UUID(int=7)


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Level(enum.IntEnum):
    LOW = 1


def sizes(kinds: type[Size]) -> list[str]:
    return [each.value for each in kinds]


DEFAULTS: dict[str, tuple[sa.types.TypeEngine[Any], Any, Any]] = {
    "bool": (sa.Boolean(), False, False),
    "int": (sa.Integer(), 3, 3),
    "level": (sa.Integer(), Level.LOW, 1),
    "float": (sa.Double(), 0.1, 0.1),
    "str": (sa.String(30), 'it\'s "so" (\\', 'it\'s "so" (\\'),
    "exact": (ExactDecimal(10, 2), Decimal("1.50"), Decimal("1.50")),
    "exact int": (ExactDecimal(10, 2), 0, Decimal(0)),
    "size": (
        sa.Enum(Size, native_enum=False, length=10, values_callable=sizes),
        Size.LARGE,
        "l",
    ),
    "checked": (
        sa.Enum("a", "b", native_enum=False, length=10, create_constraint=True, name="checked"),
        "b",
        "b",
    ),
    "date": (sa.Date(), DAY, DAY),
    "aware": (sa.DateTime(timezone=True), NOON, NOON),
    "naive": (sa.DateTime(), NOON.replace(tzinfo=None), NOON.replace(tzinfo=None)),
    "time": (sa.Time(), time(9, 30), time(9, 30)),
    "interval": (sa.Interval(), timedelta(hours=1), timedelta(hours=1)),
    "uuid": (sa.Uuid(), NAMELESS, NAMELESS),
    "bytes": (sa.LargeBinary(), b"\x00a", b"\x00a"),
    "json": (sa.JSON(), {"a": [1, None]}, {"a": [1, None]}),
}


@pytest.fixture
def project(settings: Settings) -> Settings:
    return own_project(settings)


def required(*columns: sa.Column[Any]) -> Callable[[MetaData], object]:
    def change(models: MetaData) -> None:
        for each in columns:
            models.tables["book"].append_column(each)

    return change


async def written(runner: Migrations, message: str = "Change") -> str:
    """Write a revision; returns its text."""
    path = await runner.revision(message)
    assert path is not None
    return path.read_text("utf-8")


async def kept(settings: Settings, models: MetaData, column: str) -> list[Any]:
    """What the books have in a column, through its type."""
    book = models.tables["book"]
    plain = book.c[column].type
    if isinstance(plain, sa.Enum):
        plain = sa.String()

    async def work(connection: AsyncConnection) -> list[Any]:
        found = await connection.execute(
            sa.select(sa.type_coerce(book.c[column], plain)).order_by(book.c.id)
        )
        return list(found.scalars())

    return await using(settings, lambda database: database.read(work))


class TestRequiredColumn:
    """A column that must be filled, in a table that has rows."""

    @pytest.mark.slow
    @pytest.mark.parametrize("name", DEFAULTS)
    async def test_added(self, name: str, project: Settings) -> None:
        """Rows that exist get the default, and the database has none of its own afterwards."""
        type_, default, expected = DEFAULTS[name]
        await execute(project, *BOOKS)
        column = sa.Column("seen", type_, nullable=False, default=default)
        models = library(required(column))
        runner = Migrations(project, models)

        await written(runner)
        await runner.upgrade()

        assert await runner.check() == []
        assert await kept(project, models, "seen") == [expected, expected]
        assert await rows(project, "SELECT text, stars FROM comment") == [("Good", 4)]
        with pytest.raises(IntegrityError):
            await execute(project, "INSERT INTO book (version, title) VALUES (1, 'New')")
        await runner.downgrade("-1")
        await runner.upgrade()
        assert await kept(project, models, "seen") == [expected, expected]

    async def test_several_at_once(self, project: Settings) -> None:
        """So it is beside other changes of the table: rules, indexes, columns that may be empty."""
        await execute(project, *BOOKS)
        models = library(
            required(
                sa.Column("order", sa.Integer, nullable=False, default=1),
                sa.Column("shelf", sa.String(10)),
                sa.Column("loud", sa.Boolean, nullable=False, default=True, index=True),
                sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default="2020"),
                sa.Column("owner", sa.ForeignKey("author.id"), nullable=False, default=2),
            )
        )
        models.tables["book"].c["at"].server_default = sa.DefaultClause(sa.func.now())
        models.tables["book"].append_constraint(
            sa.CheckConstraint('"order" > 0', name="order_positive")
        )
        models.tables["book"].c.title.type = sa.String(400)
        runner = Migrations(project, models)

        await written(runner)
        await runner.upgrade()

        assert await runner.check() == []
        assert await kept(project, models, "order") == [1, 1]
        assert await kept(project, models, "owner") == [2, 2]

    async def test_written_here_applied_there(
        self, settings: Settings, fresh_settings: FreshSettings
    ) -> None:
        """A revision written on one database fills the rows of the other one alike."""
        columns = [
            sa.Column(name.replace(" ", "_"), type_, nullable=False, default=default)
            for name, (type_, default, _) in DEFAULTS.items()
        ]
        models = library(required(*columns))
        here = own_project(settings)
        await written(Migrations(here, models))
        for kind in KINDS:
            there = at(fresh_settings(kind), here.migrations)
            await execute(there, *BOOKS)
            runner = Migrations(there, models)
            await runner.upgrade()
            assert await runner.check() == []
            for name, (_, _, expected) in DEFAULTS.items():
                found = await kept(there, models, name.replace(" ", "_"))
                assert found == [expected, expected]

    async def test_no_longer_empty(self, project: Settings) -> None:
        """A column that may be empty no more gets the default where it is empty."""
        await execute(project, *BOOKS, "UPDATE book SET pages = 10 WHERE id = 1")
        models = library()
        models.tables["book"].append_column(
            sa.Column("pages", sa.BigInteger, nullable=False, default=5), replace_existing=True
        )
        runner = Migrations(project, models)

        await written(runner)
        await runner.upgrade()

        assert await runner.check() == []
        assert await kept(project, models, "pages") == [10, 5]

    @pytest.mark.parametrize("default", [None, dict, sa.func.current_date()], ids=str)
    async def test_without_default(self, default: Any, project: Settings) -> None:
        """Where there is no value for rows that exist, none is made up: nothing is written."""
        await execute(project, *BOOKS)
        before = sorted(project.migrations.rglob("*.py"))
        column = sa.Column("seen", sa.JSON, nullable=False, default=default)
        runner = Migrations(project, library(required(column)))

        with pytest.raises(SetupError, match=r"^book\.seen must be filled.*Give it a default"):
            await runner.revision("Seen")

        assert sorted(project.migrations.rglob("*.py")) == before

    async def test_renamed_without_default(self, project: Settings) -> None:
        """The refusal says how to write down that a column was renamed, and that works."""
        await execute(project, *BOOKS)
        rename = "op.alter_column('book', 'title', new_column_name='name')"

        def change(models: MetaData) -> None:
            models.tables["book"]._columns.remove(models.tables["book"].c.title)
            models.tables["book"].indexes.clear()
            models.tables["book"].append_column(sa.Column("name", sa.String(300), nullable=False))

        with pytest.raises(SetupError) as caught:
            await Migrations(project, library(change)).revision("Name")
        assert rename in str(caught.value)
        write(project, "renamed", HEAD, rename)
        await Migrations(project, LIBRARY).upgrade()
        assert await rows(project, "SELECT name FROM book ORDER BY id") == [("One",), ("Two",)]

    async def test_without_default_in_empty_table(
        self, project: Settings, caplog: pytest.LogCaptureFixture
    ) -> None:
        """In a table without rows it is written, with a warning for databases that have some."""
        column = sa.Column("seen", sa.Integer, nullable=False)
        runner = Migrations(project, library(required(column)))

        text = await written(runner)
        await runner.upgrade()

        assert "    # Fails where table book has rows: book.seen must be filled" in text
        sentence = (
            "Fails where table book has rows: book.seen must be filled, and the models give it"
            " no default that can be written here."
        )
        assert caplog.record_tuples == [("admin_app", logging.WARNING, sentence)]
        assert await runner.check() == []

    async def test_fails_in_words(self, project: Settings, settings: Settings) -> None:
        """Applied where there are rows, such a revision fails with its name and the reason."""
        column = sa.Column("seen", sa.Integer, nullable=False)
        runner = Migrations(project, library(required(column)))
        await written(runner)
        await execute(project, *BOOKS)

        with pytest.raises(SetupError) as caught:
            await runner.upgrade()

        (pending,) = (await runner.current()).pending
        said = str(caught.value)
        assert said.startswith(f"Revision {pending} failed, and nothing was changed: ")
        assert said.endswith(
            "Cannot add a NOT NULL column with default value NULL"
            if settings.embedded
            else 'column "seen" of relation "book" contains null values'
        )
        assert isinstance(caught.value.__cause__, DBAPIError)

    async def test_way_back(self, project: Settings) -> None:
        """The way back of a dropped column that must be filled says where it cannot succeed."""
        models = library(lambda each: each.tables["reader"]._columns.remove(_active(each)))

        text = await written(Migrations(project, models))

        _, back = text.split("def downgrade")
        assert "# Fails where table reader has rows: active must be filled" in back


def _active(models: MetaData) -> sa.Column[Any]:
    found: sa.Column[Any] = models.tables["reader"].c.active
    return found


class TestFailure:
    """A revision that the database refuses."""

    async def test_names_revision(self, project: Settings) -> None:
        """It is named, with the first line of what the database says and no value."""
        write(project, "fine", HEAD, "pass")
        insert = (
            "op.execute(sa.text('INSERT INTO author (id, version, name) VALUES (1, 1, :secret)')"
            ".bindparams(secret='hidden'))"
        )
        write(project, "broken", "fine", f"{insert}\n    {insert}")

        with pytest.raises(SetupError) as caught:
            await Migrations(project, LIBRARY).upgrade()

        said = str(caught.value)
        assert said.startswith("Revision broken failed, and nothing was changed: ")
        assert not any(each in said for each in ("hidden", "INSERT", "sqlalche.me", "\n", "<class"))
        assert isinstance(caught.value.__cause__, IntegrityError)

    async def test_names_revision_taken_back(self, project: Settings) -> None:
        """So is one that cannot be taken back."""
        write(project, "broken", HEAD, "pass", "op.execute('DROP TABLE nothing')")
        runner = Migrations(project, LIBRARY)
        await runner.upgrade()

        with pytest.raises(SetupError, match=r"^Revision broken failed.*nothing"):
            await runner.downgrade("-1")

        assert set((await runner.current()).applied) == {"admin_app_0007", "broken"}

    async def test_after_autocommit(self, project: Settings) -> None:
        """What was kept by leaving the transaction is not denied."""
        write(
            project,
            "outside",
            HEAD,
            "with op.get_context().autocommit_block():\n        op.execute('DROP TABLE nothing')",
        )

        with pytest.raises(SetupError, match="Revision outside failed, and what its autocommit"):
            await Migrations(project, LIBRARY).upgrade()


def priced(type_: sa.types.TypeEngine[Any]) -> MetaData:
    return library(add_column("book", "price", type_))


async def with_price(project: Settings, type_: sa.types.TypeEngine[Any], *values: Any) -> None:
    """Give each book in turn a price, by way of a revision."""
    runner = Migrations(project, priced(type_))
    await written(runner, "Price")
    await runner.upgrade()
    for number, value in enumerate(values, 1):
        await execute(
            project,
            f"INSERT INTO book (id, version, title, price) VALUES ({number}, 1, 'A', {value})",
        )


async def changed(project: Settings, type_: sa.types.TypeEngine[Any]) -> list[Any]:
    """Change the type of the price; returns what the books cost then."""
    models = priced(type_)
    runner = Migrations(project, models)
    assert [each.split(" is ")[0] for each in await runner.check()] == [
        "type of column price of table book"
    ]
    await written(runner)
    await runner.upgrade()
    assert await runner.check() == []
    return await kept(project, models, "price")


class TestExactDecimal:
    """Types that become, or were, exact decimals keep what is stored."""

    @pytest.mark.parametrize(
        ("before", "stored"),
        [
            (sa.Numeric(12, 3), ["9.99", "10", "NULL", "-0.5", "0.07", "1.005"]),
            (sa.Double(), ["9.99", "10", "NULL", "-0.5", "0.07", "1.005"]),
            (sa.String(30), ["'9.99'", "'10'", "NULL", "'-.5'", "' 0.07'", "'1.005'"]),
        ],
        ids=["numeric", "double", "text"],
    )
    @pytest.mark.slow
    async def test_from_others(
        self, before: sa.types.TypeEngine[Any], stored: list[str], project: Settings
    ) -> None:
        """Fractions and texts become exact decimals, rounded as PostgreSQL rounds."""
        await with_price(project, before, *stored)

        found = await changed(project, ExactDecimal(10, 2))

        expected = ["9.99", "10", None, "-0.5", "0.07", "1.01"]
        assert found == [each if each is None else Decimal(each) for each in expected]
        await Migrations(project, LIBRARY).downgrade("-1")
        assert await Migrations(project, priced(before)).check() != []
        (first, *_) = await rows(project, "SELECT price FROM book ORDER BY id")
        assert Decimal(str(first[0])) == Decimal("9.99")

    @pytest.mark.parametrize("before", [sa.Integer(), sa.BigInteger()], ids=str)
    async def test_from_whole_numbers(
        self, before: sa.types.TypeEngine[Any], project: Settings
    ) -> None:
        """Whole numbers mean the same as exact decimals, and on the way back."""
        await with_price(project, before, "12", "NULL")

        assert await changed(project, ExactDecimal(10, 2)) == [12, None]
        await Migrations(project, LIBRARY).downgrade("-1")
        assert await rows(project, "SELECT price FROM book ORDER BY id") == [(12,), (None,)]

    @pytest.mark.parametrize("digits", ["12345678901234.5678", "99999999999999.9999"])
    async def test_long_text_is_exact(self, digits: str, project: Settings) -> None:
        """Every digit of a text is kept, more than a binary fraction holds."""
        await with_price(project, sa.String(30), f"'{digits}'")

        assert await changed(project, ExactDecimal(18, 4)) == [Decimal(digits)]
        await Migrations(project, LIBRARY).downgrade("-1")
        assert await rows(project, "SELECT price FROM book") == [(digits,)]

    async def test_scale(self, project: Settings) -> None:
        """Another scale is seen, and what is stored means the same with it, there and back."""
        cents = "150" if project.embedded else "1.50"
        await with_price(project, ExactDecimal(10, 2), cents)

        assert await changed(project, ExactDecimal(12, 4)) == [Decimal("1.5")]
        await Migrations(project, LIBRARY).downgrade("-1")
        assert await kept(project, priced(ExactDecimal(10, 2)), "price") == [Decimal("1.5")]

    async def test_precision(self, project: Settings) -> None:
        """Another precision is seen too, and what has more digits is refused."""
        await with_price(project, ExactDecimal(10, 2), "150")
        await execute(project, "UPDATE book SET price = price * 1000")
        runner = Migrations(project, priced(ExactDecimal(4, 2)))
        await written(runner)

        with pytest.raises(SetupError, match=r"price|overflow"):
            await runner.upgrade()
        await execute(project, "UPDATE book SET price = price / 10000")
        await runner.upgrade()

        assert await runner.check() == []

    async def test_no_number(self, project: Settings) -> None:
        """What is no number stops the change, which leaves everything as it was."""
        await with_price(project, sa.String(30), "'9.99'", "'cheap'")
        runner = Migrations(project, priced(ExactDecimal(10, 2)))
        await written(runner)

        with pytest.raises(SetupError, match=r"1 rows book\.price holds no number|invalid input"):
            await runner.upgrade()

        assert await rows(project, "SELECT price FROM book ORDER BY id") == [("9.99",), ("cheap",)]

    async def test_replaced_table_keeps_scale(self, fresh_settings: FreshSettings) -> None:
        """A SQLite table replaced for another reason keeps its exact decimals as they are."""
        project = own_project(fresh_settings("sqlite"))
        await with_price(project, ExactDecimal(10, 2), "150")
        models = priced(ExactDecimal(10, 2))
        models.tables["book"].c.title.type = sa.String(400)
        runner = Migrations(project, models)

        await written(runner)
        await runner.upgrade()

        assert await runner.check() == []
        assert await kept(project, models, "price") == [Decimal("1.50")]

    async def test_foreign_integers(self, fresh_settings: FreshSettings) -> None:
        """A BIGINT with a length that is no scale of ours stays a whole number."""
        project = own_project(fresh_settings("sqlite"))
        await execute(
            project,
            "ALTER TABLE book ADD COLUMN a BIGINT(20)",
            "ALTER TABLE book ADD COLUMN b BIGINT(40, 2)",
        )
        models = library(required(*(sa.Column(each, sa.BigInteger) for each in "ab")))

        assert await Migrations(project, models).check() == []

    @pytest.mark.parametrize("stored", ["1.5", "'cheap'"])
    async def test_misread_never(self, stored: str, fresh_settings: FreshSettings) -> None:
        """What another program wrote into a SQLite column as no whole number is not read at all."""
        project = own_project(fresh_settings("sqlite"))
        await with_price(project, ExactDecimal(10, 2), stored)

        with pytest.raises(TypeError, match=r"ExactDecimal\(10, 2\) is a whole number on SQLite"):
            await kept(project, priced(ExactDecimal(10, 2)), "price")


class TestMistakes:
    """SQL text that means another number on SQLite is a mistake of the declaration."""

    @staticmethod
    def problems(scale: int, *rules: sa.CheckConstraint, default: Any = None) -> list[str]:
        class Own(DeclarativeBase):
            pass

        class Product(Own):
            __table__ = Table(
                "product",
                Own.metadata,
                sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("price", ExactDecimal(10, scale), server_default=default),
                sa.Column("count", sa.Integer, server_default="7"),
                *rules,
            )

        try:
            Registry.from_base(Own, [__name__])
        except DeclarationError as error:
            return list(error.problems)
        finally:
            Own.registry.dispose()
        return []

    @pytest.mark.parametrize("default", ["9.90", sa.text("1.5"), "'1'"], ids=str)
    def test_server_default(self, default: Any) -> None:
        """A server default in text is one, unless it is nothing."""
        (found,) = self.problems(2, default=default)

        assert found.startswith("Product.price: server_default ")
        assert "times 100; give default=Decimal(…)" in found

    @pytest.mark.parametrize("default", ["0", "0.00", sa.text("(0)"), sa.text("NULL")], ids=str)
    def test_zero(self, default: Any) -> None:
        """Zero is zero at every scale."""
        assert self.problems(2, default=default) == []

    def test_typed_default(self) -> None:
        """A server default that knows its type means the same on both databases."""
        typed = sa.literal(Decimal("9.90"), ExactDecimal(10, 2))

        assert self.problems(2, default=typed) == []

    def test_no_places(self) -> None:
        """Without decimal places there is nothing to get wrong."""
        assert self.problems(0, sa.CheckConstraint("price < 5"), default="3") == []

    @pytest.mark.parametrize(
        "condition",
        [
            "price < 100",
            "price BETWEEN 0 AND 5",
            "price >= 0 AND price <= 9.5",
            "price > 0.5",
            "price - 5 > 0",
            "(price) > 5",
            "count > 0 OR product.PRICE > count",
            '0 < "price" + 5',
        ],
    )
    def test_check(self, condition: str) -> None:
        """A check in text that compares with anything but zero is one."""
        (found,) = self.problems(2, sa.CheckConstraint(condition))

        assert found.startswith(f"Product.price: the check {condition!r} is text")
        assert "@validates" in found

    @pytest.mark.parametrize(
        "condition",
        [
            "price >= 0",
            'product."price">0.00',
            "0 <= price",
            "price IS NOT NULL AND NOT (price < 0 OR count > 5)",
            "price IS NULL OR price <> 0",
            "count < 5",
            "'price < 5' <> ''",
        ],
    )
    def test_harmless_check(self, condition: str) -> None:
        """One that compares with zero only, or another column, is none."""
        assert self.problems(2, sa.CheckConstraint(condition)) == []

    def test_typed_check(self) -> None:
        """One that is an expression knows the type, and means the same on both databases."""
        price = sa.column("price", ExactDecimal(10, 2))

        assert self.problems(2, sa.CheckConstraint(price < Decimal("9.50"))) == []


class TestDropped:
    """A revision that drops something says so."""

    async def test_column(self, project: Settings, caplog: pytest.LogCaptureFixture) -> None:
        """The column is named, with what to do if it was renamed."""
        models = library(
            lambda each: each.tables["book"]._columns.remove(each.tables["book"].c.description)
        )

        text = await written(Migrations(project, models))

        sentence = (
            "Drops book.description with all that is in it. If description was renamed, edit the"
            " revision: op.alter_column('book', 'description', new_column_name='…')"
        )
        assert [each.message for each in caplog.records] == [sentence]
        up, down = _comments(text)
        assert (up, down) == (sentence, "")

    async def test_table(self, project: Settings, caplog: pytest.LogCaptureFixture) -> None:
        """So is the table."""
        models = library(lambda each: each.remove(each.tables["comment"]))

        text = await written(Migrations(project, models))

        sentence = (
            "Drops table comment with all that is in it. If it was renamed, edit the revision:"
            " op.rename_table('comment', …)"
        )
        assert [each.message for each in caplog.records] == [sentence]
        assert _comments(text) == (sentence, "")


def _comments(text: str) -> tuple[str, str]:
    """The comments of both ways of a revision."""
    up, down = (
        " ".join(
            line.strip().removeprefix("#").strip()
            for line in part.splitlines()
            if line.strip().startswith("#")
        )
        for part in text.split("def downgrade")
    )
    return up, down
