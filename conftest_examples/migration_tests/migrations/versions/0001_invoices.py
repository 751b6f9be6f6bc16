"""invoices"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer", sa.String, nullable=False),
        sa.Column("amount", sa.Float, nullable=False),
    )
    op.create_index("ix_invoice_customer", "invoice", ["customer"])


def downgrade() -> None:
    op.drop_index("ix_invoice_customer", "invoice")
    op.drop_table("invoice")
