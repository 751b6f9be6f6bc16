"""Put a big database back in constant time: let tests write to the WAL only, then throw the WAL away.

1. The slot is one full copy of the golden, in WAL mode (bytes 18 and 19; all others are the golden's).
2. Before the test a guard connection begins to read while the WAL is empty. As long as it reads, no checkpoint of any
   connection, in any process, may move a page into the main file (https://www.sqlite.org/wal.html#ckpt).
3. After the test: close its connections, rename the main file away, close the guard (SQLite makes no checkpoint at the
   close of a file that has moved), prove that nobody has the file open and that it was never written, remove the WAL,
   rename back. Whatever cannot be proven costs a full copy, to a new inode: a file that a leaked connection still has
   is never handed out again.

A kill between the renames leaves no database at the path: the folder is this process's own and goes with it.
While the guard reads, every other ``PRAGMA journal_mode``, and exclusive locking, are "database is locked" to the test.
So the first clone is a trial without a guard: an application that sets another mode when it connects gets copies.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from templatedb.errors import CloneError
from templatedb.slots import Way
from templatedb.slots.copy import write_copy
from templatedb.slots.seal import MARK_NS, Seal

_HELD = ".held"
_SIDE_FILES = ("-journal", "-wal", "-shm")
_MODE = slice(18, 20)  # https://www.sqlite.org/fileformat2.html section 1.3.3
_WAL = b"\x02\x02"
_GUARD_TIMEOUT_S = 1.0


class RewindSlot:
    """One path where a clone of a big golden stands, restored between tests. For one thread at a time.

    Of no use in a forked child, where `close` does nothing.
    """

    def __init__(self, path: Path, source_descriptor: int, *, close_connections: Callable[[Path], bool]) -> None:
        """Make nothing yet.

        Args:
            path: Where the clone will stand, in a folder that is this slot's alone.
            source_descriptor: The open golden, in a rollback mode; never closed here.
            close_connections: Closes what this process's pools have open on the path. Its answer is not relied on.
        """
        self.path = path
        self.rewinds = True
        """False once every restore will be a copy: the application sets another mode, or there is no WAL here."""
        self.leak = ""
        """Who still had the clone open at the last `restore`, as words for a message; empty when nobody had."""
        self.why = ""
        """Why the last `restore` copied, the leak included; empty when it did not."""
        self._source = source_descriptor
        self._close_connections = close_connections
        self._held = path.with_name(path.name + _HELD)
        self._owner = os.getpid()
        self._seal: Seal | None = None
        self._guard: sqlite3.Connection | None = None
        self._on_trial = True
        self._switched = False
        self._folder_ns = 0

    def restore(self) -> Way:
        """Make the clone at `path` equal to the golden, for connections opened from now on.

        The first call copies, and so does the second when the first test wrote (the trial). Raises OSError for a full
        disk or a folder taken away, CloneError when somebody writes to the new clone before it is handed out; the next
        call then begins with a copy.
        """
        try:
            return self._restore()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the clone and everything beside it. Harmless when repeated; `restore` begins anew."""
        if os.getpid() == self._owner:
            with contextlib.suppress(OSError):
                self._discard()

    def _restore(self) -> Way:
        self.leak = self.why = ""
        if (seal := self._seal) is None:
            self.rewinds = self.rewinds and _has_wal(self._held)
            return self._copy("the first clone" if self.rewinds else f"SQLite has no WAL in {self.path.parent}")
        self._close_connections(self.path)
        if self._on_trial and self.rewinds:
            self._judge(seal)
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.path, self._held)
        guarded = self._guard is not None
        self._close_guard()
        self.leak = seal.holder()
        if why := self.leak or seal.difference(self._held):
            return self._copy(why)
        rewound = _unlink(self.path, *_SIDE_FILES) or guarded
        os.rename(self._held, self.path)
        return self._hand_out(Way.REWOUND if rewound else Way.UNCHANGED)

    def _judge(self, seal: Seal) -> None:
        """Learn from a clone that had no guard whether the application leaves the mode alone."""
        mode = seal.header()[_MODE]
        if mode and mode != _WAL:
            # One test may do that for itself; the first two in a row are the application.
            self.rewinds, self._switched = not self._switched, True
        elif os.stat(self.path.parent).st_mtime_ns != self._folder_ns:
            # Somebody connected: even one who only read made a WAL in the folder.
            self._on_trial = False

    def _copy(self, why: str) -> Way:
        """Put a full copy at the path, on a new inode; what stood there is left to whoever still has it open."""
        self.why = why
        self._discard()
        try:
            write_copy(self._source, self.path)
        except FileExistsError:  # it was removed a moment ago
            raise self._intruded() from None
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if self.rewinds and os.fstat(descriptor).st_size:
                os.pwrite(descriptor, _WAL, _MODE.start)
            self._seal = Seal(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return self._hand_out(Way.COPIED)

    def _hand_out(self, way: Way) -> Way:
        if self._on_trial:
            os.utime(self.path.parent, ns=(MARK_NS, MARK_NS))
            self._folder_ns = os.stat(self.path.parent).st_mtime_ns
        elif self.rewinds and not self._begin_guard():
            if way is Way.COPIED:
                raise self._intruded()
            return self._copy("something wrote to the clone before the test had it")
        return way

    def _intruded(self) -> CloneError:
        return CloneError(
            what=f"something writes to {self.path} before a test has it",
            remedy="Look for a thread or process that an earlier test started and left running.",
        )

    def _begin_guard(self) -> bool:
        """Begin to read the golden's content while the WAL is empty; return False when somebody was there before."""
        self._guard = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=_GUARD_TIMEOUT_S
        )
        try:
            # The version stands in the header: asking for a table would cost parsing the schema.
            self._guard.execute("begin")
            self._guard.execute("pragma user_version").fetchall()
            # A reader that begins after a commit lets checkpoints move what was committed before it.
            empty = os.stat(f"{self.path}-wal").st_size == 0
        except (sqlite3.Error, FileNotFoundError):
            return False
        # Who connects while the file is renamed away makes one of that name, and a journal that is then rolled back.
        return empty and self._seal is not None and not self._seal.difference(self.path)

    def _close_guard(self) -> None:
        """Close it; without a checkpoint, for the file is not where the guard opened it."""
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def _discard(self) -> None:
        try:
            _unlink(self.path, "", _HELD)
        finally:
            self._close_guard()
            if self._seal is not None:
                self._seal.release()
                self._seal = None
            _unlink(self.path, *_SIDE_FILES)


def _has_wal(path: Path) -> bool:
    """Whether SQLite can keep a WAL at *path*, by trying it there: some network and container filesystems cannot."""
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("pragma synchronous=off")
            (mode,) = connection.execute("pragma journal_mode=wal").fetchone()
            connection.execute("create table tried(x)")
            return bool(mode == "wal")
    except sqlite3.Error:
        return False
    finally:
        _unlink(path, "", *_SIDE_FILES)


def _unlink(path: Path, *suffixes: str) -> bool:
    """Remove those that are there; return whether there were any."""
    found = False
    for suffix in suffixes:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{path}{suffix}")
            found = True
    return found
