"""Reservations of rooms, by the day; each request has an async session of its own."""

import os
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///rooms.db"))
new_session = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Reservation(Base):
    __tablename__ = "reservation"
    __table_args__ = (UniqueConstraint("room", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str]
    day: Mapped[date]
    guest: Mapped[str]


class Stay(BaseModel):
    room: str
    days: list[date]
    guest: str


async def get_session() -> AsyncIterator[AsyncSession]:
    """Give a request its session; closing it rolls back what the request did not commit."""
    async with new_session() as session:
        yield session


RequestSession = Annotated[AsyncSession, Depends(get_session)]


@app.post("/stays", status_code=201)
async def reserve(stay: Stay, session: RequestSession) -> list[int]:
    """Reserve a room for all days of a stay, or for none; return the numbers of the reservations."""
    reservations = [Reservation(room=stay.room, day=day, guest=stay.guest) for day in stay.days]
    try:
        for reservation in reservations:
            session.add(reservation)
            await session.flush()
    except IntegrityError:
        raise HTTPException(409, f"{stay.room} is taken on {reservation.day}") from None
    await session.commit()
    return [reservation.id for reservation in reservations]


@app.get("/rooms/{room}")
async def guests(room: str, session: RequestSession) -> dict[date, str]:
    """Return who has a room, by day."""
    found = await session.scalars(select(Reservation).where(Reservation.room == room).order_by(Reservation.day))
    return {reservation.day: reservation.guest for reservation in found}
