from collections.abc import Iterator
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from records import db


@pytest.fixture
def database(clone_path: Path) -> Iterator[SqliteDatabase]:
    """The application's global database, for one test on a clone; afterwards it has no file again."""
    db.init(str(clone_path))
    with db.connection_context():
        yield db
    db.init(None)
