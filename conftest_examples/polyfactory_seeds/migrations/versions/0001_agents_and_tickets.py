"""agents and tickets"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "agent",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("title", sa.String(80), nullable=False),
        sa.Column("opened", sa.Date, nullable=False),
        sa.Column("state", sa.Enum("OPEN", "CLOSED", name="state"), nullable=False),
        sa.Column("agent_id", sa.Integer, sa.ForeignKey("agent.id")),
    )


def downgrade() -> None:
    op.drop_table("ticket")
    op.drop_table("agent")
