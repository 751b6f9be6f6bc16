"""Tools that neighbours lend each other, in the SQLite file that a variable names."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator

PATH = os.environ.get("LOANS_DB", "loans.db")


@contextlib.contextmanager
def connected() -> Iterator[sqlite3.Connection]:
    """Open the file for the block; commit at its end, or roll back."""
    with contextlib.closing(sqlite3.connect(PATH)) as connection, connection:
        yield connection


def lend(tool: str, borrower: str) -> None:
    """Note a loan; raises sqlite3.IntegrityError for a tool that is out."""
    with connected() as connection:
        connection.execute("insert into loan select id, ? from tool where name = ?", [borrower, tool])


def at_home() -> list[str]:
    """Return the names of the tools that nobody has."""
    with connected() as connection:
        rows = connection.execute("select name from tool where id not in (select tool_id from loan) order by name")
        return [name for (name,) in rows]
