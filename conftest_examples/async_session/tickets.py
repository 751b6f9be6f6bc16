"""Seats of a small theatre, and who has booked them."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Seat(Base):
    __tablename__ = "seat"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str | None]


class TakenError(Exception):
    """Somebody else has the seat, or there is none."""


async def book(session: AsyncSession, name: str, holder: str) -> None:
    """Book a seat and commit; raises TakenError."""
    seat = await session.get(Seat, name)
    if seat is None or seat.holder is not None:
        raise TakenError(name)
    seat.holder = holder
    await session.commit()


async def free_seats(engine: AsyncEngine) -> int:
    """Return how many seats are free, in a session of its own."""
    async with AsyncSession(engine) as session:
        return await session.scalar(select(func.count()).where(Seat.holder.is_(None))) or 0
