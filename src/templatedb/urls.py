"""SQLAlchemy URLs of SQLite databases, right for every path and for SQLAlchemy 2.0 and 2.1 alike."""

from __future__ import annotations

import functools
from pathlib import Path
from urllib.parse import quote


@functools.lru_cache(maxsize=32)  # a worker uses the same few places for all of its tests
def sqlite_url(path: Path, driver: str = "sqlite") -> str:
    """Return the URL of the file at *path*, which must be absolute.

    SQLAlchemy 2.1 unquotes the database part of a URL and 2.0 does not, so a ``%`` in a folder's name needs the
    installed version's own spelling; and 2.0 cannot spell a ``?`` at all except inside a ``file:`` URI. SQLAlchemy is
    imported for such paths only.
    """
    text = str(path)
    if not set("%?") & set(text):
        return f"{driver}:///{text}"
    from sqlalchemy import URL, make_url

    url = URL.create(driver, database=text).render_as_string(hide_password=False)
    if make_url(url).database == text:
        return url
    return f"{driver}:///file:{quote(text)}?uri=true"


def database_of(url: str) -> str | None:
    """Return the database part of a SQLite *url*, or None for other dialects and for databases in memory."""
    scheme, _, rest = url.partition("://")
    path = rest.partition("/")[2].partition("?")[0]
    return path if scheme.partition("+")[0] == "sqlite" and path not in ("", ":memory:") else None


def memory_url(name: str, driver: str = "sqlite") -> str:
    """Return the URL of the named in-memory database *name*, shared by all connections of this process.

    Source: https://www.sqlite.org/inmemorydb.html; the ``memdb`` VFS shares names that start with a slash, and
    unlike the older shared cache honours the busy timeout.
    """
    return f"{driver}:///{memory_uri(name)}&uri=true"


def memory_uri(name: str) -> str:
    """Return what ``sqlite3.connect(..., uri=True)`` takes for the same database."""
    return f"file:/{name}?vfs=memdb"


_ASYNC_DRIVERS = ("aiosqlite", "asyncpg", "aiomysql", "asyncmy", "psycopg_async", "aioodbc")


def driver_like(url: str | None) -> str:
    """Return the SQLite driver that code written for *url* expects: ``sqlite+aiosqlite`` where it awaits.

    Old async env.py files wrap a plain engine (``AsyncEngine(engine_from_config(...))``): they work only with a URL
    that names an async driver, so the URL we put in its place must name one too.
    """
    scheme = (url or "").partition(":")[0]
    return "sqlite+aiosqlite" if scheme.partition("+")[2] in _ASYNC_DRIVERS else "sqlite"
