"""What a model says: ``Base``, ``ResourceOptions``, and the resources resolved from both."""

from admin_app.declaration.actor import (
    ACTIONS,
    ANONYMOUS,
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
from admin_app.declaration.fields import Field, Kind, Relation
from admin_app.declaration.options import ResourceOptions
from admin_app.declaration.registry import DeclarationError, Registry
from admin_app.declaration.resource import Key, Resource

__all__ = [
    "ACTIONS",
    "ANONYMOUS",
    "EVERY_OWN_RESOURCE",
    "EVERY_RESOURCE",
    "OUR_PREFIX",
    "SYSTEM",
    "Action",
    "Actor",
    "Base",
    "BigKey",
    "DeclarationError",
    "Field",
    "Grant",
    "Key",
    "Kind",
    "Origin",
    "Record",
    "Registry",
    "Relation",
    "Resource",
    "ResourceOptions",
    "acting",
    "actor",
    "stamped",
]
