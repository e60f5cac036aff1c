"""A rule for every resource of the zoo, twice: in SQL for the declaration, in Python to check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from admin_app import Base
from zoo.doing import Lamp
from zoo.keys import Composite, Dated, Part, Text, Unique
from zoo.kinds import Specimen
from zoo.names import OddName, Renamed
from zoo.relations import Cage, Folder, Keeper, Label, Loan, Passport, Visit
from zoo.rules import Computing, Ruled, Unversioned, Validated
from zoo.trash import Sheet, Staple

Row = dict[str, Any]

ODD_TEXTS = ("plain", "a/b", "~", "", "é🦉", "\u202e")
NOBODY = "00000000-0000-0000-0000-000000000000"

_RULES: dict[type[Base], tuple[Callable[[Any], Any], Callable[[Row], bool]]] = {
    Unique: (lambda each: each.name.is_not(None), lambda row: row["name"] is not None),
    Text: (lambda each: each.code.in_(ODD_TEXTS), lambda row: row["code"] in ODD_TEXTS),
    Dated: (lambda each: each.name.is_not(None), lambda row: row["name"] is not None),
    Composite: (lambda each: each.number == 1, lambda row: row["number"] == 1),
    Part: (lambda each: each.position == 1, lambda row: row["position"] == 1),
    Renamed: (lambda each: each.label == "one", lambda row: row["label"] == "one"),
    Label: (lambda each: each.name == "first", lambda row: row["name"] == "first"),
    # The first keeper, whom all others refer to, is out of it.
    Keeper: (lambda each: each.id % 2 == 0, lambda row: row["id"] % 2 == 0),
    Visit: (lambda each: each.note == "once", lambda row: row["note"] == "once"),
    **{
        model: (lambda each: each.id % 2 == 1, lambda row: row["id"] % 2 == 1)
        for model in (
            Specimen, OddName, Cage, Folder, Loan, Passport, Computing, Ruled,
            Unversioned, Validated, Lamp, Sheet, Staple,
        )
    },
}  # fmt: skip

for _model, (_rule, _) in _RULES.items():
    _options = _model.__resource__
    _model.__resource__ = replace(_options, rules={**_options.rules, "some": _rule})

IN_REACH = {model.__name__: check for model, (_, check) in _RULES.items()}
"""By class, whether a record as it is answered is one of the rule ``some``."""
