"""One path whose file is put back to a golden's bytes while connections stay open on it.

An idle connection trusts its page cache as long as the change counter in the header is what it saw last, and its
parsed schema as long as the schema cookie is. So the bytes are written under an EXCLUSIVE lock, with a counter that
this file never had before, and with a new cookie where a test changed the schema: idle connections, also of other
processes, then read everything anew but parse nothing again.

"Never before" means more than one up from the last: a test may put an old copy of the file back, and a connection that
it did not use since then remembers higher numbers. So each restore goes a long way round the circle of all numbers.

Sources: https://www.sqlite.org/fileformat2.html section 1.3, https://www.sqlite.org/lockingv3.html, and
https://www.sqlite.org/howtocorrupt.html section 2.2 for the descriptor that is never closed while connections live.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from templatedb import pools
from templatedb.slots import LockedError, Restored, StuckError, Way
from templatedb.slots.copy import refuse_long_clone, remove
from templatedb.slots.image import (
    HEADER_BYTES,
    MTIME_NS,
    Image,
    Journal,
    Stamps,
    change_counter,
    schema_cookie,
    text_encoding,
)

if TYPE_CHECKING:
    from templatedb.slots.in_wal import InWal

_TRIES = 10
_BEGIN, _END = "begin exclusive", "rollback"


def _is_lock(error: Exception) -> bool:
    return isinstance(error, LockedError) or _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF  # Python's own complaints have none


class InPlaceSlot:
    """A file at one path. Not thread-safe: its keeper lends it to one holder at a time."""

    def __init__(self, path: Path, *, synchronous: bool = True) -> None:
        """Make an empty database at *path*, which is absolute and free of links, or adopt the one that is there.

        Without *synchronous*, pooled connections to it do not wait for the disk.
        Raises CloneError where the path is too long for SQLite.
        """
        refuse_long_clone(path)
        self.path = path
        self._name, self._wal = str(path), f"{path}-wal"
        self._synchronous = synchronous
        pools.claim(self._name, synchronous=synchronous)
        self._image: Image | None = None
        self._header = b""
        self._stamps = Stamps()
        self._open()

    def _open(self) -> None:
        # Kept open: closing any descriptor of the file would drop the locks of every connection in this process.
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._connection: sqlite3.Connection | None = None
        self._in_wal: InWal | None = None
        status = os.fstat(self._descriptor)
        self._identity = (status.st_dev, status.st_ino)
        self._mode = status.st_mode

    @property
    def _guard(self) -> sqlite3.Connection:
        """A connection of our own, which takes SQLite's locks."""
        if self._connection is None:
            self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=0, check_same_thread=False)
            if not self._synchronous:
                self._connection.execute("pragma synchronous = off")
            if os.fstat(self._descriptor).st_size == 0:
                # BEGIN in an empty file writes a journal that says "no pages", and ROLLBACK is silent where it cannot
                # remove that: the next connection would empty the file we have filled meanwhile.
                self._connection.execute("pragma journal_mode = memory").fetchone()
        return self._connection

    def _close_guard(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def restore(self, image: Image) -> Restored:
        """Make the database equal to *image* for every connection, whatever the last holder left.

        Raises StuckError when that cannot be, and OSError where there is no room; the slot is not to be lent then.
        """
        settled = pools.settle(self._name)
        leak, replaced = "", False
        for _ in range(_TRIES):
            try:
                way = self._try(image)
            except (LockedError, FileNotFoundError, sqlite3.DatabaseError) as error:
                if _code(error) == sqlite3.SQLITE_FULL:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
                if _is_lock(error):
                    from templatedb.slots.evict import evict  # the rare path, with much to import

                    leak = evict(self.path, self._descriptor, self._is_free, lambda: self._connection) or leak
                    # It may have read the file as in WAL mode, which a copy put over it is not: then what it takes for
                    # an EXCLUSIVE lock is none, and the SHARED one that it keeps would be in the next one's way.
                    self._close_guard()
                else:  # a test removed the file, or left what is no database; or there is no room for a WAL
                    leak = self._start_over() or leak
                    replaced = True
            else:
                if settled.left and pools.settle_transactions(self._name):
                    from templatedb.slots.evict import TRANSACTION_CLOSED

                    leak = leak or TRANSACTION_CLOSED
                return Restored(Way.REPLACED if replaced else way, leak)
        raise StuckError(leak or "left something that goes on writing to the database: stop it before the test ends")

    def _try(self, image: Image) -> Way:
        if self._connection is None:  # the guard would make a file where there is none
            self._status()
            if self._header_now()[18:20] == Journal.WAL.value:
                if (way := self._put_back_in_wal(image)) is not None:
                    return way
                if not self._leave_wal_mode():
                    return self._back_up(image)
        if (way := self._put_back_exclusively(image)) is not None:
            return way
        self._status()
        if not self._leave_wal_mode():
            return self._back_up(image)
        if (way := self._put_back_exclusively(image)) is not None:
            return way
        raise FileNotFoundError  # two files that contradict each other

    def _put_back_exclusively(self, image: Image) -> Way | None:
        """Write the bytes under SQLite's EXCLUSIVE lock; None where the file is in WAL mode, which has no such lock."""
        guard = self._guard
        guard.execute(_BEGIN)
        try:
            # The lock has rolled back a hot journal by now, and has opened a WAL where one lies beside the file.
            header = self._header_now()
            return None if self._is_in_wal_mode(header) else self._put_back(image, header)
        finally:
            guard.execute(_END)

    def _header_now(self) -> bytes:
        return os.pread(self._descriptor, HEADER_BYTES, 0)

    def _status(self) -> os.stat_result:
        """Return the facts of the file; raises FileNotFoundError when it is gone, or another one in its place.

        Undoes a test's ``chmod``, under which connections may have opened the file for reading only.
        """
        status = os.lstat(self._name)
        if (status.st_dev, status.st_ino) != self._identity:
            raise FileNotFoundError
        if status.st_mode != self._mode:
            os.fchmod(self._descriptor, stat.S_IMODE(self._mode))
            pools.close_all(self._name)
        return status

    def _is_in_wal_mode(self, header: bytes) -> bool:
        """Whether the guard, which has a lock, is in WAL mode. A pragma would read the schema, perhaps a damaged one.

        To SQLite a WAL of no bytes is none.
        """
        if header[18:20] == Journal.WAL.value:
            return True
        if not os.access(self._wal, os.F_OK):  # an exception would take longer than all the rest of the look
            return False
        try:
            return os.stat(self._wal).st_size > 0
        except OSError:
            return False

    def _put_back(self, image: Image, header: bytes) -> Way:
        """Write the bytes, under the lock, where anything differs from what the last restore left."""
        status = self._status()
        if (
            image is self._image
            and status.st_mtime_ns == MTIME_NS
            and status.st_size == image.size_bytes
            and header == self._header
        ):
            return Way.UNCHANGED
        if (text_encoding(header) or 1) != text_encoding(image.header):  # a connection has one encoding for its life
            pools.close_all(self._name)
        is_behind_sqlites_back = change_counter(header) == self._stamps.counter
        if image is not self._image or schema_cookie(header) != self._stamps.cookie or is_behind_sqlites_back:
            self._stamps.renew_cookie()
        self._stamps.renew_counter()
        way = Way.IN_PLACE if self._header else Way.COPIED
        self._image = None
        self._header = image.write_to(
            self._descriptor, counter=self._stamps.counter, cookie=self._stamps.cookie, size_bytes=status.st_size
        )
        os.utime(self._descriptor, ns=(MTIME_NS, MTIME_NS))
        self._image = image
        return way

    def _put_back_in_wal(self, image: Image) -> Way | None:
        """Restore a file that an application keeps in WAL mode; None where SQLite itself has to do that."""
        if self._in_wal is None:
            from templatedb.slots.in_wal import InWal  # most applications have no use for it

            self._in_wal = InWal(self.path, self._descriptor, self._stamps)
        self._image = None
        return self._in_wal.restore(image)

    def _leave_wal_mode(self) -> bool:
        """Whether the file could be brought back to the golden's mode: not while an application keeps it in WAL."""
        try:
            return bool(self._guard.execute("pragma journal_mode = delete").fetchone()[0] == "delete")
        except sqlite3.OperationalError:
            return False

    def _back_up(self, image: Image) -> Way:
        """Have SQLite restore a file in WAL mode, which nobody has to himself while connections are open."""
        self._status()
        self._image = None
        image.back_up_to(self._guard)
        # The backup has taken the next cookie, which a connection may remember from a file that was copied over.
        self._stamps.renew_cookie()
        cookie = self._stamps.cookie
        signed = cookie - 2**32 if cookie >= 2**31 else cookie
        self._guard.execute(f"pragma schema_version = {signed}")
        if not self._truncate_wal():
            raise LockedError
        # In WAL mode it would hold a shared lock as long as it is open, and a test could not change the mode.
        self._close_guard()
        return Way.BACKUP

    def _truncate_wal(self) -> bool:
        """Write the WAL, which must not be empty, back into the file; return whether that could be done.

        It is the proof that no connection is inside a read transaction on old rows. An empty WAL proves nothing: those
        who read the file itself hold a lock that a checkpoint meets only when it has something to write.
        Source: https://www.sqlite.org/walformat.html#wal_locks
        """
        (busy, _, _) = self._guard.execute("pragma wal_checkpoint(truncate)").fetchone()
        return not busy

    def _is_free(self) -> bool:
        """Whether nobody holds a lock at this moment. What is in the database may be changed to find out."""
        try:
            self._guard.execute(_BEGIN)
            try:
                in_wal_mode = self._is_in_wal_mode(self._header_now())
            finally:
                self._guard.execute(_END)
            if not in_wal_mode:
                return True
            self._guard.execute("pragma user_version = 0")  # something to write back
            return self._truncate_wal()
        except sqlite3.DatabaseError as error:
            return not _is_lock(error)

    def _start_over(self) -> str:
        """Begin with a new file at the same path; return whom that cost a connection, for a report."""
        from templatedb.slots.evict import clear

        self._close_guard()
        leak = clear(self.path, self._descriptor)
        old = self._descriptor
        self._image, self._header = None, b""
        self._forget_wal()
        self._open()
        os.close(old)
        return leak

    def _forget_wal(self) -> None:
        if self._in_wal is not None:
            self._in_wal.close()

    def close(self) -> None:
        """Remove the file; harmless when repeated.

        Connections that are still open on it lose their locks: for the end of the run.
        """
        pools.disclaim(self._name)
        if self._descriptor < 0:
            return
        self._close_guard()
        self._forget_wal()
        os.close(self._descriptor)
        self._descriptor = -1
        remove(self.path)
