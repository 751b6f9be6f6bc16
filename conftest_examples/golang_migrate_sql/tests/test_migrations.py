"""What the service in Go finds on such a database."""

import sqlite3
from pathlib import Path

MIGRATIONS = Path(__file__).parents[1] / "db/migrations"


def test_the_service_finds_nothing_to_migrate(clone_connection: sqlite3.Connection) -> None:
    """One row: the version of the last file, and that it ran to its end."""
    assert clone_connection.execute("select version, dirty from schema_migrations").fetchall() == [(3, 0)]


def test_every_migration_can_be_taken_back(clone_connection: sqlite3.Connection) -> None:
    """A clone starts from the newest schema, and nobody else sees it."""
    for down in sorted(MIGRATIONS.glob("*.down.sql"), reverse=True):
        clone_connection.executescript(down.read_text())
    left = clone_connection.execute("select name from sqlite_master where type in ('table', 'trigger')")
    assert left.fetchall() == [("schema_migrations",)]
