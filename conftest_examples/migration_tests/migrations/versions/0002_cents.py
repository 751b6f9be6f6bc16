"""amounts are cents"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("invoice", sa.Column("cents", sa.Integer))
    op.execute("update invoice set cents = round(amount * 100)")
    with op.batch_alter_table("invoice") as invoice:
        invoice.alter_column("cents", nullable=False)
        invoice.drop_column("amount")


def downgrade() -> None:
    op.add_column("invoice", sa.Column("amount", sa.Float))
    op.execute("update invoice set amount = cents / 100.0")
    with op.batch_alter_table("invoice") as invoice:
        invoice.alter_column("amount", nullable=False)
        invoice.drop_column("cents")
