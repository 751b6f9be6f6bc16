"""rotate bootstrap secrets

Installations where a system client still has its bootstrap secret get version 2 of it. The
trigger records the rotation.

Revision ID: 57e9a20bd4c6
Revises: d3107ce95a8f
Create Date: 2024-10-08 09:05:12.448690

"""

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision: str = "57e9a20bd4c6"
down_revision: str | Sequence[str] | None = "d3107ce95a8f"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

client_secret_versions = sa.table(
    "client_secret_versions",
    sa.column("client_id", sa.String),
    sa.column("version", sa.Integer),
    sa.column("secret_hash", sa.String),
    sa.column("created_at", sa.DateTime(timezone=True)),
    sa.column("superseded_at", sa.DateTime(timezone=True)),
    sa.column("superseded_reason", sa.String),
)
key_rotation_events = sa.table(
    "key_rotation_events",
    sa.column("client_id", sa.String),
    sa.column("secret_version", sa.Integer),
    sa.column("occurred_at", sa.DateTime(timezone=True)),
)

BOOTSTRAP_HASHES = {
    "system-admin-console": "!bootstrap-admin-console",
    "system-session-reaper": "!bootstrap-session-reaper",
}
ROTATED_AT = datetime(2024, 10, 8, 9, 0, tzinfo=UTC)


def upgrade() -> None:
    connection = op.get_bind()
    for client_id, secret_hash in BOOTSTRAP_HASHES.items():
        superseded = connection.execute(
            sa.update(client_secret_versions)
            .where(
                client_secret_versions.c.client_id == client_id,
                client_secret_versions.c.version == 1,
                client_secret_versions.c.secret_hash == secret_hash,
                client_secret_versions.c.superseded_at.is_(None),
            )
            .values(superseded_at=ROTATED_AT, superseded_reason="scheduled")
        )
        if superseded.rowcount:
            connection.execute(
                sa.insert(client_secret_versions).values(
                    client_id=client_id,
                    version=2,
                    secret_hash=f"{secret_hash}-2",
                    created_at=ROTATED_AT,
                )
            )


def downgrade() -> None:
    for client_id, secret_hash in BOOTSTRAP_HASHES.items():
        op.execute(
            sa.delete(client_secret_versions).where(
                client_secret_versions.c.client_id == client_id,
                client_secret_versions.c.secret_hash == f"{secret_hash}-2",
            )
        )
        op.execute(
            sa.update(client_secret_versions)
            .where(
                client_secret_versions.c.client_id == client_id,
                client_secret_versions.c.version == 1,
                client_secret_versions.c.superseded_at == ROTATED_AT,
            )
            .values(superseded_at=None, superseded_reason=None)
        )
        op.execute(
            sa.delete(key_rotation_events).where(
                key_rotation_events.c.client_id == client_id,
                key_rotation_events.c.secret_version == 1,
                key_rotation_events.c.occurred_at == ROTATED_AT,
            )
        )
