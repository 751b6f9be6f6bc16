"""drop client secret hash

The hashes were copied to ``client_secret_versions`` by 72f1c9e4ab08. The downgrade puts each
client's current one back.

Revision ID: e3b6470d8f95
Revises: 72f1c9e4ab08
Create Date: 2024-06-05 16:55:02.014739

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e3b6470d8f95"
down_revision: str | Sequence[str] | None = "72f1c9e4ab08"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

clients = sa.table(
    "clients",
    sa.column("id", sa.String),
    sa.column("secret_hash", sa.String),
)
client_secret_versions = sa.table(
    "client_secret_versions",
    sa.column("client_id", sa.String),
    sa.column("secret_hash", sa.String),
    sa.column("superseded_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    with op.batch_alter_table("clients") as batch_op:
        batch_op.drop_column("secret_hash")


def downgrade() -> None:
    with op.batch_alter_table("clients") as batch_op:
        batch_op.add_column(sa.Column("secret_hash", sa.String(length=255), nullable=True))

    current = (
        sa.select(client_secret_versions.c.secret_hash)
        .where(
            client_secret_versions.c.client_id == clients.c.id,
            client_secret_versions.c.superseded_at.is_(None),
        )
        .scalar_subquery()
    )
    op.execute(sa.update(clients).values(secret_hash=sa.func.coalesce(current, "!none")))

    with op.batch_alter_table("clients") as batch_op:
        batch_op.alter_column("secret_hash", existing_type=sa.String(length=255), nullable=False)
