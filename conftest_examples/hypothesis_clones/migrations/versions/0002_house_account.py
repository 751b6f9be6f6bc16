"""the bank's own account"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("insert into account (owner, cents) values ('the house', 0)")


def downgrade() -> None:
    op.execute("delete from account where owner = 'the house'")
