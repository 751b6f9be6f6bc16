"""One test with a clone, or one for each worker; on a hit Alembic is never imported."""

import os
import sys

import pytest


@pytest.mark.parametrize("number", range(int(os.environ["BENCH_TESTS"])))
def test_start(clone_connection, number):
    assert clone_connection.execute("select value from settings").fetchall() == [("golden",)]
    assert "alembic" not in sys.modules, "Alembic was imported"
