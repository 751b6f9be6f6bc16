"""Take a database back from whoever still holds a lock on it: the rare path, taken when a test leaked something."""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from templatedb import pools
from templatedb.slots import holders

_STEPS = 20
_STEP_S = 0.005


def evict(path: Path, descriptor: int, is_free: Callable[[], bool]) -> str:
    """End every transaction and cursor of this process that locks *path*; return what was ended, for a report.

    Empty when the lock went by itself: a background thread was just finishing, or a session had been left to the
    garbage collector. *descriptor* is one of the file. Returns with the database still locked when the holder is out
    of reach; the text names it. Not for a database in use.
    """
    if _wait(is_free):
        return ""
    ended = _describe(pools.connections(str(path)), "pooled connection")
    pools.close_all(str(path))
    if is_free():
        return f"left {ended or 'a cursor half read on a pooled connection'}"
    strangers = holders.raw_connections(path).on_the_file
    ended = ended or _describe(strangers, "sqlite3 connection")
    for connection in strangers:
        _end(connection)
    if is_free():
        return f"left {ended or 'a cursor half read, or a connection in EXCLUSIVE locking mode'}"
    process = holders.locked_by_another_process(descriptor)
    if process is not None:
        return f"left a transaction open in process {process}"
    return f"left {ended or 'the database locked by a connection that cannot be closed from here'}"


def _wait(is_free: Callable[[], bool]) -> bool:
    gc.collect()
    for _ in range(_STEPS):  # counted, not timed: a test may have stopped the clock
        if is_free():
            return True
        time.sleep(_STEP_S)
    return False


def _describe(connections: list[sqlite3.Connection], kind: str) -> str:
    return f"a transaction open on a {kind}" if any(found.in_transaction for found in connections) else ""


def _end(connection: sqlite3.Connection) -> None:
    """Close the connection: its next use is then a loud error, where a rolled back one would silently go on."""
    try:
        for cursor in holders.cursors_of(connection):
            cursor.close()
        connection.close()
    except sqlite3.Error:  # of another thread, at the application's wish: it stays, and the caller finds the lock
        return
