"""No isolation at all: one file, one engine, the rows of all tests pile up."""

import pytest
from sqlalchemy.orm import Session
from support import copy_golden, engine_on


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    engine = engine_on(copy_golden(tmp_path_factory.mktemp("floor") / "one.sqlite"))
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session
