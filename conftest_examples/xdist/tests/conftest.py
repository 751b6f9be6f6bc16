import sqlite3
from collections.abc import Callable, Iterator

import pytest
from templatedb import Clone

from rates import store


@pytest.fixture(scope="session")
def ten_years(clone_factory: Callable[[], Clone]) -> Iterator[sqlite3.Connection]:
    """Rates of ten years, written once in each worker. For reading only."""
    months = [f"{year}-{month:02}" for year in range(2015, 2025) for month in range(1, 13)]
    days = [f"{month}-{day:02}" for month in months for day in range(1, 29)]
    with clone_factory() as clone:
        connection = clone.connect()
        for code in ("EUR", "GBP", "JPY"):
            store(connection, [(code, day, float(number)) for number, day in enumerate(days, start=1)])
        connection.execute("pragma query_only = on")
        yield connection
