"""One path whose file is put back to a golden's bytes while connections stay open on it.

An idle connection trusts its page cache as long as the change counter in the header is what it saw last, and its
parsed schema as long as the schema cookie is. So the bytes are written under an EXCLUSIVE lock, with a counter that
this file never had before, and with a new cookie where a test changed the schema: idle connections, also of other
processes, then read everything anew but parse nothing again.

Sources: https://www.sqlite.org/fileformat2.html section 1.3, https://www.sqlite.org/lockingv3.html, and
https://www.sqlite.org/howtocorrupt.html section 2.2 for the descriptor that is never closed while connections live.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from templatedb import pools
from templatedb.slots import Restored, StuckError, Way, holders
from templatedb.slots.copy import remove
from templatedb.slots.evict import evict
from templatedb.slots.image import HEADER_BYTES, Image, change_counter, schema_cookie

_MTIME_NS = 946_684_800_000_000_000
"""What a restored file's time is set to: any later write, also one past SQLite, shows."""
_NEVER = 0x7FFFFFFF
_TRIES = 3


class LockedError(Exception):
    """Somebody reads an old state of the database: a transaction, or a half-read cursor."""


def _is_lock(error: sqlite3.DatabaseError) -> bool:
    return (error.sqlite_errorcode or 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class InPlaceSlot:
    """A file at one path. Not thread-safe: its keeper lends it to one holder at a time."""

    def __init__(self, path: Path, *, synchronous: bool = True) -> None:
        """Make an empty database at *path*, which is absolute and free of links, or adopt the one that is there.

        Without *synchronous*, pooled connections to it do not wait for the disk.
        """
        self.path = path
        self._synchronous = synchronous
        pools.claim(str(path), synchronous=synchronous)
        self._image: Image | None = None
        self._header = b""
        self._counter = 0
        self._cookie = 0
        self._was_in_wal_mode = False
        self._open()

    def _open(self) -> None:
        # Kept open: closing any descriptor of the file would drop the locks of every connection in this process.
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._connection: sqlite3.Connection | None = None
        status = os.fstat(self._descriptor)
        self._identity = (status.st_dev, status.st_ino)

    @property
    def _guard(self) -> sqlite3.Connection:
        """A connection of our own, which takes SQLite's locks."""
        if self._connection is None:
            self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=0, check_same_thread=False)
            if not self._synchronous:
                self._connection.execute("pragma synchronous = off")
        return self._connection

    def _close_guard(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def restore(self, image: Image) -> Restored:
        """Make the database equal to *image* for every connection, whatever the last holder left.

        Raises StuckError when that cannot be, and OSError where there is no room; the slot is not to be lent then.
        """
        pools.settle(str(self.path))
        leak, replaced = "", False
        for _ in range(_TRIES):
            try:
                way = self._try(image)
            except LockedError:
                leak = evict(self.path, self._descriptor, self._is_free) or leak
            except FileNotFoundError:  # a test removed the file, or put another one in its place
                self._start_over()
                replaced = True
            except sqlite3.DatabaseError as error:
                if _is_lock(error):
                    leak = evict(self.path, self._descriptor, self._is_free) or leak
                else:  # a test wrote what is no database, or there is no room for a WAL
                    self._start_over()
                    replaced = True
            else:
                return Restored(Way.REPLACED if replaced else way, leak)
        raise StuckError(leak or "went on writing to it")

    def _try(self, image: Image) -> Way:
        if self._was_in_wal_mode and not self._leave_wal_mode():
            return self._back_up(image)
        with self._exclusively():
            # The lock has rolled back a hot journal by now, and has opened a WAL where one lies beside the file.
            if self._mode() != "wal":
                self._was_in_wal_mode = False
                return self._put_back(image, os.pread(self._descriptor, HEADER_BYTES, 0))
        return self._try(image) if self._leave_wal_mode() else self._back_up(image)

    @contextlib.contextmanager
    def _exclusively(self) -> Iterator[None]:
        self._guard.execute("begin exclusive")
        try:
            yield
        finally:
            self._guard.execute("rollback")

    def _mode(self) -> str:
        mode: str = self._guard.execute("pragma journal_mode").fetchone()[0]
        return mode

    def _put_back(self, image: Image, header: bytes) -> Way:
        """Write the bytes, under the lock, where anything differs from what the last restore left."""
        status = os.stat(self.path)
        if (status.st_dev, status.st_ino) != self._identity:
            raise FileNotFoundError
        if (
            image is self._image
            and status.st_mtime_ns == _MTIME_NS
            and status.st_size == image.size_bytes
            and header == self._header
        ):
            return Way.UNCHANGED
        self._counter = (max(self._counter, change_counter(header)) + 1) % _NEVER
        if image is not self._image or schema_cookie(header) != self._cookie:
            self._cookie = (max(self._cookie, schema_cookie(header), image.schema_cookie) + 1) % _NEVER
        way = Way.IN_PLACE if self._header else Way.COPIED
        self._image = None
        self._header = image.write_to(
            self._descriptor, counter=self._counter, cookie=self._cookie, size_bytes=status.st_size
        )
        os.utime(self._descriptor, ns=(_MTIME_NS, _MTIME_NS))
        self._image = image
        return way

    def _leave_wal_mode(self) -> bool:
        """Whether the file could be brought back to the golden's mode: not while an application keeps it in WAL."""
        try:
            return bool(self._guard.execute("pragma journal_mode = delete").fetchone()[0] == "delete")
        except sqlite3.OperationalError:
            return False

    def _back_up(self, image: Image) -> Way:
        """Restore a file in WAL mode, which nobody can have to himself while connections are open.

        The checkpoint is the proof that no connection is inside a read transaction on old rows: the WAL, which holds
        the last backup at least, cannot be truncated otherwise. Source: https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
        """
        self._image = None
        (busy, _, _) = self._guard.execute("pragma wal_checkpoint(truncate)").fetchone()
        if busy:
            raise LockedError
        image.back_up_to(self._guard)
        self._was_in_wal_mode = True
        # In WAL mode it would hold a shared lock as long as it is open, and a test could not change the mode.
        self._close_guard()
        return Way.BACKUP

    def _is_free(self) -> bool:
        """Whether nobody holds a lock at this moment."""
        try:
            with self._exclusively():
                in_wal_mode = self._mode() == "wal"
            return not in_wal_mode or self._guard.execute("pragma wal_checkpoint(truncate)").fetchone()[0] == 0
        except sqlite3.DatabaseError as error:
            return not _is_lock(error)

    def _start_over(self) -> None:
        """Begin with a new file at the same path."""
        pools.close_all(str(self.path))
        self._close_guard()
        if self._somebody_is_left():
            raise StuckError("replaced the file under a connection that is still open")
        os.close(self._descriptor)
        remove(self.path)
        self._image = None
        self._open()

    def _somebody_is_left(self) -> bool:
        """Whether a connection of this process is open on the file that was replaced, or on the one in its place."""
        gc.collect()
        for connection in holders.raw_connections(self.path).on_the_file:
            with contextlib.suppress(sqlite3.Error):  # of another thread, at the application's wish
                connection.close()
        files = [self._identity]
        with contextlib.suppress(FileNotFoundError):
            status = os.stat(self.path)
            files.append((status.st_dev, status.st_ino))
        return any(set(holders.descriptors_on(*file)) - {self._descriptor} for file in files)

    def close(self) -> None:
        """Remove the file. Connections that are still open on it lose their locks: for the end of the run."""
        pools.disclaim(str(self.path))
        self._close_guard()
        os.close(self._descriptor)
        remove(self.path)
