"""create clients

Revision ID: 8b40e6d5c1f7
Revises: 3f9c2a1b7d21
Create Date: 2024-03-11 11:40:07.905112

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "8b40e6d5c1f7"
down_revision: str | Sequence[str] | None = "3f9c2a1b7d21"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("secret_hash", sa.String(length=255), nullable=False),
        sa.Column("redirect_uris", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )


def downgrade() -> None:
    op.drop_table("clients")
