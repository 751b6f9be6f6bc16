"""VACUUM INTO a new file and a fresh engine for every test: what sqlitestdb does in Go."""

import sqlite3

import pytest
from sqlalchemy.orm import Session
from support import copy_golden, engine_on


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    connection = sqlite3.connect(copy_golden(tmp_path_factory.mktemp("vacuum") / "template.sqlite"))
    yield connection
    connection.close()


@pytest.fixture
def session(source, tmp_path_factory, request):
    path = tmp_path_factory.getbasetemp() / f"vacuum-{id(request)}.sqlite"
    source.execute("vacuum into ?", (str(path),))
    engine = engine_on(path)
    with Session(engine) as session:
        yield session
    engine.dispose()
    path.unlink()
