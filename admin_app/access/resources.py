"""Declarations of those of our own tables that are resources.

They have the same pages, endpoints and history as declared ones. What they enforce beyond their
columns is in ``guards``.
"""

from __future__ import annotations

from admin_app.access.guards import guard_grant, guard_role, guard_session, guard_user
from admin_app.access.tables import Role, RoleGrant, SecurityEvent, Session, Token, User
from admin_app.declaration import ResourceOptions

MENU = "Access"

User.__resource__ = ResourceOptions(
    name="admin_user",
    plural="admin_users",
    label="User",
    label_plural="Users",
    title="name",
    list=["name", "roles", "created_at", "active", "service", "totp_enabled_at"],
    filters=["active", "service", "roles"],
    sort=["name"],
    labels={
        "service": "Service account",
        "totp_enabled_at": "Second factor since",
        "password_changed_at": "Password changed",
    },
    help={
        "active": "Who is not active is signed out, and may do nothing.",
        "service": "Acts through API tokens only and cannot sign in.",
    },
    # The trail names who did what for as long as it is kept, so nobody's number is given away.
    actions=["read", "create", "update", "impersonate"],
    before_write=guard_user,
    menu=MENU,
    icon="person",
)
Role.__resource__ = ResourceOptions(
    name="admin_role",
    plural="admin_roles",
    label="Role",
    label_plural="Roles",
    title="name",
    list=["name", "description", "second_factor"],
    sort=["name"],
    labels={"statement_seconds": "Seconds a statement may run"},
    help={
        "second_factor": "Who has the role must have a second factor to do anything.",
        "statement_seconds": "Of several roles the longest counts; empty: as long as is usual.",
    },
    before_write=guard_role,
    menu=MENU,
    icon="lock",
)
RoleGrant.__resource__ = ResourceOptions(
    name="admin_grant",
    plural="admin_grants",
    label="Grant",
    label_plural="Grants",
    title="resource",
    detail="action",
    list=["resource", "role", "action", "rule", "without"],
    search=["resource", "role.name"],
    filters=["role", "resource", "action", "rule"],
    sort=["resource"],
    labels={"without": "Without the fields"},
    help={
        "resource": "A resource's name, or * for every declared one.",
        "action": "read, create, update, delete, or another one that the resource declares.",
        "rule": "Only the rows of this rule of the declaration; empty: every row.",
        "without": "Hidden where the action is read, not to be set where it is create or update.",
    },
    before_write=guard_grant,
    menu=MENU,
    icon="check",
)
Session.__resource__ = ResourceOptions(
    name="admin_session",
    plural="admin_sessions",
    label="Session",
    label_plural="Sessions",
    title="address",
    list=["address", "user", "used_at", "created_at", "expires_at", "user_agent"],
    search=["user.name", "address"],
    filters=["user"],
    sort=["-used_at"],
    actions=["read", "delete"],
    before_write=guard_session,
    menu=MENU,
    icon="screen",
)
Token.__resource__ = ResourceOptions(
    name="admin_token",
    plural="admin_tokens",
    label="API token",
    label_plural="API tokens",
    title="name",
    detail="prefix",
    list=["name", "user", "prefix", "scopes", "expires_at", "last_used_at", "revoked_at"],
    search=["name", "prefix", "user.name"],
    filters=["user", "expires_at", "revoked_at"],
    sort=["-created_at"],
    # By requests of their own, because a token is shown once: for other users than oneself.
    actions=["read", "issue", "revoke"],
    menu=MENU,
    icon="key",
)
SecurityEvent.__resource__ = ResourceOptions(
    name="admin_security_event",
    plural="admin_security_events",
    label="Security event",
    label_plural="Security log",
    title="event",
    detail="subject",
    list=["event", "subject", "at", "actor", "address", "source"],
    search=["subject", "actor_name", "address"],
    filters=["event", "actor", "at", "subject", "address", "source"],
    sort=["-at"],
    labels={
        "at": "When",
        "actor": "By",
        "actor_name": "By the name of",
        "subject": "About",
        "source": "Through",
    },
    actions=["read"],
    menu=MENU,
    icon="clock",
)
