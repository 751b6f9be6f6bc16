"""widen request state

Some clients keep a signed return address in ``state``. Browsers' user agent strings outgrew their
column too.

Revision ID: ac48f16d03b9
Revises: 57e9a20bd4c6
Create Date: 2024-11-18 13:31:50.862174

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "ac48f16d03b9"
down_revision: str | Sequence[str] | None = "57e9a20bd4c6"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("authorization_requests") as batch_op:
        batch_op.alter_column(
            "state",
            existing_type=sa.String(length=500),
            type_=sa.Text(),
            existing_nullable=True,
        )

    with op.batch_alter_table("sessions") as batch_op:
        batch_op.alter_column(
            "user_agent",
            existing_type=sa.String(length=255),
            type_=sa.String(length=512),
            existing_nullable=True,
        )

    with op.batch_alter_table("tokens") as batch_op:
        batch_op.create_check_constraint(op.f("ck_tokens_expires_after_issued"), "expires_at > issued_at")


def downgrade() -> None:
    with op.batch_alter_table("tokens") as batch_op:
        batch_op.drop_constraint(op.f("ck_tokens_expires_after_issued"), type_="check")

    with op.batch_alter_table("sessions") as batch_op:
        batch_op.alter_column(
            "user_agent",
            existing_type=sa.String(length=512),
            type_=sa.String(length=255),
            existing_nullable=True,
        )

    with op.batch_alter_table("authorization_requests") as batch_op:
        batch_op.alter_column(
            "state",
            existing_type=sa.Text(),
            type_=sa.String(length=500),
            existing_nullable=True,
        )
