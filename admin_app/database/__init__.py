"""Engine, transactions, portable types and the migrations runner.

Knows settings and errors, and nothing of models or surfaces.
"""

from admin_app.database.computed import within_bounds
from admin_app.database.core import EVERY_TABLE, Database, connection_of, savepoint, undone
from admin_app.database.direct import fetch, fetch_all, run_columns
from admin_app.database.measuring import measured
from admin_app.database.prepared import VALUE_ERRORS, Prepared, Row, asked
from admin_app.database.types import ExactDecimal, InexactError

__all__ = [
    "EVERY_TABLE",
    "VALUE_ERRORS",
    "Database",
    "ExactDecimal",
    "InexactError",
    "Prepared",
    "Row",
    "asked",
    "connection_of",
    "fetch",
    "fetch_all",
    "measured",
    "run_columns",
    "savepoint",
    "undone",
    "within_bounds",
]
