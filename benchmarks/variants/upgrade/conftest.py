"""alembic upgrade in a new file for every test."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Session
from support import engine_on


@pytest.fixture
def session(tmp_path_factory, request):
    path = tmp_path_factory.getbasetemp() / f"upgraded-{id(request)}.sqlite"
    config = Config(request.config.rootpath / "alembic.ini")
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    command.upgrade(config, "heads")
    engine = engine_on(path)
    with Session(engine) as session:
        yield session
    engine.dispose()
    path.unlink()
