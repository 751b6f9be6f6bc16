"""The bytes of one golden, as the slots need them: to be written under a header of their own, or read by SQLite."""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import sqlite3
import struct
import tempfile
import threading
from pathlib import Path

from templatedb.errors import CloneError
from templatedb.slots.copy import write_copy
from templatedb.slots.shared import share

HEADER_BYTES = 100
MTIME_NS = 946_684_800_000_000_000
"""What a restored file's time is set to: any later write, also one past SQLite, shows."""
_STRIDE = 2_654_435_769
"""2**32 divided by the golden ratio: the steps of a million restores all keep thousands of commits between them."""
_PAGE_SIZE = struct.Struct(">16xH")
_MODE = slice(18, 20)
_CHANGE_COUNTER, _SCHEMA_COOKIE, _TEXT_ENCODING, _VALID_FOR = 24, 40, 56, 92
_BIG_ENDIAN = struct.Struct(">I")


class Journal(enum.Enum):
    """What the header says of a database's journal. Goldens are all in a rollback mode."""

    ROLLBACK = b"\1\1"
    WAL = b"\2\2"


class Stamps:
    """Two numbers in the header of a restored file, each of which this file never had before."""

    __slots__ = ("cookie", "counter")

    def __init__(self) -> None:
        """Begin with those of an empty file."""
        self.counter = self.cookie = 0

    def renew_counter(self) -> None:
        """Have idle connections read all pages anew."""
        self.counter = _far_from(self.counter)

    def renew_cookie(self) -> None:
        """Have idle connections parse the schema again."""
        self.cookie = _far_from(self.cookie)


def _far_from(number: int) -> int:
    return (number + _STRIDE) % 2**32 or _STRIDE


class Image:
    """A golden's bytes. Safe for many threads; holds them in memory from the first use on."""

    def __init__(self, descriptor: int, path: Path) -> None:
        """Read from *descriptor*, which is never closed here, when first needed; *path* says where it stands."""
        self.descriptor = descriptor
        self.path = path
        self.size_bytes = os.fstat(descriptor).st_size
        self._lock = threading.Lock()
        self._body: memoryview | None = None
        self._header = b""
        self._source: sqlite3.Connection | None = None

    @property
    def header(self) -> bytes:
        """The golden's own header."""
        return self._read()[0]

    def _read(self) -> tuple[bytes, memoryview]:
        if (body := self._body) is not None:
            return self._header, body
        with self._lock:
            if self._body is None:
                content = self._whole()
                self._header, self._body = content[:HEADER_BYTES], memoryview(content)[HEADER_BYTES:]
            return self._header, self._body

    def _whole(self) -> bytes:
        pieces, offset = [], 0
        try:
            while offset < self.size_bytes:
                if not (piece := os.pread(self.descriptor, self.size_bytes - offset, offset)):
                    break
                pieces.append(piece)
                offset += len(piece)
        except OSError as error:
            raise CloneError(
                what=f"the golden {self.path} cannot be read: {error.strerror}",
                remedy="Is the disk sound? Remove the file, and it is built again.",
            ) from error
        return b"".join(pieces)

    def write_to(
        self, destination: int, *, counter: int, cookie: int, size_bytes: int, journal: Journal = Journal.ROLLBACK
    ) -> bytes:
        """Make the file, now of *size_bytes*, equal to the golden but for numbers and mode, and return its header.

        The caller holds SQLite's EXCLUSIVE lock on it. Raises OSError, with a part written, where there is no room.
        """
        golden_header, body = self._read()
        header = _stamped(golden_header, counter, cookie, journal)
        if size_bytes > self.size_bytes:
            os.ftruncate(destination, self.size_bytes)
        _write_all(destination, header, body)
        return bytes(header)

    def back_up_to(self, destination: sqlite3.Connection) -> None:
        """Write the golden through *destination* with SQLite's backup API.

        Raises sqlite3.OperationalError at once where the destination is locked: Python would try again for ever.
        """
        source = self._connection()
        with self._lock:
            source.backup(destination, progress=_refuse_to_wait)

    def _connection(self) -> sqlite3.Connection:
        """Return a private in-memory copy of the golden; the golden itself is never opened with sqlite3 here."""
        with self._lock:
            if self._source is None:
                content = self._whole() if hasattr(sqlite3.Connection, "deserialize") else None
                connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
                if content is not None:
                    connection.deserialize(content)
                else:  # an SQLite built without it
                    _back_up_from_a_file(self.descriptor, connection)
                self._source = connection
            return self._source

    def close(self) -> None:
        """Give the memory back; harmless when repeated."""
        with self._lock:
            if self._source is not None:
                self._source.close()
                self._source = None
            self._body = None


class SharedImage(Image):
    """A golden on a file system that shares its extents with slots beside it: nothing is written, whatever its size."""

    @property
    def header(self) -> bytes:
        """The golden's own header."""
        return os.pread(self.descriptor, HEADER_BYTES, 0)

    def write_to(
        self, destination: int, *, counter: int, cookie: int, size_bytes: int, journal: Journal = Journal.ROLLBACK
    ) -> bytes:
        """Share, then write the header. Raises OSError where there is no room, or no sharing any more."""
        del size_bytes
        if not share(self.descriptor, destination):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        header = _stamped(self.header, counter, cookie, journal)
        os.pwrite(destination, header, 0)
        return bytes(header)


def _stamped(golden_header: bytes, counter: int, cookie: int, journal: Journal) -> bytearray:
    header = bytearray(golden_header)
    if journal is Journal.WAL:
        header[_MODE] = journal.value
    _BIG_ENDIAN.pack_into(header, _CHANGE_COUNTER, counter)
    _BIG_ENDIAN.pack_into(header, _VALID_FOR, counter)  # SQLite trusts the size in the header only if they agree
    _BIG_ENDIAN.pack_into(header, _SCHEMA_COOKIE, cookie)
    return header


def change_counter(header: bytes) -> int:
    """Return the file change counter of a database's *header*, 0 of an empty file's."""
    return _number(header, _CHANGE_COUNTER)


def schema_cookie(header: bytes) -> int:
    """Return the schema cookie of a database's *header*, 0 of an empty file's."""
    return _number(header, _SCHEMA_COOKIE)


def page_size(header: bytes) -> int:
    """Return the page size in a database's *header*, where 1 stands for 65,536; 0 of an empty file's."""
    return int(_PAGE_SIZE.unpack_from(header)[0]) if len(header) >= HEADER_BYTES else 0


def text_encoding(header: bytes) -> int:
    """Return the text encoding in a database's *header*, 0 of an empty file's and of one without tables."""
    return _number(header, _TEXT_ENCODING)


def _number(header: bytes, offset: int) -> int:
    return int.from_bytes(header[offset : offset + 4], "big") if len(header) >= HEADER_BYTES else 0


def _write_all(destination: int, header: bytearray, body: memoryview) -> None:
    written = os.pwritev(destination, [header, body], 0)
    if written < HEADER_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    while written < HEADER_BYTES + len(body):
        written += os.pwrite(destination, body[written - HEADER_BYTES :], written)


def _refuse_to_wait(status: int, remaining: int, total: int) -> None:
    del remaining, total
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = status
        raise error


def _back_up_from_a_file(descriptor: int, destination: sqlite3.Connection) -> None:
    with tempfile.TemporaryDirectory(prefix="templatedb-") as folder:
        path = Path(folder, "golden.sqlite")
        write_copy(descriptor, path)
        with contextlib.closing(sqlite3.connect(path)) as source:
            source.backup(destination)
