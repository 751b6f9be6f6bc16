import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tickets import Seat, TakenError, book, free_seats


async def test_a_seat_is_booked(clone_async_session: AsyncSession) -> None:
    await book(clone_async_session, "A1", "Ada")
    assert await clone_async_session.scalar(select(Seat.holder).where(Seat.name == "A1")) == "Ada"


async def test_a_taken_seat_is_refused(clone_async_session: AsyncSession) -> None:
    await book(clone_async_session, "A1", "Ada")
    with pytest.raises(TakenError):
        await book(clone_async_session, "A1", "Grace")


async def test_sessions_share_the_database_of_their_test(
    clone_async_session: AsyncSession, clone_async_engine: AsyncEngine
) -> None:
    assert await free_seats(clone_async_engine) == 20
    await book(clone_async_session, "A1", "Ada")
    assert await free_seats(clone_async_engine) == 19
