import glob
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest
from yoyo import get_backend, read_migrations

from stock import MIGRATIONS, in_stock, migrate, move


def test_what_comes_in_and_goes_out_is_counted(clone_connection: sqlite3.Connection) -> None:
    """The migrations brought the items and their units; the movements are this test's alone."""
    move(clone_connection, "flour", 25)
    move(clone_connection, "flour", -5)
    assert in_stock(clone_connection) == {"flour": "20 kg", "milk": "0 l"}


def test_a_movement_of_nothing_is_refused(clone_connection: sqlite3.Connection) -> None:
    """The check of the migrated table is at work."""
    with pytest.raises(sqlite3.IntegrityError):
        move(clone_connection, "milk", 0)
    assert in_stock(clone_connection) == {"flour": "0 kg", "milk": "0 l"}


def test_the_golden_holds_no_lock(clone_connection: sqlite3.Connection) -> None:
    """The build has given yoyo's lock back, so the application can migrate a clone."""
    assert clone_connection.execute("select * from yoyo_lock").fetchall() == []


def test_on_a_clone_nothing_is_left_to_apply(clone_path: Path, clone_connection: sqlite3.Connection) -> None:
    """An application that migrates when it starts finds its database as it wants it."""
    log = list(clone_connection.execute("select * from _yoyo_log"))
    migrate(str(clone_path))
    assert log == list(clone_connection.execute("select * from _yoyo_log")) != []


def test_every_migration_can_be_rolled_back(clone_path: Path, clone_connection: sqlite3.Connection) -> None:
    """A clone is the place to try a rollback: it starts from the newest schema, and nobody else sees it."""
    with get_backend(f"sqlite:///{quote(str(clone_path))}") as backend:
        backend.rollback_migrations(backend.to_rollback(read_migrations(glob.escape(str(MIGRATIONS)))))
    tables = {name for (name,) in clone_connection.execute("select name from sqlite_master where type = 'table'")}
    assert not tables & {"item", "movement"}
