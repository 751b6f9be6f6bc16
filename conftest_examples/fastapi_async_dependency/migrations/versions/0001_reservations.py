"""reservations, one for each room and day"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "reservation",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("room", sa.String, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("guest", sa.String, nullable=False),
        sa.UniqueConstraint("room", "day"),
    )


def downgrade() -> None:
    op.drop_table("reservation")
