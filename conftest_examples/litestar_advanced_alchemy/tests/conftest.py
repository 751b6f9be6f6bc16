from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig
from litestar import Litestar
from litestar.testing import AsyncTestClient
from sqlalchemy.ext.asyncio import AsyncEngine

from lending import configure, create_app


@pytest.fixture(scope="session")
def templatedb_async_engine_factory() -> Callable[[str], AsyncEngine]:
    """Engines as the application makes them, with what its configuration says of them."""
    return lambda url: configure(url).get_engine()


@pytest.fixture(scope="session")
def database() -> SQLAlchemyAsyncConfig:
    """One for all tests: advanced-alchemy numbers those of a process, and fails at about the thousandth."""
    return configure("sqlite+aiosqlite://")


@pytest.fixture(scope="session")
def app(database: SQLAlchemyAsyncConfig) -> Litestar:
    return create_app(database)


@pytest_asyncio.fixture
async def client(
    app: Litestar, database: SQLAlchemyAsyncConfig, clone_async_engine: AsyncEngine
) -> AsyncIterator[AsyncTestClient[Litestar]]:
    """The application, started on this test's database."""
    database.engine_instance = clone_async_engine
    database.session_maker = None  # the last test's; the plugin makes one when the application starts
    async with AsyncTestClient(app) as client:
        yield client
