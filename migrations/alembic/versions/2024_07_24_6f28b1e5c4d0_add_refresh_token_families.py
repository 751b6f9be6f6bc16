"""add refresh token families

A refresh token that is used twice revokes its whole family.

Revision ID: 6f28b1e5c4d0
Revises: 4ac3d70e91b5
Create Date: 2024-07-24 14:20:59.305748

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "6f28b1e5c4d0"
down_revision: str | Sequence[str] | None = "4ac3d70e91b5"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("tokens") as batch_op:
        batch_op.add_column(sa.Column("family_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("parent_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_tokens_parent_id_tokens"),
            "tokens",
            ["parent_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch_op.create_index(op.f("ix_tokens_family_id"), ["family_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("tokens") as batch_op:
        batch_op.drop_index(op.f("ix_tokens_family_id"))
        batch_op.drop_constraint(op.f("fk_tokens_parent_id_tokens"), type_="foreignkey")
        batch_op.drop_column("parent_id")
        batch_op.drop_column("family_id")
