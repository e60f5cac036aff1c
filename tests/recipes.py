"""Models with inlines: a table in an order of its own, and records one below the other."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, MetaData, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from admin_app import Base, Inline, Record, ResourceOptions
from admin_app.database import Database
from admin_app.declaration import SYSTEM, Registry
from admin_app.records import Records
from admin_app.settings import Settings

METADATA = MetaData(naming_convention=Base.metadata.naming_convention)
MANY = 500


class Recipe(Record):
    __resource__ = ResourceOptions(
        inlines=[
            Inline("steps", fields=["text", "minutes", "cook"], order_by="position"),
            Inline("hints", style="stack", extra=1),
        ]
    )
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(40))
    steps: Mapped[list[Step]] = relationship(back_populates="recipe", passive_deletes=True)
    hints: Mapped[list[Hint]] = relationship(back_populates="recipe", passive_deletes=True)


class Cook(Record):
    __resource__ = ResourceOptions(detail=["town", "age"])
    metadata = METADATA

    name: Mapped[str] = mapped_column(String(40))
    town: Mapped[str | None] = mapped_column(String(40))
    age: Mapped[int | None]


class Step(Record):
    __resource__ = ResourceOptions(rules={"quick": lambda step: step.minutes < 10})
    __table_args__ = (CheckConstraint("minutes >= 0", name="minutes"),)
    metadata = METADATA

    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipe.id", ondelete="CASCADE"), index=True)
    cook_id: Mapped[int | None] = mapped_column(ForeignKey("cook.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(String(80))
    minutes: Mapped[int] = mapped_column(default=1)
    position: Mapped[int | None]
    recipe: Mapped[Recipe] = relationship(back_populates="steps")
    cook: Mapped[Cook | None] = relationship()


class Hint(Record):
    """Changed and deleted by who says which version they mean; its code is never shown."""

    __resource__ = ResourceOptions(require_if_match=True, sensitive=["code"])
    metadata = METADATA

    recipe_id: Mapped[int] = mapped_column(ForeignKey("recipe.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(String(80))
    public: Mapped[bool] = mapped_column(default=True)
    code: Mapped[str | None] = mapped_column(String(40))
    picture: Mapped[bytes | None]
    recipe: Mapped[Recipe] = relationship(back_populates="hints")


async def prepare(settings: Settings) -> None:
    """A recipe with three steps and a hint, and one with very many steps."""
    from conftest import migrated  # noqa: PLC0415 - it is what tests stand on
    from panel import SEED, people  # noqa: PLC0415

    await migrated(settings)
    database = Database(settings)
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await people(database)
    registry = Registry.from_base(Base, ["recipes"])
    records = Records(database, registry, b"x" * 32)
    steps = [
        {"text": text, "minutes": 5 * at, "position": at}
        for at, text in enumerate(("Wash", "Cut", "Cook"), start=1)
    ]
    soup = {"name": "Soup", "steps": {"create": steps}, "hints": {"create": [{"text": "Salt"}]}}
    many = [{"text": f"Stir {at:03}", "position": at} for at in range(1, MANY + 1)]
    stew = {"name": "Stew", "steps": {"create": many}}
    for resource, body in (
        ("cook", {"name": "Ann", "town": "Rome", "age": 30}),
        ("recipe", soup),
        ("recipe", stew),
    ):
        await records.create(SYSTEM, registry[resource], body, origin=SEED)
    await database.close()
