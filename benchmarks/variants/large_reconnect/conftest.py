"""No isolation, and a new connection for every test."""

import os

import pytest
from support import engine_on


@pytest.fixture(scope="session")
def shared():
    engine = engine_on(os.environ["BENCH_GOLDEN"])
    yield engine
    engine.dispose()


@pytest.fixture
def engine(shared):
    yield shared
    shared.dispose()
