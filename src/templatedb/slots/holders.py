"""Who still has a file open: descriptors, locks and connections, seen without opening the file.

Opening it to look would do harm: closing any descriptor of a file drops every POSIX lock that this process has on it,
SQLite's included (https://www.sqlite.org/howtocorrupt.html section 2.2).
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import gc
import os
import signal
import sqlite3
import struct
import sys
from pathlib import Path
from typing import TypeVar

_DESCRIPTORS = "/dev/fd"  # macOS has nothing else; on Linux a link to /proc/self/fd
# https://www.sqlite.org/src/file/src/os.h: the bytes that SQLite locks, in a database of any size.
_PENDING_BYTE = 0x40000000
_LOCK_BYTES = 512  # PENDING, RESERVED, and 510 of SHARED
_T = TypeVar("_T")
# struct flock, fcntl(2): 64-bit offsets, padded as C does.
_FLOCK = "@qqihh" if sys.platform == "darwin" else "@hhqqi"


def descriptors_on(device: int, inode: int) -> list[int]:
    """Return this process's open descriptors of that file, in order; empty when there are none.

    Other threads may open and close meanwhile. Raises OSError where the table cannot be listed (no ``/proc``).
    """
    found = []
    for name in os.listdir(_DESCRIPTORS):
        with contextlib.suppress(OSError):  # the listing's own one is gone by now
            facts = os.fstat(int(name))
            if (facts.st_dev, facts.st_ino) == (device, inode):
                found.append(int(name))
    return sorted(found)


def open_elsewhere(descriptor: int) -> bool | None:
    """Whether anybody, in any process, has the file of *descriptor* open besides that; None where it cannot be known.

    Linux answers it in microseconds: it grants a write lease, fcntl(2), only on a file that nobody else has open. An
    idle connection, one opened for reading and one that a forked child inherited all count. None on other systems, on
    filesystems without leases, and for a file of another user.
    """
    if sys.platform != "linux":
        return None
    import fcntl

    try:
        # Who opens the file before the lease is back waits for that, and the signal goes to us: SIGIO would be deadly.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def locked_by_another_process(descriptor: int) -> int | None:
    """Return the pid of another process that holds one of SQLite's locks on the file; None when there is none.

    Sees open transactions, and in WAL mode every connection that has read once. Does not see connections of this
    process, idle ones in a rollback mode, and what a forked child inherited. The pid is 0 when the process is in
    another PID namespace.
    """
    import fcntl

    kind, pid = _first_lock(fcntl.fcntl(descriptor, fcntl.F_GETLK, _question(fcntl.F_WRLCK)))
    return None if kind == fcntl.F_UNLCK else pid


def _question(kind: int) -> bytes:
    if sys.platform == "darwin":
        return struct.pack(_FLOCK, _PENDING_BYTE, _LOCK_BYTES, 0, kind, os.SEEK_SET)
    return struct.pack(_FLOCK, kind, os.SEEK_SET, _PENDING_BYTE, _LOCK_BYTES, 0)


def _first_lock(answer: bytes) -> tuple[int, int]:
    if sys.platform == "darwin":
        _, _, pid, kind, _ = struct.unpack(_FLOCK, answer)
    else:
        kind, _, _, _, pid = struct.unpack(_FLOCK, answer)
    return kind, pid


@dataclasses.dataclass(frozen=True, slots=True)
class OpenConnections:
    """Open connections of this process, whoever made them."""

    on_the_file: list[sqlite3.Connection]
    unknown: list[sqlite3.Connection]
    """Those that did not say what they have open: made for one thread, or refused by an authorizer of the user's."""


def raw_connections(path: Path) -> OpenConnections:
    """Find the open connections of this process that have *path* as their main or an attached database.

    Asks the garbage collector: tens of milliseconds in a big process, and blind to what ``gc.freeze()`` hid. Waits for
    a statement that another thread runs on a connection at this moment. What was closed is not listed, even if a cursor
    of it keeps the file open.
    """
    wanted = os.path.realpath(path)
    found = OpenConnections([], [])
    for connection in _instances(sqlite3.Connection):
        names = _open_files(connection)
        if names is None:
            found.unknown.append(connection)
        elif wanted in map(os.path.realpath, names):
            found.on_the_file.append(connection)
    return found


def cursors_of(connections: list[sqlite3.Connection]) -> list[sqlite3.Cursor]:
    """Find the living cursors of the *connections*, which may be closed by now; asks the garbage collector once."""
    wanted = set(map(id, connections))
    return [cursor for cursor in _instances(sqlite3.Cursor) if id(getattr(cursor, "connection", None)) in wanted]


def end_orphans() -> None:
    """End the cursors whose connection is closed: one that is half read keeps its lock, and cannot be closed any more.

    Asks the garbage collector.
    """
    with contextlib.closing(sqlite3.connect(":memory:")) as other:
        for cursor in _instances(sqlite3.Cursor):
            if _is_closed(getattr(cursor, "connection", None)):
                with contextlib.suppress(Exception):
                    sqlite3.Cursor.__init__(cursor, other)  # lets go of its statement


def _is_closed(connection: sqlite3.Connection | None) -> bool:
    try:
        return connection is not None and connection.total_changes < 0
    except sqlite3.ProgrammingError as error:
        return "closed" in str(error)


def _instances(kind: type[_T]) -> list[_T]:
    # By type(), not isinstance(): that asks proxies for their __class__, and runs code of theirs.
    return [instance for instance in gc.get_objects() if issubclass(type(instance), kind)]


def _open_files(connection: sqlite3.Connection) -> list[str] | None:
    """Return the files of an open connection, nothing for a closed one, None for one that does not answer."""
    try:
        # Answers any thread. First, for Python 3.11 crashes on a cursor of one whose __init__ never ran.
        sqlite3.Connection.in_transaction.__get__(connection)
    except sqlite3.ProgrammingError:
        return []
    try:
        # Not connection.execute(): a subclass may count, log or refuse.
        cursor = sqlite3.Cursor(connection)
        cursor.row_factory = None
        rows = cursor.execute("pragma database_list").fetchall()
        return [os.fsdecode(name) for _, _, name in rows if name]
    except Exception:  # one of another thread, a refusing authorizer, or a text factory of the user's
        return None
