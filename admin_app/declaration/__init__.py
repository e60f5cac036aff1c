"""What a model says: ``Base``, ``ResourceOptions``, and the resources resolved from both."""

from admin_app.declaration.actions import Call, DeclaredAction, Writes, action
from admin_app.declaration.actor import (
    ACTIONS,
    ANONYMOUS,
    COMMAND_LINE,
    EVERY_OWN_RESOURCE,
    EVERY_RESOURCE,
    SYSTEM,
    Action,
    Actor,
    Grant,
    Origin,
    acting,
    actor,
    stamped,
)
from admin_app.declaration.base import OUR_PREFIX, Base, BigKey, Record
from admin_app.declaration.fields import Field, Kind, Reference, Relation
from admin_app.declaration.hooks import Committed, CommittedChange, Hook, Write
from admin_app.declaration.options import ResourceOptions
from admin_app.declaration.registry import DeclarationError, Registry
from admin_app.declaration.resource import Key, Resource

__all__ = [
    "ACTIONS",
    "ANONYMOUS",
    "COMMAND_LINE",
    "EVERY_OWN_RESOURCE",
    "EVERY_RESOURCE",
    "OUR_PREFIX",
    "SYSTEM",
    "Action",
    "Actor",
    "Base",
    "BigKey",
    "Call",
    "Committed",
    "CommittedChange",
    "DeclarationError",
    "DeclaredAction",
    "Field",
    "Grant",
    "Hook",
    "Key",
    "Kind",
    "Origin",
    "Record",
    "Reference",
    "Registry",
    "Relation",
    "Resource",
    "ResourceOptions",
    "Write",
    "Writes",
    "acting",
    "action",
    "actor",
    "stamped",
]
