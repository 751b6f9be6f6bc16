import sqlite3

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask.testing import FlaskClient

from bookmarks.models import db

PYTHON = {"url": "https://www.python.org", "title": "Python", "tags": ["language", "free"]}


def test_a_bookmark_is_added_with_its_tags(client: FlaskClient) -> None:
    """Two requests, two sessions, one database: the view commits for real."""
    assert client.post("/", json=PYTHON).status_code == 201
    assert client.get("/").json == [{**PYTHON, "tags": ["free", "language"]}]


def test_a_url_is_bookmarked_once(client: FlaskClient, clone_connection: sqlite3.Connection) -> None:
    """The constraint of the last revision refuses the second; the test looks past the application."""
    client.post("/", json=PYTHON)
    assert client.post("/", json={**PYTHON, "title": "Again"}).status_code == 409
    assert clone_connection.execute("select title from bookmark").fetchall() == [("Python",)]


def test_nothing_is_left_of_other_tests(client: FlaskClient) -> None:
    """Each test has a new database."""
    assert client.get("/").json == []


def test_the_revisions_make_what_the_models_say(app: Flask) -> None:
    """Names of constraints included; this fails when somebody forgets `flask db migrate`."""
    with app.app_context(), db.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []
