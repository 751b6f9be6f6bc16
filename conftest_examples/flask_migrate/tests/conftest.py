from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bookmarks import create_app
from bookmarks.models import db


@pytest.fixture
def app(clone_url: str) -> Iterator[Flask]:
    """The application on this test's database; its engine is closed at the end."""
    app = create_app({"SQLALCHEMY_DATABASE_URI": clone_url, "TESTING": True})
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
