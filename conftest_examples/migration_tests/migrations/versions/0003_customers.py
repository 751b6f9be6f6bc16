"""customers have a table of their own; the same name, typed in different ways, is one customer"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "customer",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
    )
    op.execute("insert into customer (name) select min(trim(customer)) from invoice group by lower(trim(customer))")
    op.add_column("invoice", sa.Column("customer_id", sa.Integer))
    op.execute(
        "update invoice set customer_id = (select id from customer where lower(name) = lower(trim(invoice.customer)))"
    )
    op.drop_index("ix_invoice_customer", "invoice")
    with op.batch_alter_table("invoice") as invoice:
        invoice.alter_column("customer_id", nullable=False)
        invoice.create_foreign_key("fk_invoice_customer", "customer", ["customer_id"], ["id"])
        invoice.drop_column("customer")


def downgrade() -> None:
    op.add_column("invoice", sa.Column("customer", sa.String))
    op.execute("update invoice set customer = (select name from customer where id = customer_id)")
    with op.batch_alter_table("invoice") as invoice:
        invoice.alter_column("customer", nullable=False)
        invoice.drop_constraint("fk_invoice_customer", type_="foreignkey")
        invoice.drop_column("customer_id")
    op.create_index("ix_invoice_customer", "invoice", ["customer"])
    op.drop_table("customer")
