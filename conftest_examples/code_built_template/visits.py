"""The counter of visits, a second database without Alembic."""

from __future__ import annotations

import contextlib
import sqlite3


def create_tables(path: str) -> None:
    """Make the database at *path*."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table visits (page text primary key, count integer not null)")


def count_visit(connection: sqlite3.Connection, page: str) -> None:
    """Count one visit of a page; commits."""
    with connection:
        connection.execute(
            "insert into visits values (?, 1) on conflict (page) do update set count = count + 1", [page]
        )
