"""currencies and their rates"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("create table currency (code text primary key) without rowid")
    op.execute(
        "create table rate (code text not null references currency, day text not null, value real not null,"
        " primary key (code, day)) without rowid"
    )
    op.execute("insert into currency values ('EUR'), ('GBP'), ('JPY'), ('USD')")


def downgrade() -> None:
    op.execute("drop table rate")
    op.execute("drop table currency")
