"""link tokens to sessions

Ending a session revokes the tokens issued in it. The partial indexes serve the session list of
the account page and the session reaper.

Revision ID: 81d6a4f3b70c
Revises: 2b94e7a06cd3
Create Date: 2024-09-09 10:25:41.587332

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "81d6a4f3b70c"
down_revision: str | Sequence[str] | None = "2b94e7a06cd3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("sessions") as batch_op:
        batch_op.add_column(sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_sessions_active_user_id",
            ["user_id"],
            unique=False,
            sqlite_where=sa.text("ended_at IS NULL"),
        )

    with op.batch_alter_table("tokens") as batch_op:
        batch_op.add_column(sa.Column("session_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_tokens_session_id_sessions"),
            "sessions",
            ["session_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_index(op.f("ix_tokens_session_id"), ["session_id"], unique=False)

    op.create_index(
        "ix_tokens_active_expires_at",
        "tokens",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("revoked_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_tokens_active_expires_at", table_name="tokens")

    with op.batch_alter_table("tokens") as batch_op:
        batch_op.drop_index(op.f("ix_tokens_session_id"))
        batch_op.drop_constraint(op.f("fk_tokens_session_id_sessions"), type_="foreignkey")
        batch_op.drop_column("revoked_at")
        batch_op.drop_column("session_id")

    with op.batch_alter_table("sessions") as batch_op:
        batch_op.drop_index("ix_sessions_active_user_id")
        batch_op.drop_column("ended_at")
        batch_op.drop_column("last_seen_at")
