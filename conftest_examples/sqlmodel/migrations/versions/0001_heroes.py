"""heroes"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "hero",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("age", sa.Integer),
    )
    op.create_index("ix_hero_name", "hero", ["name"])


def downgrade() -> None:
    op.drop_table("hero")
