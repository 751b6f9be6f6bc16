"""normalize user emails

Sign-in compares the normalized address, ``email`` keeps what the user typed. Two accounts which
differ only in case have to be merged by hand first: the new unique constraint rejects them.

Revision ID: 14c7fb3d9a60
Revises: a9036d7fe248
Create Date: 2024-04-22 14:37:09.481266

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "14c7fb3d9a60"
down_revision: str | Sequence[str] | None = "a9036d7fe248"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

users = sa.table(
    "users",
    sa.column("email", sa.String),
    sa.column("email_normalized", sa.String),
)


def upgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.add_column(sa.Column("email_normalized", sa.String(length=320), nullable=True))

    op.execute(sa.update(users).values(email_normalized=sa.func.lower(sa.func.trim(users.c.email))))

    with op.batch_alter_table("users") as batch_op:
        batch_op.alter_column("email_normalized", existing_type=sa.String(length=320), nullable=False)
        batch_op.drop_constraint(op.f("uq_users_email"), type_="unique")
        batch_op.create_unique_constraint(op.f("uq_users_email_normalized"), ["email_normalized"])


def downgrade() -> None:
    with op.batch_alter_table("users") as batch_op:
        batch_op.drop_constraint(op.f("uq_users_email_normalized"), type_="unique")
        batch_op.create_unique_constraint(op.f("uq_users_email"), ["email"])
        batch_op.drop_column("email_normalized")
