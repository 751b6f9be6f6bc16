"""merge client types and token families

Revision ID: f07b25c9d1e8
Revises: 9c05d3b8172e, 6f28b1e5c4d0
Create Date: 2024-08-01 08:40:16.773294

"""

from collections.abc import Sequence

revision: str = "f07b25c9d1e8"
down_revision: str | Sequence[str] | None = ("9c05d3b8172e", "6f28b1e5c4d0")
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
