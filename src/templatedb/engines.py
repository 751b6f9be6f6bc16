"""SQLAlchemy engines and sessions on clones: how they are made, watched and closed.

Imported only by tests that ask for one: SQLAlchemy costs a quarter of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event

from templatedb.errors import TemplateDBError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession


def make_engine(url: str) -> Engine:
    """Return a plain engine; the default of ``templatedb_engine_factory``."""
    return create_engine(url)


def make_async_engine(url: str) -> AsyncEngine:
    """Return a plain async engine; the default of ``templatedb_async_engine_factory``.

    Raises TemplateDBError when ``aiosqlite`` or ``greenlet`` is not installed.
    """
    try:
        import aiosqlite  # noqa: F401
        import greenlet  # noqa: F401
        from sqlalchemy.ext.asyncio import create_async_engine
    except ImportError as error:
        raise TemplateDBError(
            what=f"an async engine needs {error.name}, which is not installed",
            remedy=f"Run: pip install {error.name}",
        ) from error
    return create_async_engine(url)


@contextlib.contextmanager
def watched(engine: Engine, in_use: dict[int, sqlite3.Connection]) -> Iterator[set[threading.Thread]]:
    """Keep the sqlite3 connections that *engine* has handed out in *in_use*, by identity, during the block.

    Yields the threads that async connections run in, which is filled as they are handed out.
    """
    threads: set[threading.Thread] = set()

    def out(_connection: object, record: Any, _proxy: object) -> None:
        driver = record.driver_connection
        # Before 0.22 an aiosqlite connection is its thread, since then it has one.
        thread = driver if isinstance(driver, threading.Thread) else getattr(driver, "_thread", None)
        if isinstance(thread, threading.Thread):
            threads.add(thread)
        # aiosqlite keeps the real connection, which lives in its thread, under this name.
        raw = getattr(driver, "_conn", driver)
        if isinstance(raw, sqlite3.Connection):
            in_use[id(record)] = raw

    def back(_connection: object, record: Any) -> None:
        in_use.pop(id(record), None)

    event.listen(engine, "checkout", out)
    event.listen(engine, "checkin", back)
    try:
        yield threads
    finally:
        event.remove(engine, "checkout", out)
        event.remove(engine, "checkin", back)


def wait_for(threads: Iterable[threading.Thread]) -> None:
    """Wait, for a second at most, until the *threads* of closed async connections have ended.

    A connection says that it is closed a moment before its thread ends; a test that counts threads would see it.
    """
    for thread in threads:
        thread.join(timeout=1.0)


def close_async(close: Callable[[], Awaitable[Any]]) -> None:
    """Await ``close()`` to its end from synchronous code, in a thread with a loop of its own.

    The test's loop is gone or not ours by now, and ``asyncio.run`` in this thread would take its loop from plugins.
    """
    failure: list[BaseException] = []

    async def wait() -> None:
        await close()

    def run(work: Coroutine[Any, Any, None]) -> None:
        try:
            asyncio.run(work)
        except BaseException as error:  # passed on to the caller's thread below
            failure.append(error)

    thread = threading.Thread(target=run, args=(wait(),), name="templatedb-close")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


def make_async_session(engine: AsyncEngine) -> AsyncSession:
    """Return an async session; its objects keep their attributes after a commit, for awaiting would reload them."""
    from sqlalchemy.ext.asyncio import AsyncSession

    return AsyncSession(engine, expire_on_commit=False)
