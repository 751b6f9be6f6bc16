"""replace user is_active with status

Also renames ``full_name`` to ``display_name`` (the OpenID profile calls it that) and lets
federated users have no password. After a downgrade these have an unusable one.

Revision ID: 2b94e7a06cd3
Revises: f07b25c9d1e8
Create Date: 2024-08-19 12:11:34.120867

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "2b94e7a06cd3"
down_revision: str | Sequence[str] | None = "f07b25c9d1e8"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

users = sa.table(
    "users",
    sa.column("password_hash", sa.String),
    sa.column("is_active", sa.Boolean),
    sa.column("status", sa.String),
)


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("status", sa.String(length=16), server_default="active", nullable=False))

    op.execute(sa.update(users).where(users.c.is_active.is_(False)).values(status="disabled"))

    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_column("is_active")
        batch_op.create_check_constraint(op.f("ck_users_status"), "status IN ('active', 'locked', 'disabled')")
        batch_op.alter_column(
            "full_name",
            new_column_name="display_name",
            existing_type=sa.String(length=200),
            existing_nullable=True,
        )
        batch_op.alter_column("password_hash", existing_type=sa.String(length=255), nullable=True)


def downgrade() -> None:
    op.execute(sa.update(users).where(users.c.password_hash.is_(None)).values(password_hash="!"))

    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False))
        batch_op.alter_column(
            "display_name",
            new_column_name="full_name",
            existing_type=sa.String(length=200),
            existing_nullable=True,
        )
        batch_op.alter_column("password_hash", existing_type=sa.String(length=255), nullable=False)

    op.execute(sa.update(users).where(users.c.status != "active").values(is_active=False))

    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_constraint(op.f("ck_users_status"), type_="check")
        batch_op.drop_column("status")
