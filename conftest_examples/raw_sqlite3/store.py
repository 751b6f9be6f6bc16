"""Notes with tags in an SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

MIGRATIONS = Path(__file__).parent / "sql"


def migrate(path: str) -> None:
    """Apply the numbered SQL files that the database has not seen yet, in order."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (done,) = connection.execute("pragma user_version").fetchone()
        for file in sorted(MIGRATIONS.glob("*.sql")):
            number = int(file.name.split("_")[0])
            if number > done:
                connection.executescript(f"begin; {file.read_text()} pragma user_version = {number}; commit;")


def add_note(connection: sqlite3.Connection, text: str, *tags: str) -> int:
    """Add a note and its tags, all or nothing, and return its number."""
    with connection:
        (number,) = connection.execute("insert into note (text) values (?) returning id", [text]).fetchone()
        connection.executemany("insert into tag values (?, ?)", [(number, tag) for tag in tags])
    return int(number)


class Store:
    """The notes of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def tagged(self, tag: str) -> list[str]:
        """Return the notes with that tag."""
        with contextlib.closing(sqlite3.connect(self._path)) as connection:
            query = "select text from note join tag on note_id = id where name = ? order by id"
            return [text for (text,) in connection.execute(query, [tag])]
