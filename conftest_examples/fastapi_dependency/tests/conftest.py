from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bank import app, get_session


@pytest.fixture
def client(clone_engine: Engine) -> Iterator[TestClient]:
    """The application on this test's database: each request has a session of its own, as in production."""

    def get_session_on_clone() -> Iterator[Session]:
        with Session(clone_engine) as session:
            yield session

    app.dependency_overrides[get_session] = get_session_on_clone
    yield TestClient(app)
    app.dependency_overrides.clear()


@pytest.fixture
def client_in_session(clone_session: Session) -> Iterator[TestClient]:
    """The application inside of the test's session: it commits and rolls back what the test began."""
    app.dependency_overrides[get_session] = lambda: clone_session
    yield TestClient(app)
    app.dependency_overrides.clear()
