"""Reports on a link shortener, whose database a service in Go owns and migrates."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path


def import_links(connection: sqlite3.Connection, links: Iterable[tuple[str, str]]) -> None:
    """Add links, each a slug and its target, all or none; raises sqlite3.IntegrityError."""
    with connection:
        connection.executemany("insert into link (slug, target) values (?, ?)", links)


def clicks_by_day(path: Path, slug: str) -> dict[str, int]:
    """Return how often a link was followed, by day, from the database file."""
    query = """
        select date(at), count(*) from click join link on link_id = link.id where slug = ? group by date(at) order by 1
    """
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute(query, [slug]))


def forget(connection: sqlite3.Connection, slug: str) -> None:
    """Remove a link and its clicks; SQLite cascades only on connections that ask for it."""
    connection.execute("pragma foreign_keys = on")
    with connection:
        connection.execute("delete from link where slug = ?", [slug])
