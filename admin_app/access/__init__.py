"""Who acts: users and their passwords, roles and grants, sessions, API tokens, sign-in.

Everything that can be asked here ends in an ``Actor`` (or in nobody): ``actor_of_session`` for the
panel's cookie, ``actor_of_token`` for ``Authorization: Bearer``. What an actor may do is a matter
of its grants and of ``policies``. Nothing is cached between requests and no secret is stored.
"""

from admin_app.access.grants import (
    RoleInfo,
    allow,
    create_role,
    delete_role,
    forbid,
    list_roles,
)
from admin_app.access.roles import (
    ADMINISTRATOR,
    EDITOR,
    SHIPPED_ROLES,
    VIEWER,
    ShippedRole,
    shipped_roles,
)
from admin_app.access.sessions import (
    actor_of_session,
    csrf_matches,
    csrf_token,
    sign_in,
    sign_out,
)
from admin_app.access.setup import new_setup_link, redeem_setup_link
from admin_app.access.tokens import (
    TokenInfo,
    actor_of_token,
    create_token,
    is_token,
    list_tokens,
    revoke_token,
)
from admin_app.access.users import (
    UserInfo,
    actor_of_user,
    create_user,
    disable_user,
    enable_user,
    list_users,
    set_password,
    set_roles,
)

__all__ = [
    "ADMINISTRATOR",
    "EDITOR",
    "SHIPPED_ROLES",
    "VIEWER",
    "RoleInfo",
    "ShippedRole",
    "TokenInfo",
    "UserInfo",
    "actor_of_session",
    "actor_of_token",
    "actor_of_user",
    "allow",
    "create_role",
    "create_token",
    "create_user",
    "csrf_matches",
    "csrf_token",
    "delete_role",
    "disable_user",
    "enable_user",
    "forbid",
    "is_token",
    "list_roles",
    "list_tokens",
    "list_users",
    "new_setup_link",
    "redeem_setup_link",
    "revoke_token",
    "set_password",
    "set_roles",
    "shipped_roles",
    "sign_in",
    "sign_out",
]
