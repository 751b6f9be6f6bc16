from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from templatedb import Clone

from waiting import app


@pytest.fixture(autouse=True)
def database(clone: Clone) -> None:
    """Put the application's database back before each test."""


@pytest_asyncio.fixture
async def client() -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield client
