"""``Reading``: the state of a parse, its errors, and the bounds of the whole request.

Every part of the grammar is given one, so that a request is refused with all its mistakes at once
and is bounded as a whole, whatever is nested in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pydantic_core

from admin_app.declaration import Registry
from admin_app.errors import MAX_ERRORS, BadRequestError, FieldError
from admin_app.suggestions import meant

MAX_CONDITIONS = 100
"""Comparisons of one request, combinations of them counted too."""
MAX_VALUES = 5_000
"""Values of all lists of one request, well below every driver's limit of parameters."""
MAX_STEPS = 20
"""Relations that the filters of one request go through."""
MAX_NAME = 100
"""Characters of an unknown name that are compared and quoted."""

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Reading:
    """The state of one request's parse. ``registry`` is as the actor sees it."""

    registry: Registry
    errors: list[FieldError] = field(default_factory=list)
    conditions: int = 0
    values: int = 0
    steps: int = 0
    timed: bool = False
    """Whether a condition has a period, which depends on the time of the read."""

    def refuse(self, path: Path, code: str, detail: str) -> None:
        """Add an error at ``path``.

        Raises ``BadRequestError`` when there are as many as one answer lists: to look for more, and
        for what was meant, would take a while.
        """
        self.errors.append(FieldError(path, code, detail))
        if len(self.errors) == MAX_ERRORS:
            self.finish()

    def refuse_unknown(self, path: Path, code: str, name: str, known: Iterable[str]) -> None:
        """Add an error for an unknown name, with the nearest known one."""
        names = list(known)
        near = meant(name, names)
        self.refuse(path, code, f"Unknown.{near} Known are {', '.join(names)}.")

    def refuse_value(self, path: Path, error: BadRequestError) -> None:
        """Add an error for a value that cannot be read."""
        self.refuse(path, "bad_value", error.detail)

    def count_condition(self, path: Path, values: int = 1, steps: int = 0) -> None:
        """Count a condition against the request's bounds; each bound is refused once."""
        for name, more, limit, what in (
            ("conditions", 1, MAX_CONDITIONS, "conditions"),
            ("values", values, MAX_VALUES, "values"),
            ("steps", steps, MAX_STEPS, "steps through relations"),
        ):
            before = getattr(self, name)
            setattr(self, name, before + more)
            if before <= limit < before + more:
                self.refuse(path, "too_many_filters", f"At most {limit:,} {what} in a request.")

    @property
    def full(self) -> bool:
        """Whether the bounds are used up, so that what follows need not be read."""
        return self.conditions > MAX_CONDITIONS

    def finish(self) -> None:
        """Raise ``BadRequestError`` with everything that is wrong, if anything is."""
        if self.errors:
            msg = "The list cannot be read as asked."
            raise BadRequestError(msg, errors=self.errors)


def json_of(text: str | bytes) -> Any:
    """Read JSON as bodies are read. Raises ``BadRequestError``."""
    try:
        return pydantic_core.from_json(text, allow_inf_nan=False)
    except ValueError as error:
        msg = "This is not JSON."
        raise BadRequestError(msg) from error
