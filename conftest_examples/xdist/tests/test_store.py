"""Tests that write: each has a database of its own."""

import sqlite3

import pytest

from rates import rate_on, store


@pytest.mark.parametrize("value", range(1, 13))
@pytest.mark.parametrize("code", ["EUR", "GBP", "JPY", "USD"])
def test_a_rate_is_stored(clone_connection: sqlite3.Connection, code: str, value: int) -> None:
    store(clone_connection, [(code, "2024-05-01", value)])
    assert clone_connection.execute("select code, value from rate").fetchall() == [(code, value)]


@pytest.mark.templatedb(clone="memory")
def test_the_second_rate_of_a_day_replaces_the_first(clone_connection: sqlite3.Connection) -> None:
    for value in range(1, 500):
        store(clone_connection, [("EUR", "2024-05-01", value)])
    assert rate_on(clone_connection, "EUR", "2024-05-01") == 499
