"""Tests that read the same ten years: one database in each worker."""

import sqlite3

import pytest

from rates import rate_on, store


@pytest.mark.parametrize("year", range(2015, 2025))
def test_a_month_of_31_days_ends_with_the_rate_of_the_28th(ten_years: sqlite3.Connection, year: int) -> None:
    assert rate_on(ten_years, "EUR", f"{year}-01-31") == rate_on(ten_years, "EUR", f"{year}-01-28")


@pytest.mark.parametrize("code", ["EUR", "GBP", "JPY"])
def test_there_is_nothing_before_the_first_day(ten_years: sqlite3.Connection, code: str) -> None:
    assert rate_on(ten_years, code, "2014-12-31") is None


def test_nobody_changes_what_others_read(ten_years: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store(ten_years, [("USD", "2024-05-01", 1.0)])
