import pytest
from flask.testing import FlaskClient
from templatedb import Clone

from cookbook import app


@pytest.fixture(autouse=True)
def database(clone: Clone) -> None:
    """Put the application's database back before each test."""


@pytest.fixture
def client() -> FlaskClient:
    return app.test_client()
