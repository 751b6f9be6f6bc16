"""create key rotation events

A trigger writes the event, so that rotations done by hand are recorded too. The ids are never
reused (AUTOINCREMENT), the audit export relies on that.

Revision ID: 0d9a5c82e6b3
Revises: e3b6470d8f95
Create Date: 2024-07-01 10:46:13.890225

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0d9a5c82e6b3"
down_revision: str | Sequence[str] | None = "e3b6470d8f95"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CREATE_TRIGGER = """
CREATE TRIGGER trg_client_secret_versions_superseded
AFTER UPDATE OF superseded_at ON client_secret_versions
FOR EACH ROW
WHEN OLD.superseded_at IS NULL AND NEW.superseded_at IS NOT NULL
BEGIN
    INSERT INTO key_rotation_events (client_id, version, occurred_at)
    VALUES (NEW.client_id, NEW.version, NEW.superseded_at);
END
"""


def upgrade() -> None:
    op.create_table(
        "key_rotation_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_key_rotation_events_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_rotation_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_key_rotation_events_client_id_occurred_at"),
        "key_rotation_events",
        ["client_id", "occurred_at"],
        unique=False,
    )
    op.execute(CREATE_TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER trg_client_secret_versions_superseded")
    op.drop_index(op.f("ix_key_rotation_events_client_id_occurred_at"), table_name="key_rotation_events")
    op.drop_table("key_rotation_events")
