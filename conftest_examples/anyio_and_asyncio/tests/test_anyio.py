"""The plugin of anyio, on asyncio."""

import anyio
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from votes import collect, result, vote

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """SQLAlchemy's asyncio extension runs on asyncio alone."""
    return "asyncio"


@pytest.fixture
async def ada(clone_async_session: AsyncSession) -> str:
    """Somebody who has voted; an async fixture of anyio."""
    await vote(clone_async_session, "Ada", "lake")
    return "Ada"


async def test_a_vote_counts(ada: str, clone_async_engine: AsyncEngine) -> None:
    assert await result(clone_async_engine) == {"lake": 1}


async def test_a_box_is_collected_at_once(clone_async_engine: AsyncEngine) -> None:
    with anyio.fail_after(60):
        await collect(clone_async_engine, dict.fromkeys(("Ada", "Grace", "Linus"), "lake"))
    assert await result(clone_async_engine) == {"lake": 3}


def test_a_test_that_is_not_async_has_them_as_well(clone_async_engine: AsyncEngine) -> None:
    """For code that starts a loop itself."""
    anyio.run(collect, clone_async_engine, {"Ada": "lake"})
    assert anyio.run(result, clone_async_engine) == {"lake": 1}
