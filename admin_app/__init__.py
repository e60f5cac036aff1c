"""One declaration drives everything: declare SQLAlchemy models, get a REST API and a staff panel.

This module is what a declaration imports.
"""

from admin_app.database.types import ExactDecimal
from admin_app.declaration.actor import actor
from admin_app.declaration.base import Base, BigKey, Record
from admin_app.declaration.options import ResourceOptions

__all__ = ["Base", "BigKey", "ExactDecimal", "Record", "ResourceOptions", "actor"]
__version__ = "0.1.0"
