"""The tables behind "who": users, roles and grants, sessions, tokens, the setup link, the throttle.

Secrets are not in them. A column ``…_hash`` holds the SHA-256 of a random secret, or argon2id's
text for a password; nothing here signs anybody in who has read the database.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Double,
    Enum,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship, validates

from admin_app.declaration import Base, BigKey

NAME_LENGTH = 150
"""The longest sign-in name, in characters, as typed and as compared."""

ROLE_NAME_LENGTH = TOKEN_NAME_LENGTH = 100
USER_AGENT_LENGTH = 300
ADDRESS_LENGTH = 64
DESCRIPTION_LENGTH = 500

DIGEST_LENGTH = 64
"""SHA-256 in hexadecimal, in characters."""

Names = ARRAY(String(200)).with_variant(JSON(none_as_null=True), "sqlite")
"""A short list of names."""

PRIVATE = {"private": True}
READ_ONLY = {"read_only": True}


def _now() -> datetime:
    return datetime.now(UTC)


def name_key(name: str) -> str:
    """The name as compared: neither case nor the way a character was typed matters (UAX 15)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


class User(Base):
    """Somebody who may act; without ``password_hash`` only through tokens.

    ``name_key`` is ``name`` as compared (``users.name_key``), so ``Ana`` and ``ana`` are one. A
    ``service`` never signs in. ``totp_secret`` is sealed; it counts once ``totp_enabled_at`` is
    set, and ``totp_step`` is the last time step whose code was used (RFC 6238, 5.2).
    """

    __tablename__ = "admin_user"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    name_key: Mapped[str] = mapped_column(String(NAME_LENGTH), unique=True, info=PRIVATE)
    password_hash: Mapped[str | None] = mapped_column(String(255), info=PRIVATE)
    active: Mapped[bool] = mapped_column(default=True)
    service: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(info={"stamp": _now})
    password_changed_at: Mapped[datetime | None] = mapped_column(info=READ_ONLY)
    totp_secret: Mapped[str | None] = mapped_column(String(255), info=PRIVATE)
    totp_enabled_at: Mapped[datetime | None] = mapped_column(info=READ_ONLY)
    totp_step: Mapped[int | None] = mapped_column(BigInteger, info=PRIVATE)
    roles: Mapped[list[Role]] = relationship(secondary="admin_user_role")

    @validates("name")
    def _compare_as(self, _: str, name: str) -> str:
        self.name_key = name_key(name)
        return name


class Role(Base):
    """A named set of grants; with ``second_factor`` its holders must have one to do anything.

    ``statement_seconds`` is how long a statement of theirs may run; null: as long as is usual.
    """

    __tablename__ = "admin_role"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    name: Mapped[str] = mapped_column(String(ROLE_NAME_LENGTH), unique=True)
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH), default="")
    second_factor: Mapped[bool] = mapped_column(default=False, server_default=false())
    statement_seconds: Mapped[float | None] = mapped_column(Double)
    grants: Mapped[list[RoleGrant]] = relationship(back_populates="role", passive_deletes=True)


