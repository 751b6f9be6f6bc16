"""Clones by copying the golden's bytes to a new file: right everywhere, and what every faster way is compared with."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from pathlib import Path

from templatedb.errors import CloneError
from templatedb.files import too_long_for_sqlite
from templatedb.slots import Filled, Way

_numbers = itertools.count(1)
_PIECE_BYTES = 1 << 20
_SIDE_FILES = ("", "-journal", "-wal", "-shm")


class CopySlot:
    """Copies of one open golden in one folder."""

    def __init__(self, descriptor: int, folder: Path) -> None:
        """Copy from *descriptor* (never closed here) into *folder*."""
        self._descriptor = descriptor
        self._folder = folder

    def fill(self, holder: str = "") -> Filled:
        """Write the golden's bytes to a path that was never used before: a left-over WAL there would be replayed.

        Raises CloneError, which names the folder, where that cannot be.
        """
        del holder
        # Named by process and counter, not at random: pytest-randomly seeds `random` alike in every worker.
        path = self._folder / f"clone-{os.getpid()}-{next(_numbers)}.sqlite"
        refuse_long_clone(path)
        try:
            write_copy(self._descriptor, path)
        except OSError as error:
            raise CloneError(
                what=f"no database could be written to {path}: {error.strerror}",
                remedy=f"Make sure that {path.parent} is there and has room.",
            ) from error
        return Filled(way=Way.COPIED, path=path)

    def empty(self, filled: Filled) -> None:
        """Remove the file and its side files; what a test did to them itself is no fault."""
        if filled.path is not None:
            remove(filled.path)


def refuse_long_clone(path: Path) -> None:
    """Raise CloneError where SQLite would not open *path* for its length."""
    if too_long := too_long_for_sqlite(path):
        raise CloneError(what=too_long, remedy="Set TMPDIR, or --basetemp of pytest, to a shorter path.")


def remove(path: Path) -> None:
    """Remove the database at *path* with everything SQLite put beside it; what is gone already is no fault."""
    for suffix in _SIDE_FILES:
        with contextlib.suppress(OSError):
            if os.path.isdir(name := f"{path}{suffix}") and not os.path.islink(name):
                shutil.rmtree(name)  # a test put a folder there
            else:
                os.unlink(name)


def write_copy(descriptor: int, path: Path) -> None:
    """Write the bytes of an open file to *path*, which must not exist; raises FileExistsError."""
    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        offset = 0
        while piece := os.pread(descriptor, _PIECE_BYTES, offset):
            view = memoryview(piece)
            while view:
                written = os.write(out, view)
                view = view[written:]
            offset += len(piece)
    except BaseException:
        with contextlib.suppress(OSError):  # what went wrong with the file first is what is told
            os.unlink(path)  # a part of a database must not be taken for one
        raise
    finally:
        os.close(out)
