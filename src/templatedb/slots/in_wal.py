"""A file in WAL mode, put back to a golden's bytes under the connections that are open on it.

SQLite lets nobody have a database in WAL mode to himself while connections are open, so its own way is a transaction
that writes the golden into the log, and a checkpoint that writes it into the file. Here that is one step: with every
lock of the wal-index held, the bytes go into the file, the log becomes empty, and the wal-index says so in a head that
no connection has seen. That is what a checkpoint that truncates the log leaves (https://www.sqlite.org/walformat.html):
idle connections, also of other processes, read everything anew, and parse nothing again where the schema cookie stays.

The cookie stays where no test touched it: the file was not written since the last restore (its date tells), and no
frame of the log has another cookie. Whatever is not exactly as expected is left to SQLite.
"""

from __future__ import annotations

import os
from pathlib import Path

from templatedb.slots import Way, wal_index
from templatedb.slots.image import (
    HEADER_BYTES,
    MTIME_NS,
    Image,
    Journal,
    Stamps,
    page_size,
    schema_cookie,
    text_encoding,
)
from templatedb.slots.locks import Kind, Lock, NoLocksError, held, is_taken
from templatedb.slots.wal_index import WalIndex

# SQLite's src/os.h and src/os_unix.c: who has a database in WAL mode open holds these bytes of it, shared with others,
_IN_WAL_MODE = Lock(Kind.SHARED, 0x40000002, 510)
_ALONE = Lock(Kind.EXCLUSIVE, *_IN_WAL_MODE[1:])
# and this one of the wal-index,
_CONNECTED = Lock(Kind.EXCLUSIVE, 128, 1)
# where these are for who writes, makes a checkpoint, recovers, and reads.
_EVERYTHING = Lock(Kind.EXCLUSIVE, 120, 8)
_LOG_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_FRAMES_LOOKED_AT = 128
_FIRST_PAGE = b"\0\0\0\1"
_NO_FILE = (0, 0)


class InWal:
    """What is known of one file while it is in WAL mode. Not thread-safe."""

    def __init__(self, path: Path, descriptor: int, stamps: Stamps) -> None:
        """Restore the file at *path*, which is that of *descriptor*; number its restores with *stamps*."""
        self._name = str(path)
        self._index_name, self._log_name, self._journal_name = (f"{path}{end}" for end in ("-shm", "-wal", "-journal"))
        self._descriptor = descriptor
        self._stamps = stamps
        self._is_possible = True
        self._index = -1
        self._index_identity = self._log_identity = _NO_FILE
        self._image: Image | None = None
        self._header = self._head = b""

    def restore(self, image: Image) -> Way | None:
        """Make the database equal to *image* for every connection, or return None: SQLite itself is to do it.

        Raises LockedError where anybody is inside a transaction, FileNotFoundError where a test removed or replaced a
        file that connections have open, and OSError where there is no room.
        """
        if not self._is_possible:
            return None
        try:
            # While this is held, nobody is the last to close the file, who would remove the other two.
            with held(self._descriptor, _IN_WAL_MODE):
                if not self._open_index() or not is_taken(self._index, _CONNECTED):
                    return None  # nobody has the file open, and what lies beside it may be a killed process's
                if not is_taken(self._descriptor, _ALONE):
                    return None  # a test closed a descriptor of its own, which dropped this lock: SQLite takes it again
                with held(self._index, _EVERYTHING):
                    return self._put_back(image)
        except NoLocksError:
            self._is_possible = False
            return None

    def _open_index(self) -> bool:
        """Have a descriptor of the wal-index that is there now; return False where there is none."""
        try:
            identity = _identity(os.stat(self._index_name))
        except FileNotFoundError:
            identity = _NO_FILE
        if self._index >= 0:
            if identity == self._index_identity:
                return True
            if is_taken(self._index, _CONNECTED):
                raise FileNotFoundError  # a test removed it, and connections know nothing of its successor
            self.close()
        if identity == _NO_FILE:
            return False
        self._index = _open(self._index_name)
        self._index_identity = _identity(os.fstat(self._index))
        return True

    def _put_back(self, image: Image) -> Way | None:
        header = os.pread(self._descriptor, HEADER_BYTES, 0)
        index = wal_index.parse(os.pread(self._index, wal_index.INDEX_BYTES, 0))
        if (
            index is None
            or not index.page_size == page_size(header) == page_size(image.header)
            or text_encoding(header) != text_encoding(image.header)
            # The next one who connects would roll it back.
            or os.access(self._journal_name, os.F_OK)
        ):
            return None
        log = _open(self._log_name)  # SQLite locks nothing in it
        try:
            if self._log_identity not in (_NO_FILE, _identity(os.fstat(log))):
                raise FileNotFoundError  # a test put another one there, and connections go on with the old one
            self._log_identity = _identity(os.fstat(log))
            return self._write(image, header, index, log)
        finally:
            os.close(log)

    def _write(self, image: Image, header: bytes, index: WalIndex, log: int) -> Way:
        status = os.fstat(self._descriptor)
        log_bytes = os.fstat(log).st_size
        is_as_left = image is self._image and status.st_mtime_ns == MTIME_NS and header == self._header
        if is_as_left and index.head == self._head and log_bytes == 0 and status.st_size == image.size_bytes:
            return Way.UNCHANGED
        if not is_as_left or self._has_another_cookie(log, index):
            self._stamps.renew_cookie()
        self._stamps.renew_counter()
        self._image = None
        self._header = image.write_to(
            self._descriptor,
            counter=self._stamps.counter,
            cookie=self._stamps.cookie,
            size_bytes=status.st_size,
            journal=Journal.WAL,
        )
        os.ftruncate(log, 0)
        self._head = index.restarted(image.size_bytes // _bytes_of(index.page_size))
        wal_index.write(self._index, self._head)
        os.utime(self._descriptor, ns=(MTIME_NS, MTIME_NS))
        self._image = image
        return Way.IN_PLACE

    def _has_another_cookie(self, log: int, index: WalIndex) -> bool:
        """Whether a frame of the *log* may have another schema cookie than the last restore left."""
        if index.frames > _FRAMES_LOOKED_AT:
            return True
        frame_bytes = _FRAME_HEADER_BYTES + _bytes_of(index.page_size)
        for offset in range(_LOG_HEADER_BYTES, _LOG_HEADER_BYTES + index.frames * frame_bytes, frame_bytes):
            frame = os.pread(log, _FRAME_HEADER_BYTES + HEADER_BYTES, offset)
            if len(frame) < _FRAME_HEADER_BYTES + HEADER_BYTES:
                return True
            if frame.startswith(_FIRST_PAGE) and schema_cookie(frame[_FRAME_HEADER_BYTES:]) != self._stamps.cookie:
                return True
        return False

    def close(self) -> None:
        """Let the wal-index go; harmless when repeated. Connections of this process on it would lose their locks."""
        if self._index >= 0:
            os.close(self._index)
            self._index, self._index_identity, self._log_identity = -1, _NO_FILE, _NO_FILE


def _bytes_of(page_size: int) -> int:
    return 65_536 if page_size == 1 else page_size


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _open(name: str) -> int:
    """Open a file beside the database; raises FileNotFoundError where a test put something there that is of no use."""
    try:
        return os.open(name, os.O_RDWR | os.O_CLOEXEC)
    except (IsADirectoryError, PermissionError) as error:
        raise FileNotFoundError from error
