"""votes, one for each voter"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "vote",
        sa.Column("voter", sa.String, primary_key=True),
        sa.Column("choice", sa.String, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("vote")
