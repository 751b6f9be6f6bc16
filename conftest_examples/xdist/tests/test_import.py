"""Tests that look at the result of one import: one database for this file."""

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from templatedb import Clone

from rates import rate_on, read_lines, store

LINES = """
EUR;2024-05-01;1.07
EUR;2024-05-03;1.08
GBP;2024-05-01;1.25
"""


@pytest.fixture(scope="module")
def imported(clone_factory: Callable[[], Clone]) -> Iterator[sqlite3.Connection]:
    with clone_factory() as clone:
        store(clone.connect(), read_lines(LINES))
        yield clone.connect()


def test_each_line_is_a_rate(imported: sqlite3.Connection) -> None:
    assert imported.execute("select count(*) from rate").fetchone() == (3,)


@pytest.mark.parametrize(("day", "value"), [("2024-05-01", 1.07), ("2024-05-02", 1.07), ("2024-05-03", 1.08)])
def test_a_day_without_a_line_has_the_rate_of_the_day_before(
    imported: sqlite3.Connection, day: str, value: float
) -> None:
    assert rate_on(imported, "EUR", day) == value
