"""Files that can be trusted, and files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from pathlib import Path

_SQLITE_LIMIT_BYTES = 512 - len("-journal")
"""Of a path that SQLite opens: it allows 512 (MAX_PATHNAME in os_unix.c), side files included."""


def too_long_for_sqlite(path: Path) -> str:
    """Return what is to be said of a *path* that SQLite would not open for its length; empty when it would.

    SQLite itself says only that it is "unable to open database file".
    """
    length_bytes = len(os.fsencode(path))
    if length_bytes <= _SQLITE_LIMIT_BYTES:
        return ""
    shown = f"{str(path)[:100]}...{str(path)[-60:]}"
    return f"the path of a database has {length_bytes} bytes, and SQLite opens at most {_SQLITE_LIMIT_BYTES}: {shown}"


def refuse_long(path: Path) -> None:
    """Raise OSError with what `too_long_for_sqlite` says of *path*, if it says anything."""
    if too_long := too_long_for_sqlite(path):
        raise OSError(errno.ENAMETOOLONG, too_long)


def open_trusted(path: Path) -> int | None:
    """Return a descriptor of the regular file *path*, or None when it is not there or not to be trusted.

    Trusted: owned by this user, or by root where only root may write; no link. Owned by the caller: close it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    status = os.fstat(descriptor)
    mine = status.st_uid in (os.geteuid(), 0) and not status.st_mode & 0o022
    if stat.S_ISREG(status.st_mode) and mine:
        return descriptor
    os.close(descriptor)
    return None


def read_trusted(path: Path) -> bytes | None:
    """Return the bytes of the small file *path*, or None when it is not there or not to be trusted.

    Raises OSError, with its name, where it cannot be read.
    """
    dated = read_dated(path)
    return None if dated is None else dated[0]


def read_dated(path: Path) -> tuple[bytes, float] | None:
    """Return what `read_trusted` does, and when the file was modified (seconds since the epoch)."""
    descriptor = open_trusted(path)
    if descriptor is None:
        return None
    with os.fdopen(descriptor, "rb") as opened:
        try:
            return opened.read(), os.fstat(descriptor).st_mtime
        except OSError as error:
            error.filename = str(path)  # an open file does not say it, and "Input/output error" alone helps nobody
            raise


def mark_in_use(descriptor: int) -> None:
    """Have prune keep the open file until *descriptor* is closed, in forked children too.

    Where files cannot be locked this does nothing: prune then goes by the last use.
    """
    import fcntl

    with contextlib.suppress(OSError):  # a prune is looking at it just now, or the filesystem does not lock
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def digest_of(descriptor: int) -> str:
    """Return the SHA-256 of an open file, hexadecimal, read from its start without moving its position."""
    digest, offset = hashlib.sha256(), 0
    while piece := os.pread(descriptor, 1 << 20, offset):
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest()


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write *data* so that *path* holds all of it or what it held before, also after a crash.

    The temporary file stands beside the target: another filesystem could not be renamed from.
    """
    import tempfile

    descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fchmod(opened.fileno(), mode)
            os.fsync(opened.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def sync_folder(folder: Path) -> None:
    """Ask the filesystem to remember the names in *folder*; where it cannot, a crash costs a rebuild, nothing more."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
