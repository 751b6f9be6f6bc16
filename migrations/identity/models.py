"""Declarative models of the identity store.

Times are stored in UTC. Secrets, tokens and authorization codes are stored as hashes only.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    false,
    func,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    type_annotation_map = {datetime: DateTime(timezone=True)}


class User(Base):
    __tablename__ = "users"
    __table_args__ = (CheckConstraint("status IN ('active', 'locked', 'disabled')", name="status"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    email: Mapped[str] = mapped_column(String(320))
    email_normalized: Mapped[str] = mapped_column(String(320), unique=True)
    display_name: Mapped[str | None] = mapped_column(String(200))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(16), server_default="active")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    sessions: Mapped[list[Session]] = relationship(back_populates="user", passive_deletes=True)


class Client(Base):
    __tablename__ = "clients"
    __table_args__ = (
        CheckConstraint("client_type IN ('confidential', 'public')", name="client_type"),
        CheckConstraint(
            "client_type <> 'public' OR token_endpoint_auth_method = 'none'",
            name="public_auth_method",
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    client_type: Mapped[str] = mapped_column(String(16), server_default="confidential")
    token_endpoint_auth_method: Mapped[str] = mapped_column(String(32), server_default="client_secret_basic")
    redirect_uris: Mapped[list[str]] = mapped_column(JSON, server_default=text("'[]'"))
    is_active: Mapped[bool] = mapped_column(server_default=true())
    is_system: Mapped[bool] = mapped_column(server_default=false())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    secrets: Mapped[list[ClientSecretVersion]] = relationship(
        back_populates="client",
        order_by="ClientSecretVersion.version",
        passive_deletes=True,
    )


class ClientSecretVersion(Base):
    """One secret of a client; the current one has no ``superseded_at``.

    A trigger writes a :class:`KeyRotationEvent` when ``superseded_at`` is first set.
    """

    __tablename__ = "client_secret_versions"
    __table_args__ = (
        UniqueConstraint("client_id", "version"),
        CheckConstraint("version >= 1", name="version_positive"),
        Index(
            "ix_client_secret_versions_current",
            "client_id",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), ForeignKey("clients.id", ondelete="CASCADE"))
    version: Mapped[int]
    secret_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    superseded_at: Mapped[datetime | None]
    superseded_reason: Mapped[str | None] = mapped_column(String(32))

    client: Mapped[Client] = relationship(back_populates="secrets")


class KeyRotationEvent(Base):
    __tablename__ = "key_rotation_events"
    __table_args__ = (
        CheckConstraint("reason IN ('unspecified', 'scheduled', 'requested', 'compromised')", name="reason"),
        Index(None, "client_id", "occurred_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), ForeignKey("clients.id", ondelete="CASCADE"))
    secret_version: Mapped[int]
    reason: Mapped[str] = mapped_column(String(32), server_default="unspecified")
    occurred_at: Mapped[datetime]


class Session(Base):
    __tablename__ = "sessions"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="expires_after_created"),
        Index(
            "ix_sessions_active_user_id",
            "user_id",
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id", ondelete="CASCADE"), index=True)
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(512))
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(back_populates="sessions")


class Token(Base):
    __tablename__ = "tokens"
    __table_args__ = (
        CheckConstraint("kind IN ('access', 'refresh')", name="kind"),
        CheckConstraint("expires_at > issued_at", name="expires_after_issued"),
        Index(
            "ix_tokens_active_expires_at",
            "expires_at",
            sqlite_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    client_id: Mapped[str] = mapped_column(String(64), ForeignKey("clients.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("users.id", ondelete="CASCADE"), index=True)
    session_id: Mapped[str | None] = mapped_column(
        String(36), ForeignKey("sessions.id", ondelete="CASCADE"), index=True
    )
    family_id: Mapped[str | None] = mapped_column(String(36), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("tokens.id", ondelete="CASCADE"))
    scope: Mapped[str] = mapped_column(String(500), server_default="openid")
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class AuthorizationRequest(Base):
    __tablename__ = "authorization_requests"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'approved', 'denied', 'consumed')", name="status"),
        CheckConstraint("code_challenge_method IN ('S256', 'plain')", name="code_challenge_method"),
        CheckConstraint(
            "(code_challenge IS NULL) = (code_challenge_method IS NULL)",
            name="code_challenge_complete",
        ),
        Index(
            "ix_authorization_requests_code_hash",
            "code_hash",
            unique=True,
            sqlite_where=text("code_hash IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), ForeignKey("clients.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("users.id", ondelete="CASCADE"))
    redirect_uri: Mapped[str] = mapped_column(String(2000))
    scope: Mapped[str] = mapped_column(String(500), server_default="openid")
    state: Mapped[str | None] = mapped_column(Text)
    nonce: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(16), server_default="pending")
    code_hash: Mapped[str | None] = mapped_column(String(64))
    code_challenge: Mapped[str | None] = mapped_column(String(128))
    code_challenge_method: Mapped[str | None] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
