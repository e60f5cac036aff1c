"""Who acts: users and their passwords, roles and grants, sessions, API tokens, sign-in.

Everything that can be asked here ends in an ``Actor`` (or in nobody): ``actor_of_session`` for the
panel's cookie, ``actor_of_token`` for ``Authorization: Bearer``. What an actor may do is a matter
of its grants and of ``policies``. No secret is stored.
"""

import admin_app.access.resources  # noqa: F401 - says which of our tables are resources
from admin_app.access.actors import IMPERSONATE
from admin_app.access.callers import Callers
from admin_app.access.escalation import MANAGE_USERS, covers, has_power
from admin_app.access.grants import RoleGrantInfo, RoleInfo
from admin_app.access.impersonation import begin as begin_impersonation
from admin_app.access.impersonation import end as end_impersonation
from admin_app.access.own_password import change_password
from admin_app.access.own_sessions import (
    SessionInfo,
    end_other_sessions,
    end_session,
    end_sessions,
    list_sessions,
)
from admin_app.access.password_links import (
    new_password_link,
    redeem_password_link,
    user_of_password_link,
)
from admin_app.access.roles import (
    ADMINISTRATOR,
    EDITOR,
    SHIPPED_ROLES,
    VIEWER,
    ShippedRole,
    is_fixed,
    shipped_roles,
)
from admin_app.access.scopes import check_known, scopable
from admin_app.access.second_factor import (
    SecondFactor,
    begin_enrolment,
    finish_enrolment,
    new_recovery_codes,
    remove_second_factor,
    reset_second_factor,
    second_factor_of,
)
from admin_app.access.sessions import (
    actor_of_session,
    csrf_matches,
    csrf_token,
    pass_second_factor,
    pending_actor,
    sign_in,
    sign_out,
)
from admin_app.access.setup import new_setup_link, redeem_setup_link
from admin_app.access.step_up import confirm, require_confirmable
from admin_app.access.token_form import is_token
from admin_app.access.token_list import TokenInfo, find_token, list_tokens, list_tokens_for
from admin_app.access.tokens import actor_of_token, create_token, revoke_token, rotate_token
from admin_app.access.users import (
    UserInfo,
    actor_of_user,
    create_user,
    list_users,
    set_password,
)

__all__ = [
    "ADMINISTRATOR",
    "EDITOR",
    "IMPERSONATE",
    "MANAGE_USERS",
    "SHIPPED_ROLES",
    "VIEWER",
    "Callers",
    "RoleGrantInfo",
    "RoleInfo",
    "SecondFactor",
    "SessionInfo",
    "ShippedRole",
    "TokenInfo",
    "UserInfo",
    "actor_of_session",
    "actor_of_token",
    "actor_of_user",
    "begin_enrolment",
    "begin_impersonation",
    "change_password",
    "check_known",
    "confirm",
    "covers",
    "create_token",
    "create_user",
    "csrf_matches",
    "csrf_token",
    "end_impersonation",
    "end_other_sessions",
    "end_session",
    "end_sessions",
    "find_token",
    "finish_enrolment",
    "has_power",
    "is_fixed",
    "is_token",
    "list_sessions",
    "list_tokens",
    "list_tokens_for",
    "list_users",
    "new_password_link",
    "new_recovery_codes",
    "new_setup_link",
    "pass_second_factor",
    "pending_actor",
    "redeem_password_link",
    "redeem_setup_link",
    "remove_second_factor",
    "require_confirmable",
    "reset_second_factor",
    "revoke_token",
    "rotate_token",
    "scopable",
    "second_factor_of",
    "set_password",
    "shipped_roles",
    "sign_in",
    "sign_out",
    "user_of_password_link",
]
