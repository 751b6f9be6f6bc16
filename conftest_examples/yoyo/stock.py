"""What a shop has in stock: items, and what came in and went out."""

from __future__ import annotations

import glob
import logging
import sqlite3
from pathlib import Path
from urllib.parse import quote

from yoyo import get_backend, read_migrations

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(path: str) -> None:
    """Apply the migrations that the database has not seen yet."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # yoyo's log names the migration that failed
    migrations = read_migrations(glob.escape(str(MIGRATIONS)))
    with get_backend(f"sqlite:///{quote(path)}") as backend, backend.lock():
        backend.apply_migrations(backend.to_apply(migrations))


def move(connection: sqlite3.Connection, item: str, amount: int) -> None:
    """Book *amount* of an item in, or out if it is negative, and commit."""
    with connection:
        connection.execute("insert into movement (item, amount) values (?, ?)", [item, amount])


def in_stock(connection: sqlite3.Connection) -> dict[str, str]:
    """Return how much there is of each item, with its unit."""
    query = "select name, total(amount), unit from item left join movement on item = name group by name"
    return {name: f"{amount:g} {unit}" for name, amount, unit in connection.execute(query)}
