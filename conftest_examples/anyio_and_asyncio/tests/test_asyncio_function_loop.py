"""pytest-asyncio, a loop for each test: its default."""

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from votes import collect, result, vote

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def ada(clone_async_session: AsyncSession) -> str:
    """Somebody who has voted; an async fixture of pytest-asyncio."""
    await vote(clone_async_session, "Ada", "lake")
    return "Ada"


async def test_a_vote_counts(ada: str, clone_async_engine: AsyncEngine) -> None:
    assert await result(clone_async_engine) == {"lake": 1}


async def test_a_second_vote_replaces_the_first(
    ada: str, clone_async_session: AsyncSession, clone_async_engine: AsyncEngine
) -> None:
    await vote(clone_async_session, ada, "forest")
    assert await result(clone_async_engine) == {"forest": 1}


async def test_a_box_is_collected_at_once(clone_async_engine: AsyncEngine) -> None:
    await collect(clone_async_engine, dict.fromkeys(("Ada", "Grace", "Linus"), "lake"))
    assert await result(clone_async_engine) == {"lake": 3}
