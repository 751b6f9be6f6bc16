"""seed system clients

The admin console and the session reaper are clients of the service itself. Ids and times are
fixed, so that every installation has the same rows.

Revision ID: a9036d7fe248
Revises: 5e1ab8f0937c
Create Date: 2024-04-08 08:51:44.102938

"""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "a9036d7fe248"
down_revision: str | Sequence[str] | None = "5e1ab8f0937c"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

clients = sa.table(
    "clients",
    sa.column("id", sa.String),
    sa.column("name", sa.String),
    sa.column("secret_hash", sa.String),
    sa.column("redirect_uris", sa.JSON),
    sa.column("is_active", sa.Boolean),
    sa.column("is_system", sa.Boolean),
    sa.column("created_at", sa.DateTime(timezone=True)),
)

SEEDED_AT = datetime(2024, 4, 8, 9, 0, tzinfo=UTC)

# "!" starts a hash that no secret matches: the client stays locked out until it is given one.
SYSTEM_CLIENTS = [
    {
        "id": "system-admin-console",
        "name": "Admin console",
        "secret_hash": "!bootstrap-admin-console",
        "redirect_uris": ["https://admin.identity.example/callback"],
        "is_active": True,
        "is_system": True,
        "created_at": SEEDED_AT,
    },
    {
        "id": "system-session-reaper",
        "name": "Session reaper",
        "secret_hash": "!bootstrap-session-reaper",
        "redirect_uris": [],
        "is_active": True,
        "is_system": True,
        "created_at": SEEDED_AT,
    },
]


def upgrade() -> None:
    with op.batch_alter_table("clients") as batch_op:
        batch_op.add_column(sa.Column("is_system", sa.Boolean(), server_default=sa.false(), nullable=False))

    op.bulk_insert(clients, SYSTEM_CLIENTS)


def downgrade() -> None:
    ids = [client["id"] for client in SYSTEM_CLIENTS]
    op.execute(sa.delete(clients).where(clients.c.id.in_(ids)))

    with op.batch_alter_table("clients") as batch_op:
        batch_op.drop_column("is_system")
