"""No isolation: one file, one engine."""

import os

import pytest
from support import engine_on


@pytest.fixture(scope="session")
def engine():
    engine = engine_on(os.environ["BENCH_GOLDEN"])
    yield engine
    engine.dispose()
