"""Types that become, or were, exact decimals keep what is stored."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from changing import kept, required, written
from conftest import LIBRARY, FreshSettings
from revisions import add_column, execute, library, own_project, rows
from sqlalchemy import MetaData, Table
from sqlalchemy.orm import DeclarativeBase

from admin_app import ExactDecimal
from admin_app.database.migrations import Migrations
from admin_app.declaration import DeclarationError, Registry
from admin_app.errors import SetupError
from admin_app.settings import Settings


@pytest.fixture
def project(settings: Settings) -> Settings:
    return own_project(settings)


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
