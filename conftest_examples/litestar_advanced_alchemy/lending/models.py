"""Tools, and who has borrowed them."""

from advanced_alchemy.base import BigIntAuditBase
from sqlalchemy.orm import Mapped, mapped_column


class Tool(BigIntAuditBase):
    __tablename__ = "tool"

    name: Mapped[str] = mapped_column(unique=True)
    borrower: Mapped[str | None]
