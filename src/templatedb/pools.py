"""Which pooled connections of SQLAlchemy are open on a slot, whosever engine they belong to.

A slot is restored under connections that stay open. So it must be known which ones: those that a test left in another
state reconnect, and where a test left a transaction open they are closed. One listener on SQLAlchemy's ``Pool`` class
sees them all, also those of an application's engine that never heard of templatedb. Nothing here imports SQLAlchemy.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import weakref
from typing import Any, NamedTuple

from templatedb import connection_state, opened
from templatedb.after_import import call_after_import

_lock = threading.RLock()
_records: dict[str, weakref.WeakSet[Any]] = {}
"""Path of a slot, or name of one in memory: the pool records that have connected to it."""
_unsynced: set[str] = set()
_looking = threading.RLock()
"""Held while a connection that nobody has is looked at: whoever checks it out meanwhile waits. Two threads on one
connection get each other's errors, and Python crashes where one of them closes it."""
_INFO = "templatedb"
_watching = False


class _Known:
    """What is known of one pooled connection, kept in the record's own ``info``, which a reconnect clears."""

    __slots__ = ("is_read", "state", "thread", "used")

    def __init__(self) -> None:
        self.is_read = False
        self.state: connection_state.State | None = None
        """As the connect listeners left it; None before it is read, and where it cannot be read."""
        self.used = False
        self.thread = 0
        """Which thread has it, or had it last."""


def claim(path: str, *, synchronous: bool = True) -> None:
    """Know the connections to *path*, as SQLite spells it, from here on.

    Without *synchronous* they do not wait for the disk: a test's database need not survive a power cut.
    """
    with _lock:
        _records.setdefault(path, weakref.WeakSet())
        opened.claim(path)
        if not synchronous:
            _unsynced.add(path)
    watch()


def disclaim(path: str) -> None:
    """Forget *path*."""
    with _lock:
        _records.pop(path, None)
        _unsynced.discard(path)
        opened.disclaim(path)


def watch() -> None:
    """Listen to every pool of this process, from the moment on that SQLAlchemy is imported. Harmless when repeated."""
    global _watching  # noqa: PLW0603  # SQLAlchemy is one per process, and so is its listener
    with _lock:
        if _watching:
            return
        _watching = True
    call_after_import("sqlalchemy", _listen)


def is_own(listener: object) -> bool:
    """Whether a *listener* of a pool is one of ours."""
    return listener is _connected or listener is _checked_out


def _listen() -> None:
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    # First of all: the popular recipe listens to the class as well, and may have come before us.
    event.listen(Pool, "connect", _connected, insert=True)


def _connected(dbapi_connection: Any, record: Any) -> None:
    """See a new connection before the application's own listeners, whose settings therefore win over ours."""
    pool = record._ConnectionRecord__pool
    # Any statement that fails would leave a transaction of PostgreSQL aborted.
    if not _records or not (_raw_or_none(record) or getattr(pool._dialect, "name", "") == "sqlite"):
        return
    try:
        rows = _ask(record, "pragma database_list")
    except Exception:  # another database than SQLite: no slot of ours
        return
    path = next((row[2] for row in rows if row[1] == "main"), "") or opened.name_in_memory(_raw_or_none(record))
    with _lock:
        known = _records.get(path)
        if known is None:
            return
        known.add(record)
        record.info[_INFO] = _Known()
        if _checked_out not in pool.dispatch.checkout:  # a pool made anew after dispose() takes its listeners along
            from sqlalchemy import event

            # After the connect listeners, the application's included: what they set is no change of a test.
            event.listen(pool, "checkout", _checked_out)
    if path in _unsynced:
        _stop_syncing(record)


def _ask(record: Any, statement: str) -> list[Any]:
    """Return the rows of a statement on a new connection, without awaiting where it is sqlite3's own.

    An async connection is opened under a lock: before SQLAlchemy 2.0.30 a second one, coming while a listener awaits,
    would stop the whole thread.
    """
    if (connection := raw(record)) is not None:
        with contextlib.suppress(sqlite3.ProgrammingError):  # an async one that only its own thread may use
            cursor = connection.cursor()
            cursor.row_factory = None
            return cursor.execute(statement).fetchall()
    with contextlib.closing(record.dbapi_connection.cursor()) as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _stop_syncing(record: Any) -> None:
    # With autocommit=False a transaction is always open, in which SQLite refuses this pragma.
    connection = raw(record)
    in_transaction = getattr(connection, "autocommit", None) is False
    if in_transaction and connection is not None:
        connection.autocommit = True  # type: ignore[attr-defined]  # from Python 3.12 on
    _ask(record, "pragma synchronous = off")
    if in_transaction and connection is not None:
        connection.autocommit = False  # type: ignore[attr-defined]


def _checked_out(dbapi_connection: object, record: Any, proxy: object) -> None:
    del proxy
    known = record.info.get(_INFO)
    if known is None:
        return
    with _looking:
        known.used, known.thread = True, threading.get_ident()
        if record.dbapi_connection is not dbapi_connection:
            from sqlalchemy.exc import DisconnectionError

            raise DisconnectionError  # it was found changed at this very moment: the pool connects anew
        if not known.is_read and (connection := raw(record)) is not None:
            known.is_read = True
            known.state = connection_state.read(connection)


