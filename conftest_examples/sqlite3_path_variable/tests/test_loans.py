import sqlite3

import pytest

from loans import at_home, lend


def test_a_tool_that_is_lent_is_not_at_home() -> None:
    lend("drill", "Ada")
    assert at_home() == ["ladder"]


def test_a_tool_is_lent_once() -> None:
    lend("drill", "Grace")
    with pytest.raises(sqlite3.IntegrityError):
        lend("drill", "Ada")


def test_the_test_looks_at_the_file_of_the_application(clone_connection: sqlite3.Connection) -> None:
    lend("ladder", "Grace")
    assert clone_connection.execute("select borrower from loan").fetchall() == [("Grace",)]


def test_nothing_is_left_of_other_tests() -> None:
    assert at_home() == ["drill", "ladder"]