class RoleGrant(Base):
    """That a role allows ``action`` on ``resource`` (``*``: every one).

    ``rule`` names a rule of the declaration and narrows the grant to its rows; null: all rows.
    ``without`` are the fields it does not extend to: hidden for ``read``, read-only for ``create``
    and ``update``.
    """

    __tablename__ = "admin_grant"
    __table_args__ = (
        UniqueConstraint("role_id", "resource", "action", "rule"),
        # Both databases take two nulls for different values, so the constraint misses those rows.
        Index(
            "uq_admin_grant_all_rows",
            "role_id",
            "resource",
            "action",
            unique=True,
            sqlite_where=text("rule IS NULL"),
            postgresql_where=text("rule IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("admin_role.id", ondelete="CASCADE"))
    resource: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str | None] = mapped_column(String(100))
    without: Mapped[list[str] | None] = mapped_column(Names)
    role: Mapped[Role] = relationship(back_populates="grants")


class UserRole(Base):
    """That a user has a role."""

    __tablename__ = "admin_user_role"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("admin_user.id", ondelete="CASCADE"), primary_key=True
    )
    role_id: Mapped[int] = mapped_column(
        ForeignKey("admin_role.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class Session(Base):
    """One sign-in of one browser. ``expires_at`` is its absolute end, whatever its use.

    While ``pending`` the second factor is still owed and it stands for nobody. ``confirmed_at`` is
    when its owner last proved to be there. With ``acting_as_id`` it stands for that user, and only
    reads unless ``acting_writes``.
    """

    __tablename__ = "admin_session"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True, info=PRIVATE)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("admin_user.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    user_agent: Mapped[str] = mapped_column(String(USER_AGENT_LENGTH), default="")
    address: Mapped[str] = mapped_column(String(ADDRESS_LENGTH), default="")
    pending: Mapped[bool] = mapped_column(default=False, server_default=false())
    confirmed_at: Mapped[datetime | None]
    acting_as_id: Mapped[int | None] = mapped_column(
        ForeignKey("admin_user.id", ondelete="SET NULL")
    )
    acting_writes: Mapped[bool] = mapped_column(default=False, server_default=false())
    user: Mapped[User] = relationship(foreign_keys=[user_id])
    acting_as: Mapped[User | None] = relationship(foreign_keys=[acting_as_id])


class Token(Base):
    """An API token of a user; ``prefix`` is how it begins, for people to tell tokens apart.

    ``scopes`` are ``resource:action`` texts that it is narrowed to; null: all that its owner may,
    except to the application's own resources.
    """

    __tablename__ = "admin_token"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("admin_user.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(TOKEN_NAME_LENGTH))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    token_hash: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True, info=PRIVATE)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    scopes: Mapped[list[str] | None] = mapped_column(Names)
    user: Mapped[User] = relationship()


class SetupLink(Base):
    """The one link that makes the first administrator: the row ``id`` 1, or none."""

    __tablename__ = "admin_setup_link"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=False)
    token_hash: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True, info=PRIVATE)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PasswordLink(Base):
    """A link by which a user sets a password of their own; good once."""

    __tablename__ = "admin_password_link"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("admin_user.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(DIGEST_LENGTH), unique=True, info=PRIVATE)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code that stands in once for a lost second factor."""

    __tablename__ = "admin_recovery_code"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("admin_user.id", ondelete="CASCADE"), index=True
    )
    code_hash: Mapped[str] = mapped_column(String(DIGEST_LENGTH))
    used_at: Mapped[datetime | None]


Event = Literal[
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "confirmed",
    "confirmation_failed",
    "session_ended",
    "password_changed",
    "password_link_made",
    "second_factor_enabled",
    "second_factor_removed",
    "recovery_codes_made",
    "recovery_code_used",
    "user_created",
    "user_changed",
    "token_created",
    "token_rotated",
    "token_revoked",
    "role_created",
    "role_changed",
    "role_deleted",
    "grant_added",
    "grant_changed",
    "grant_removed",
    "impersonation_started",
    "impersonation_ended",
    "exported",
]
"""What the security log tells of."""


class SecurityEvent(Base):
    """Something about access that happened; never changed and never deleted by the application.

    ``subject`` is the name of the user or role it is about.
    """

    __tablename__ = "admin_security_event"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    event: Mapped[Event] = mapped_column(
        Enum(*get_args(Event), native_enum=False, length=64, name="security_event"), index=True
    )
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[User | None] = relationship(
        primaryjoin=lambda: foreign(SecurityEvent.actor_id) == User.id, viewonly=True
    )
    actor_name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    impersonator: Mapped[str | None] = mapped_column(String(NAME_LENGTH))
    subject: Mapped[str] = mapped_column(String(NAME_LENGTH), default="", index=True)
    source: Mapped[str] = mapped_column(String(32), default="")
    address: Mapped[str] = mapped_column(String(ADDRESS_LENGTH), default="")
    user_agent: Mapped[str] = mapped_column(String(USER_AGENT_LENGTH), default="")
    request_id: Mapped[str] = mapped_column(String(64), default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class RequestCount(Base):
    """How many requests one credential (``token 7``, ``session 3``) made in one window."""

    __tablename__ = "admin_request_count"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    window: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """The number of the window: seconds since 1970 divided by its length."""
    requests: Mapped[int]


class SignInFailure(Base):
    """How many sign-ins failed lately for one account, one address, or one at the other.

    ``key`` is a digest, because people type passwords where names belong.
    """

    __tablename__ = "admin_sign_in_failure"

    key: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    failures: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)


def upsert(dialect: str, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that takes ON CONFLICT: the same words on both databases, each in its own class."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