def raw(record: Any) -> sqlite3.Connection | None:
    """Return the sqlite3 connection of a pool's *record*, None where it has none (any more)."""
    driver = record.driver_connection
    found = getattr(driver, "_conn", driver) if driver is not None else None
    return found if isinstance(found, sqlite3.Connection) else None


def connections(path: str) -> list[sqlite3.Connection]:
    """Return the pooled connections that are open on *path*."""
    return [found for record in _of(path) if (found := _raw_or_none(record)) is not None]


def close_async(path: str, pool: Any) -> None:
    """Close the async connections on *path* that *pool* has, from outside of any loop, and wait for their threads.

    Those that are checked out too. The pool must not be used afterwards.
    """
    records = [record for record in _of(path) if record._ConnectionRecord__pool is pool]
    drivers = [record.driver_connection for record in records]
    if not all(hasattr(driver, "stop") and hasattr(driver, "_thread") for driver in drivers):
        for record in records:  # before aiosqlite 0.22.1 that needs a loop
            _close(record)
        return
    if drivers:
        from templatedb.loops import run_without_loop

        run_without_loop(lambda: [driver.stop() for driver in drivers])
    for record, driver in zip(records, drivers, strict=True):
        driver._thread.join(timeout=1.0)
        record.dbapi_connection = None


class Settled(NamedTuple):
    """What became of the connections that a test has used."""

    closed: int
    """How many of them, for what it had changed; their pools connect anew."""
    left: int
    """How many were left alone, for being inside a transaction, or outside of one where those inside were asked for."""


def settle(path: str) -> Settled:
    """Close the connections on *path* whose state a test has changed.

    One inside a transaction is left alone: whoever restores the slot finds it locked, or calls `settle_transactions`.
    """
    return _settle(path, in_transaction=False)


def settle_transactions(path: str) -> int:
    """Do the same for those inside a transaction, of a slot that is restored; return how many were closed.

    Theirs holds no lock on it: it has done nothing yet, or only in temporary tables.
    """
    return _settle(path, in_transaction=True).closed


def _settle(path: str, *, in_transaction: bool) -> Settled:
    closed = left = 0
    for record in _of(path):
        with _looking:
            known = record.info.get(_INFO)
            if known is None or not known.used or _is_busy(known, record):
                continue
            connection, in_use = _raw_or_none(record), record.in_use
            if (connection is not None and _is_in_transaction(connection, record)) is not in_transaction:
                left += 1
                continue
            if connection is not None and known.state is not None and connection_state.read(connection) == known.state:
                known.used = in_use  # one that is held over tests is used without being checked out
                continue
            _close(record, is_held=in_use)
            closed += 1
    return Settled(closed, left)


def _is_busy(known: _Known, record: Any) -> bool:
    """Whether a thread that lives has it, and may close it at any moment: Python crashes where one reads meanwhile.

    What that thread does to it is looked at when it is back in its pool; without a pool it is closed then.
    """
    if known.thread == threading.get_ident():
        return False
    from sqlalchemy.pool import NullPool

    return (record.in_use or isinstance(record._ConnectionRecord__pool, NullPool)) and any(
        thread.ident == known.thread for thread in threading.enumerate()
    )


def _is_in_transaction(connection: sqlite3.Connection, record: Any) -> bool:
    # With autocommit=False one is always open; the pool has ended the last one that did anything.
    always = getattr(connection, "autocommit", None) is False and not record.in_use
    try:
        return connection.in_transaction and not always
    except sqlite3.ProgrammingError:  # closed, but not by its pool
        return False


def close_all(path: str) -> bool:
    """Close every pooled connection on *path*; their pools connect anew. Return whether all are closed."""
    records = _of(path)
    for record in records:
        _close(record)
    return all(record.dbapi_connection is None for record in records)


def _of(path: str) -> list[Any]:
    if (known := _records.get(path)) is None:
        return []
    with _lock:
        # Its references: to iterate a WeakSet itself takes longer than all that is done with what is found.
        found = [reference() for reference in tuple(known.data)]  # type: ignore[attr-defined]  # not in typeshed
    return [record for record in found if record is not None and record.dbapi_connection is not None]


def _raw_or_none(record: Any) -> sqlite3.Connection | None:
    try:
        return raw(record)
    except (AttributeError, ValueError):  # an async connection that is closed has none
        return None


def _close(record: Any, *, is_held: bool = True) -> None:
    driver = record.driver_connection
    # By whoever has checked it out, where somebody has: a session that was left open can then be closed, not used.
    holder = record.fairy_ref() if is_held and record.fairy_ref is not None else None
    invalidate = (record if holder is None else holder).invalidate
    if isinstance(driver, sqlite3.Connection):
        invalidate()
        return
    from sqlalchemy.util import greenlet_spawn

    from templatedb.loops import run_in_own_loop

    async def close() -> None:
        await greenlet_spawn(invalidate)

    thread = driver if isinstance(driver, threading.Thread) else getattr(driver, "_thread", None)
    run_in_own_loop(close)
    if isinstance(thread, threading.Thread):
        thread.join(timeout=1.0)
