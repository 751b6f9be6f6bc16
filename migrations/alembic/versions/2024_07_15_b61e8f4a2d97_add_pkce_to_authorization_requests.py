"""add pkce to authorization requests

Revision ID: b61e8f4a2d97
Revises: 0d9a5c82e6b3
Create Date: 2024-07-15 09:17:38.226180

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "b61e8f4a2d97"
down_revision: str | Sequence[str] | None = "0d9a5c82e6b3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("authorization_requests") as batch_op:
        batch_op.add_column(sa.Column("nonce", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("code_challenge", sa.String(length=128), nullable=True))
        batch_op.add_column(sa.Column("code_challenge_method", sa.String(length=8), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_authorization_requests_code_challenge_method"),
            "code_challenge_method IN ('S256', 'plain')",
        )
        batch_op.create_check_constraint(
            op.f("ck_authorization_requests_code_challenge_complete"),
            "(code_challenge IS NULL) = (code_challenge_method IS NULL)",
        )


def downgrade() -> None:
    with op.batch_alter_table("authorization_requests") as batch_op:
        batch_op.drop_constraint(op.f("ck_authorization_requests_code_challenge_complete"), type_="check")
        batch_op.drop_constraint(op.f("ck_authorization_requests_code_challenge_method"), type_="check")
        batch_op.drop_column("code_challenge_method")
        batch_op.drop_column("code_challenge")
        batch_op.drop_column("nonce")
