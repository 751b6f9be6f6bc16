"""Guests who wait for a table."""

import os

from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///waiting.db"))
new_session = async_sessionmaker(engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Guest(Base):
    __tablename__ = "guest"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


@app.post("/guests")
async def arrive(name: str) -> None:
    """Let a guest wait behind all others."""
    async with new_session() as session:
        session.add(Guest(name=name))
        await session.commit()


@app.get("/guests")
async def waiting() -> list[str]:
    """Return who waits, first come first."""
    async with new_session() as session:
        return list(await session.scalars(select(Guest.name).order_by(Guest.id)))
