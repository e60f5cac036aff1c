"""Declarations of every type, key and relation there is, with values to put into them.

They stand on ``Base`` with a metadata of their own, so the library's tables and migrations know
nothing of them. ``settings.app.models = ("zoo",)`` serves them.
"""

from zoo.doing import Lamp
from zoo.keys import Composite, Dated, Part, Text, Unique
from zoo.kinds import Specimen
from zoo.names import OddName, Renamed
from zoo.reach import IN_REACH
from zoo.relations import Cage, Folder, Keeper, Label, Loan, Passport, Visit
from zoo.rules import Computing, Ruled, Unversioned, Validated
from zoo.samples import RESOURCES, sample
from zoo.stock import METADATA
from zoo.trash import Sheet, Staple

__all__ = [
    "IN_REACH",
    "METADATA",
    "RESOURCES",
    "Cage",
    "Composite",
    "Computing",
    "Dated",
    "Folder",
    "Keeper",
    "Label",
    "Lamp",
    "Loan",
    "OddName",
    "Part",
    "Passport",
    "Renamed",
    "Ruled",
    "Sheet",
    "Specimen",
    "Staple",
    "Text",
    "Unique",
    "Unversioned",
    "Validated",
    "Visit",
    "sample",
]
