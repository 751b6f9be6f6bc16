import sqlite3

from visits import count_visit


def test_visits_are_counted(clone_connection: sqlite3.Connection) -> None:
    for page in ("home", "about", "home"):
        count_visit(clone_connection, page)
    assert dict(clone_connection.execute("select page, count from visits")) == {"home": 2, "about": 1}
