"""create_all in a new file for every test."""

import pytest
from models import Base
from sqlalchemy.orm import Session
from support import engine_on


@pytest.fixture
def session(tmp_path_factory, request):
    path = tmp_path_factory.getbasetemp() / f"created-{id(request)}.sqlite"
    engine = engine_on(path)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
    path.unlink()
