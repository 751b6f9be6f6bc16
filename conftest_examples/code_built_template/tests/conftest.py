from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine
from templatedb import Alembic, Template

from shop import make_engine

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def templatedb_template() -> Template:
    return Template(Alembic(PROJECT / "alembic.ini"), required_tables=["customer", "order_"])


@pytest.fixture(scope="session")
def templatedb_engine_factory() -> Callable[[str], Engine]:
    return make_engine
