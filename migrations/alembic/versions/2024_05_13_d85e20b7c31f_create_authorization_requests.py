"""create authorization requests

Revision ID: d85e20b7c31f
Revises: 14c7fb3d9a60
Create Date: 2024-05-13 09:29:55.737810

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "d85e20b7c31f"
down_revision: str | Sequence[str] | None = "14c7fb3d9a60"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "authorization_requests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=True),
        sa.Column("redirect_uri", sa.String(length=2000), nullable=False),
        sa.Column("scope", sa.String(length=500), server_default="openid", nullable=False),
        sa.Column("state", sa.String(length=500), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="pending", nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'approved', 'denied', 'consumed')",
            name=op.f("ck_authorization_requests_status"),
        ),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_authorization_requests_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_authorization_requests_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorization_requests")),
    )
    op.create_index(
        op.f("ix_authorization_requests_client_id"),
        "authorization_requests",
        ["client_id"],
        unique=False,
    )
    # a request has no code before it is approved
    op.create_index(
        "ix_authorization_requests_code_hash",
        "authorization_requests",
        ["code_hash"],
        unique=True,
        sqlite_where=sa.text("code_hash IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_authorization_requests_code_hash", table_name="authorization_requests")
    op.drop_index(op.f("ix_authorization_requests_client_id"), table_name="authorization_requests")
    op.drop_table("authorization_requests")
