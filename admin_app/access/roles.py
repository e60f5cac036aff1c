"""The roles that ship. Once a migration has written them they are rows like any other."""

from __future__ import annotations

from typing import NamedTuple

from admin_app.declaration import ACTIONS, OUR_PREFIX

ADMINISTRATOR = "administrator"
EDITOR = "editor"
VIEWER = "viewer"


class ShippedRole(NamedTuple):
    """A role's name, its description, and its grants as (resource, action), on all rows."""

    name: str
    description: str
    grants: tuple[tuple[str, str], ...]


_EVERYTHING = tuple(("*", str(action)) for action in ACTIONS)
_ACCESS = tuple(
    (resource, action)
    for resource, actions in (
        ("admin_user", "read create update impersonate"),
        ("admin_role", "read create update delete"),
        ("admin_grant", "read create update delete"),
        ("admin_session", "read delete"),
        ("admin_token", "read issue revoke"),
        ("admin_security_event", "read"),
    )
    for action in actions.split()
)

SHIPPED_ROLES = (
    ShippedRole(
        ADMINISTRATOR, "May do everything, and says who may do what.", (*_EVERYTHING, *_ACCESS)
    ),
    ShippedRole(EDITOR, "May read and change every record.", _EVERYTHING),
    ShippedRole(VIEWER, "May read every record.", (("*", "read"),)),
)


def is_fixed(role: str, resource: str, action: str) -> bool:
    """Whether a role has this as it is shipped: the administrator's, but what models add to it."""
    shipped = action in {*ACTIONS} or resource.startswith(OUR_PREFIX)
    return role == ADMINISTRATOR and shipped


def shipped_roles() -> list[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Name, description and (resource, action) grants of each shipped role, as plain data."""
    return [(role.name, role.description, role.grants) for role in SHIPPED_ROLES]
