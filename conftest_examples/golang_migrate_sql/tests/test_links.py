import sqlite3
from pathlib import Path

import pytest

from links import clicks_by_day, forget, import_links


@pytest.fixture
def docs(clone_connection: sqlite3.Connection) -> str:
    """A link that was followed three times; return its slug."""
    import_links(clone_connection, [("docs", "https://docs.python.org")])
    with clone_connection:
        days = [["2026-05-01 09:00"], ["2026-05-01 17:30"], ["2026-05-03 12:00"]]
        clone_connection.executemany("insert into click select id, ? from link", days)
    return "docs"


def test_clicks_are_counted_by_day(docs: str, clone_path: Path) -> None:
    """The report opens the file itself."""
    assert clicks_by_day(clone_path, docs) == {"2026-05-01": 2, "2026-05-03": 1}


def test_a_forgotten_link_takes_its_clicks_along(docs: str, clone_connection: sqlite3.Connection) -> None:
    forget(clone_connection, docs)
    assert clone_connection.execute("select * from click").fetchall() == []


def test_a_reserved_slug_is_refused_and_with_it_the_whole_import(clone_connection: sqlite3.Connection) -> None:
    """The trigger and its rows came with the last migration."""
    with pytest.raises(sqlite3.IntegrityError, match="this slug is reserved"):
        import_links(clone_connection, [("docs", "https://docs.python.org"), ("login", "https://example.org")])
    assert clone_connection.execute("select * from link").fetchall() == []
