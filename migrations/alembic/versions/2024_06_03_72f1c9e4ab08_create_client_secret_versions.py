"""create client secret versions

Every client's secret becomes version 1 of its history. ``clients.secret_hash`` stays until the
services which read it are redeployed, see e3b6470d8f95.

Revision ID: 72f1c9e4ab08
Revises: d85e20b7c31f
Create Date: 2024-06-03 13:08:20.559473

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "72f1c9e4ab08"
down_revision: str | Sequence[str] | None = "d85e20b7c31f"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

clients = sa.table(
    "clients",
    sa.column("id", sa.String),
    sa.column("secret_hash", sa.String),
    sa.column("created_at", sa.DateTime(timezone=True)),
)
client_secret_versions = sa.table(
    "client_secret_versions",
    sa.column("client_id", sa.String),
    sa.column("version", sa.Integer),
    sa.column("secret_hash", sa.String),
    sa.column("created_at", sa.DateTime(timezone=True)),
)


def upgrade() -> None:
    op.create_table(
        "client_secret_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=255), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("version >= 1", name=op.f("ck_client_secret_versions_version_positive")),
        sa.ForeignKeyConstraint(
            ["client_id"],
            ["clients.id"],
            name=op.f("fk_client_secret_versions_client_id_clients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_secret_versions")),
        sa.UniqueConstraint("client_id", "version", name=op.f("uq_client_secret_versions_client_id_version")),
    )
    # at most one current secret per client
    op.create_index(
        "ix_client_secret_versions_current",
        "client_secret_versions",
        ["client_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
    )

    op.execute(
        sa.insert(client_secret_versions).from_select(
            ["client_id", "version", "secret_hash", "created_at"],
            sa.select(clients.c.id, sa.literal_column("1"), clients.c.secret_hash, clients.c.created_at).order_by(
                clients.c.id
            ),
        )
    )


def downgrade() -> None:
    op.drop_index("ix_client_secret_versions_current", table_name="client_secret_versions")
    op.drop_table("client_secret_versions")
