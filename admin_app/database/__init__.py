"""Engine, transactions, portable types and the migrations runner.

Knows settings and errors, and nothing of models or surfaces.
"""

from admin_app.database.core import EVERY_TABLE, Database, connection_of, savepoint, undone
from admin_app.database.prepared import VALUE_ERRORS, Prepared, Row
from admin_app.database.statements import measured
from admin_app.database.types import ExactDecimal

__all__ = [
    "EVERY_TABLE",
    "VALUE_ERRORS",
    "Database",
    "ExactDecimal",
    "Prepared",
    "Row",
    "connection_of",
    "measured",
    "savepoint",
    "undone",
]
