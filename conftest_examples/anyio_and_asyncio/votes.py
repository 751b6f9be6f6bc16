"""Votes on the next summer party: one for each voter."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Vote(Base):
    __tablename__ = "vote"

    voter: Mapped[str] = mapped_column(primary_key=True)
    choice: Mapped[str]


async def vote(session: AsyncSession, voter: str, choice: str) -> None:
    """Store a vote and commit; it replaces the voter's last one."""
    await session.merge(Vote(voter=voter, choice=choice))
    await session.commit()


async def collect(engine: AsyncEngine, box: Mapping[str, str]) -> None:
    """Store the votes of a box, all at once, each in a session of its own."""

    async def store(voter: str, choice: str) -> None:
        async with AsyncSession(engine) as session:
            await vote(session, voter, choice)

    async with anyio.create_task_group() as tasks:
        for voter, choice in box.items():
            tasks.start_soon(store, voter, choice)


async def result(engine: AsyncEngine) -> dict[str, int]:
    """Return how many votes each choice has."""
    async with AsyncSession(engine) as session:
        rows = await session.execute(select(Vote.choice, func.count()).group_by(Vote.choice))
        return dict(rows.all())
