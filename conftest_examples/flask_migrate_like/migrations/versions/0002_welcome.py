"""the first entry is ours"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("insert into entry (text) values ('Welcome!')")


def downgrade() -> None:
    op.execute("delete from entry where text = 'Welcome!'")
