"""add rotation reason

The trigger names columns of both tables, so it is dropped first and created again at the end: a
table that a trigger refers to can't be recreated.

Revision ID: d3107ce95a8f
Revises: 81d6a4f3b70c
Create Date: 2024-10-07 15:49:23.034915

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "d3107ce95a8f"
down_revision: str | Sequence[str] | None = "81d6a4f3b70c"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

DROP_TRIGGER = "DROP TRIGGER trg_client_secret_versions_superseded"

CREATE_TRIGGER = """
CREATE TRIGGER trg_client_secret_versions_superseded
AFTER UPDATE OF superseded_at ON client_secret_versions
FOR EACH ROW
WHEN OLD.superseded_at IS NULL AND NEW.superseded_at IS NOT NULL
BEGIN
    INSERT INTO key_rotation_events (client_id, secret_version, reason, occurred_at)
    VALUES (
        NEW.client_id,
        NEW.version,
        COALESCE(NEW.superseded_reason, 'unspecified'),
        NEW.superseded_at
    );
END
"""

# as of 0d9a5c82e6b3
CREATE_TRIGGER_WITHOUT_REASON = """
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
    op.execute(DROP_TRIGGER)

    with op.batch_alter_table("client_secret_versions") as batch_op:
        batch_op.add_column(sa.Column("superseded_reason", sa.String(length=32), nullable=True))

    with op.batch_alter_table("key_rotation_events", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.alter_column(
            "version",
            new_column_name="secret_version",
            existing_type=sa.Integer(),
            existing_nullable=False,
        )
        batch_op.add_column(sa.Column("reason", sa.String(length=32), server_default="unspecified", nullable=False))
        batch_op.create_check_constraint(
            op.f("ck_key_rotation_events_reason"),
            "reason IN ('unspecified', 'scheduled', 'requested', 'compromised')",
        )

    op.execute(CREATE_TRIGGER)


def downgrade() -> None:
    op.execute(DROP_TRIGGER)

    with op.batch_alter_table("key_rotation_events", table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_constraint(op.f("ck_key_rotation_events_reason"), type_="check")
        batch_op.drop_column("reason")
        batch_op.alter_column(
            "secret_version",
            new_column_name="version",
            existing_type=sa.Integer(),
            existing_nullable=False,
        )

    with op.batch_alter_table("client_secret_versions") as batch_op:
        batch_op.drop_column("superseded_reason")

    op.execute(CREATE_TRIGGER_WITHOUT_REASON)
