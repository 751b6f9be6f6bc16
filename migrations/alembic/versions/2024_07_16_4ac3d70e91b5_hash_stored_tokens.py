"""hash stored tokens

Tokens issued so far keep working. A hash can't be turned back into a token, so the downgrade
deletes all tokens and users have to sign in again.

Revision ID: 4ac3d70e91b5
Revises: 0d9a5c82e6b3
Create Date: 2024-07-16 17:33:27.948016

"""

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "4ac3d70e91b5"
down_revision: str | Sequence[str] | None = "0d9a5c82e6b3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

tokens = sa.table(
    "tokens",
    sa.column("id", sa.Integer),
    sa.column("value", sa.String),
    sa.column("token_hash", sa.String),
)


def upgrade() -> None:
    with op.batch_alter_table("tokens") as batch_op:
        batch_op.add_column(sa.Column("token_hash", sa.String(length=64), nullable=True))

    connection = op.get_bind()
    for token_id, value in connection.execute(sa.select(tokens.c.id, tokens.c.value)).all():
        connection.execute(
            sa.update(tokens)
            .where(tokens.c.id == token_id)
            .values(token_hash=hashlib.sha256(value.encode()).hexdigest())
        )

    with op.batch_alter_table("tokens") as batch_op:
        batch_op.alter_column("token_hash", existing_type=sa.String(length=64), nullable=False)
        batch_op.drop_constraint(op.f("uq_tokens_value"), type_="unique")
        batch_op.create_unique_constraint(op.f("uq_tokens_token_hash"), ["token_hash"])
        batch_op.drop_column("value")


def downgrade() -> None:
    op.execute(sa.delete(tokens))

    with op.batch_alter_table("tokens") as batch_op:
        batch_op.add_column(sa.Column("value", sa.String(length=128), nullable=False))
        batch_op.drop_constraint(op.f("uq_tokens_token_hash"), type_="unique")
        batch_op.create_unique_constraint(op.f("uq_tokens_value"), ["value"])
        batch_op.drop_column("token_hash")
