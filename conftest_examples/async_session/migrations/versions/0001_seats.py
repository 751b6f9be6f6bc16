"""seats, two rows of ten"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    seat = op.create_table(
        "seat",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("holder", sa.String),
    )
    op.bulk_insert(seat, [{"name": f"{row}{number}"} for row in "AB" for number in range(10)])


def downgrade() -> None:
    op.drop_table("seat")
