import sqlite3
from pathlib import Path

import pytest

from store import Store, add_note


def test_a_note_is_written_with_its_tags(clone_connection: sqlite3.Connection) -> None:
    number = add_note(clone_connection, "buy milk", "home", "soon")
    rows = clone_connection.execute("select name from tag where note_id = ? order by name", [number])
    assert rows.fetchall() == [("home",), ("soon",)]


def test_a_note_whose_tags_are_wrong_is_not_written(clone_connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        add_note(clone_connection, "buy milk", "twice", "twice")
    assert clone_connection.execute("select * from note").fetchall() == []


def test_the_store_opens_the_file_itself(clone_path: Path, clone_connection: sqlite3.Connection) -> None:
    add_note(clone_connection, "buy milk", "home")
    add_note(clone_connection, "write tests", "work")
    assert Store(clone_path).tagged("home") == ["buy milk"]
