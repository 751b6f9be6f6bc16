"""Take SQLite's locks without SQLite, for a moment in which it would have none that keeps readers out.

SQLite locks bytes with POSIX locks, which a process cannot have against itself. The locks here belong to a descriptor
(Linux 3.15): they are refused where any connection has such a byte, of this process too, and SQLite is refused them
while they are held. The descriptor must stay open as long as connections of this process live on its file, for closing
any drops the POSIX locks of the process (https://www.sqlite.org/howtocorrupt.html section 2.2).
"""

from __future__ import annotations

import contextlib
import enum
import errno
import fcntl
import os
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

from templatedb.slots import LockedError

ARE_SUPPORTED = sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLK")
_FLOCK = struct.Struct("@hhqqi")  # struct flock, fcntl(2): 64-bit offsets, padded as C does; the pid is 0
_TAKEN = (errno.EAGAIN, errno.EACCES)


class NoLocksError(Exception):
    """There are no such locks here: another system, an old kernel, or a file system without them."""


class Kind(enum.Enum):
    """Whether others may hold the same lock."""

    SHARED = fcntl.F_RDLCK
    EXCLUSIVE = fcntl.F_WRLCK


class Lock(NamedTuple):
    """Some bytes of a file, which need not be there."""

    kind: Kind
    start: int
    length: int


@contextlib.contextmanager
def held(descriptor: int, lock: Lock) -> Iterator[None]:
    """Hold the *lock* on the file of *descriptor* for the block.

    Raises LockedError at once where anybody is in the way, and NoLocksError.
    """
    _set(descriptor, lock, lock.kind.value)
    try:
        yield
    finally:
        _set(descriptor, lock, fcntl.F_UNLCK)


def _set(descriptor: int, lock: Lock, kind: int) -> None:
    if not ARE_SUPPORTED:
        raise NoLocksError
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(kind, os.SEEK_SET, lock.start, lock.length, 0))
    except OSError as error:
        raise LockedError if error.errno in _TAKEN else NoLocksError from error


def is_taken(descriptor: int, lock: Lock) -> bool:
    """Whether anybody, of this process too, holds what is in the way of the *lock*. Raises NoLocksError."""
    if not ARE_SUPPORTED:
        raise NoLocksError
    question = _FLOCK.pack(lock.kind.value, os.SEEK_SET, lock.start, lock.length, 0)
    try:
        kind, *_ = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, question))
    except OSError as error:
        raise NoLocksError from error
    return bool(kind != fcntl.F_UNLCK)
