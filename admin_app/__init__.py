"""One declaration drives everything: declare SQLAlchemy models, get a REST API and a staff panel.

This module is what a declaration imports.
"""

from admin_app.database.types import ExactDecimal
from admin_app.declaration.actions import Call, action
from admin_app.declaration.actor import actor
from admin_app.declaration.base import Base, BigKey, Record
from admin_app.declaration.forms import Section, Tab, When
from admin_app.declaration.hooks import Committed, Write
from admin_app.declaration.inlines import Inline
from admin_app.declaration.options import ResourceOptions
from admin_app.declaration.widgets import Widget
from admin_app.errors import ConflictError, FieldError, ForbiddenError, InvalidInputError

__all__ = [
    "Base",
    "BigKey",
    "Call",
    "Committed",
    "ConflictError",
    "ExactDecimal",
    "FieldError",
    "ForbiddenError",
    "Inline",
    "InvalidInputError",
    "Record",
    "ResourceOptions",
    "Section",
    "Tab",
    "When",
    "Widget",
    "Write",
    "action",
    "actor",
]
__version__ = "0.1.0"
