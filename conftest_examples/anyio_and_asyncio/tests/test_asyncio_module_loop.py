"""pytest-asyncio, one loop for the tests of this file; the database is still of each test alone."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from votes import collect, result, vote

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def loop() -> asyncio.AbstractEventLoop:
    """Something that lives in one loop over many tests; in your project a server, or a task in the background."""
    return asyncio.get_running_loop()


async def test_a_vote_counts(
    loop: asyncio.AbstractEventLoop, clone_async_session: AsyncSession, clone_async_engine: AsyncEngine
) -> None:
    await vote(clone_async_session, "Ada", "lake")
    assert await result(clone_async_engine) == {"lake": 1}
    assert asyncio.get_running_loop() is loop


async def test_a_box_is_collected_at_once(loop: asyncio.AbstractEventLoop, clone_async_engine: AsyncEngine) -> None:
    """Nothing is left of the other tests in this loop."""
    await collect(clone_async_engine, dict.fromkeys(("Ada", "Grace", "Linus"), "forest"))
    assert await result(clone_async_engine) == {"forest": 3}
    assert asyncio.get_running_loop() is loop
