"""Exchange rates, one for each currency and day."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable


def store(connection: sqlite3.Connection, rates: Iterable[tuple[str, str, float]]) -> None:
    """Write (currency, day, value); a second value for the same day replaces the first."""
    with connection:
        connection.executemany("insert or replace into rate values (?, ?, ?)", rates)


def read_lines(text: str) -> list[tuple[str, str, float]]:
    """Return the rates of lines such as ``EUR;2024-05-01;1.07``."""
    fields = (line.split(";") for line in text.split())
    return [(code, day, float(value)) for code, day, value in fields]


def rate_on(connection: sqlite3.Connection, code: str, day: str) -> float | None:
    """Return the rate of that day, or of the last day before it that has one."""
    query = "select value from rate where code = ? and day <= ? order by day desc limit 1"
    row = connection.execute(query, [code, day]).fetchone()
    return None if row is None else float(row[0])
