from collections.abc import AsyncIterator

import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from rooms import app, get_session


@pytest_asyncio.fixture
async def client(clone_async_engine: AsyncEngine) -> AsyncIterator[AsyncClient]:
    """The application on this test's database: each request has a session of its own, as in production."""
    new_session = async_sessionmaker(clone_async_engine, expire_on_commit=False)

    async def get_session_on_clone() -> AsyncIterator[AsyncSession]:
        async with new_session() as session:
            yield session

    app.dependency_overrides[get_session] = get_session_on_clone
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield client
    app.dependency_overrides.clear()
