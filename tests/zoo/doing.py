"""What a model does beyond being read and written: actions on a record, on several, on none."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field
from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from admin_app import Call, Committed, FieldError, InvalidInputError, ResourceOptions, action, actor
from zoo.stock import Kept


class Brightness(BaseModel):
    """How bright a lamp is to be."""

    level: int = Field(ge=0, le=10)
    note: str = Field("", max_length=40)


TOLD: list[Committed] = []
"""What the lamps' hook was told, by everybody."""


async def note(done: Committed) -> None:
    TOLD.append(done)
    if any(each.title == "faulty" for each in done.changes):
        msg = "The hook itself is faulty."
        raise RuntimeError(msg)


class Lamp(Kept):
    __resource__ = ResourceOptions(
        rules={"own": lambda lamp: lamp.owner == actor.name}, after_commit=note
    )

    name: Mapped[str] = mapped_column(String(40))
    level: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str | None] = mapped_column(String(40))

    @action(parameters=Brightness)
    @staticmethod
    async def turn_up(call: Call[Brightness]) -> None:
        """Make the lamp brighter."""
        lamp = await call.writes.get("lamp", call.key)
        if call.parameters.level < lamp["level"]:
            wrong = FieldError(("level",), "darker", "That would be darker.")
            raise InvalidInputError("Some values are not valid.", errors=[wrong])
        await call.writes.update("lamp", call.key, {"level": call.parameters.level})

    @action(on="selection", returns=int)
    @staticmethod
    async def turn_off(call: Call[Any]) -> int:
        """Turn the lamps off, and tell how many were on."""
        lit = 0
        for key in call.keys:
            lit += bool((await call.writes.get("lamp", key))["level"])
            await call.writes.update("lamp", key, {"level": 0})
        return lit

    @action(on="resource", parameters=Brightness, returns=dict[str, int])
    @staticmethod
    async def buy(call: Call[Brightness]) -> dict[str, int]:
        """Put another lamp up."""
        await call.writes.create(
            "lamp", {"name": call.parameters.note, "level": call.parameters.level}
        )
        return {"lamps": await call.session.scalar(select(func.count(Lamp.id))) or 0}

    @action()
    @staticmethod
    async def break_(call: Call[Any]) -> None:
        """Throw the lamp away."""
        await call.writes.delete("lamp", call.key)
