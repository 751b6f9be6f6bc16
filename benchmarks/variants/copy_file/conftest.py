"""A copy of the migrated file and a fresh engine for every test: what projects write by hand."""

import pytest
from sqlalchemy.orm import Session
from support import copy_golden, engine_on


@pytest.fixture
def session(tmp_path_factory, request):
    path = copy_golden(tmp_path_factory.getbasetemp() / f"copy-{id(request)}.sqlite")
    engine = engine_on(path)
    with Session(engine) as session:
        yield session
    engine.dispose()
    path.unlink()
