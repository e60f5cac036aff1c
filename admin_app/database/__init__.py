"""Engine, transactions, portable types and the migrations runner.

Knows settings and errors, and nothing of models or surfaces.
"""

from admin_app.database.core import Database, savepoint, undone
from admin_app.database.statements import measured
from admin_app.database.types import ExactDecimal

__all__ = ["Database", "ExactDecimal", "measured", "savepoint", "undone"]
