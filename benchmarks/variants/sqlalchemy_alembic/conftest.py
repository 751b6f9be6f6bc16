"""pytest-sqlalchemy-alembic: the application's sessionmaker, bound to one migrated database for each worker."""

import pytest
from app import SessionLocal


@pytest.fixture
def session():
    with SessionLocal() as session:
        yield session
