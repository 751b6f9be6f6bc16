import pytest
from fastapi.testclient import TestClient
from templatedb import Clone

from parcels import app


@pytest.fixture(autouse=True)
def database(clone: Clone) -> None:
    """Put the application's database back before each test."""


@pytest.fixture
def client() -> TestClient:
    return TestClient(app)
