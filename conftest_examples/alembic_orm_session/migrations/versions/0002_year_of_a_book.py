"""year of a book"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("book", sa.Column("year", sa.Integer))


def downgrade() -> None:
    op.drop_column("book", "year")
