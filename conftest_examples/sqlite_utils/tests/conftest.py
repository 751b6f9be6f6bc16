import sqlite3

import pytest
from sqlite_utils import Database


@pytest.fixture
def db(clone_connection: sqlite3.Connection) -> Database:
    """The application's kind of database, on the connection to this test's clone."""
    return Database(clone_connection)
