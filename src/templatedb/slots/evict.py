"""Take a database back from whoever still holds a lock on it: the rare path, taken when a test leaked something."""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from templatedb import pools
from templatedb.slots import StuckError, holders
from templatedb.slots.copy import remove

_STEPS = 20
_STEP_S = 0.005
_sleep = time.sleep  # a test may have put something else there

# What is said of a connection, in the order of what is said first, and what to do.
_SAID = {
    "left a transaction open on a {} connection": "commit or roll back before the test ends",
    "left a {} connection in EXCLUSIVE locking mode": "close it before the test ends",
    "left a result half read on a {} connection": "read it to its end, or close it, before the test ends",
}
_TRANSACTION, _EXCLUSIVE, _RESULT = _SAID
TRANSACTION_CLOSED = f"{_TRANSACTION.format('pooled')}, which was closed: {_SAID[_TRANSACTION]}"
"""What is said of one that locked nothing, but had changed its connection's state."""


def evict(
    path: Path,
    descriptor: int,
    is_free: Callable[[], bool],
    ours: Callable[[], sqlite3.Connection | None] = lambda: None,
) -> str:
    """End every transaction and cursor of this process that locks *path*; return what was ended, for a report.

    Empty when the lock went by itself: a background thread was just finishing, or a session had been left to the
    garbage collector. *descriptor* is one of the file; *ours* returns the connection with which *is_free* asks, which
    is to stay. Raises StuckError when the holder is out of reach. Not for a database in use.
    """
    if wait(is_free):
        return ""
    found = close_pooled(path)
    if is_free():
        return _report(found, "pooled")
    found = close_raw(path, ours())
    if is_free():
        return _report(found, "sqlite3")
    holders.end_orphans()
    if is_free():
        return _report([], "closed")
    process = holders.locked_by_another_process(descriptor)
    if process is not None:
        raise StuckError(f"left a transaction open in process {process}: end it, or the process, before the test ends")
    raise StuckError(
        "left the database locked by a connection out of reach, perhaps another thread's: close it before the test ends"
    )


def close_pooled(path: Path) -> list[str]:
    """Close every pooled connection on *path*, and return what is to be said of each."""
    connections = pools.connections(str(path))
    found = [_look_at(connection) for connection in connections]
    _end_cursors(connections)
    pools.close_all(str(path))
    return found


def close_raw(path: Path, ours: sqlite3.Connection | None = None) -> list[str]:
    """Close every connection of this process on *path* but *ours*, and return what is to be said of each.

    Its next use is then a loud error, where a connection that was rolled back would silently go on.
    """
    strangers = [found for found in holders.raw_connections(path).on_the_file if found is not ours]
    found = [_look_at(connection) for connection in strangers]
    _end_cursors(strangers)
    for connection in strangers:
        with contextlib.suppress(sqlite3.Error):  # of another thread, at the application's wish: it keeps its lock
            connection.close()
    return found


def wait(is_free: Callable[[], bool]) -> bool:
    """Ask for a moment whether it *is_free*; a session that was left to the garbage collector lets go first."""
    gc.collect()
    for _ in range(_STEPS):  # counted, not timed: a test may have stopped the clock
        if is_free():
            return True
        _sleep(_STEP_S)
    return False


def _look_at(connection: sqlite3.Connection) -> str:
    with contextlib.suppress(Exception):  # of another thread; or the application's own row and text factories
        if connection.in_transaction:
            return _TRANSACTION
        cursor = sqlite3.Cursor(connection)
        cursor.row_factory = None
        if cursor.execute("pragma locking_mode").fetchone()[0] in ("exclusive", b"exclusive"):
            return _EXCLUSIVE
    return _RESULT


def _report(found: list[str], kind: str) -> str:
    said = min(found, key=list(_SAID).index, default=_RESULT)
    return f"{said.format(kind)}, which was closed: {_SAID[said]}"


def _end_cursors(connections: list[sqlite3.Connection]) -> None:
    """Close their cursors: one that is half read would keep the lock when the connection is closed."""
    for cursor in holders.cursors_of(connections) if connections else []:
        with contextlib.suppress(sqlite3.Error):
            cursor.close()


def clear(path: Path, descriptor: int) -> str:
    """Close every connection of this process on *path* and remove what is there; return whom that cost a connection.

    *descriptor* is one of the file that was there before a test replaced or removed it. Raises StuckError where a
    connection is out of reach.
    """
    gc.collect()
    close_pooled(path)
    leak = ""
    if close_raw(path):
        leak = "replaced the database file under a sqlite3 connection, which was closed: close it in the test"
    if somebody_is_left(path, descriptor):
        holders.end_orphans()
    if somebody_is_left(path, descriptor):
        raise StuckError(
            "replaced the database file under a connection that is still open: close that before the test ends"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if another_process_is_left(path, descriptor):
        raise StuckError(
            "replaced the database file under a connection of another process: close that before the test ends"
        )
    remove(path)
    return leak


def somebody_is_left(path: Path, descriptor: int) -> bool:
    """Whether a connection of this process has the file of *descriptor* open, or the one at *path* in its place."""
    files = [os.fstat(descriptor)]
    with contextlib.suppress(OSError):
        files.append(os.stat(path))
    return any(set(holders.descriptors_on(file.st_dev, file.st_ino)) - {descriptor} for file in files)


def another_process_is_left(path: Path, descriptor: int) -> bool:
    """Whether one has the file of *descriptor* open, or the one at *path* in its place, where that can be known."""
    is_open = holders.open_elsewhere(descriptor)
    with contextlib.suppress(OSError):
        # No connection of this process is left whose locks this would drop.
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(path, "rb", buffering=0, opener=lambda name, _: os.open(name, flags)) as found:
            if os.fstat(found.fileno()).st_ino != os.fstat(descriptor).st_ino:
                is_open = is_open or holders.open_elsewhere(found.fileno())
    if not is_open:
        return False
    with tempfile.TemporaryFile(dir=path.parent) as probe:  # some filesystems say so of every file
        return holders.open_elsewhere(probe.fileno()) is False
