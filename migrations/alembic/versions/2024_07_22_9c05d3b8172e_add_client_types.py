"""add client types

Public clients (single-page and mobile applications) have no secret and rely on PKCE.

Revision ID: 9c05d3b8172e
Revises: b61e8f4a2d97
Create Date: 2024-07-22 11:02:46.671503

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "9c05d3b8172e"
down_revision: str | Sequence[str] | None = "b61e8f4a2d97"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("clients") as batch_op:
        batch_op.add_column(
            sa.Column(
                "client_type",
                sa.String(length=16),
                server_default="confidential",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "token_endpoint_auth_method",
                sa.String(length=32),
                server_default="client_secret_basic",
                nullable=False,
            )
        )
        batch_op.create_check_constraint(op.f("ck_clients_client_type"), "client_type IN ('confidential', 'public')")
        batch_op.create_check_constraint(
            op.f("ck_clients_public_auth_method"),
            "client_type <> 'public' OR token_endpoint_auth_method = 'none'",
        )


def downgrade() -> None:
    with op.batch_alter_table("clients") as batch_op:
        batch_op.drop_constraint(op.f("ck_clients_public_auth_method"), type_="check")
        batch_op.drop_constraint(op.f("ck_clients_client_type"), type_="check")
        batch_op.drop_column("token_endpoint_auth_method")
        batch_op.drop_column("client_type")
