"""Where files that only this process needs are put, and that they go with it."""

from __future__ import annotations

import atexit
import errno
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from templatedb.files import refuse_long

_lock = threading.Lock()
_shared: dict[int, Path] = {}
MEMORY = Path("/dev/shm")  # noqa: S108  # a private folder is made in it
"""Storage backed by memory, on Linux."""
_ROOM_BYTES = 128_000_000
"""Free there at least: containers give it 64 MB, and a test that fills them would fail for our haste."""
_ROOM_GOLDENS = 16
_MORE_ROOM = "(a container gets more by --shm-size)"
_PREFIX = "templatedb-slots-"
_LONGEST_SLOT = "1000/clone.sqlite"
_YOUNG_S = 60.0


def temporary_folder(prefix: str, parent: Path | None = None) -> Path:
    """Make a private temporary folder that is removed when this very process ends, not when a forked child does."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent)).resolve()
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def clones_folder() -> Path:
    """Return this process's folder for clones, made at first use. Thread-safe; a forked child gets its own."""
    with _lock:
        pid = os.getpid()
        if pid not in _shared or not _shared[pid].is_dir():
            _shared[pid] = temporary_folder("templatedb-clones-")
        return _shared[pid]


class Storage:
    """Where the slots of a process are: in memory-backed storage that has room, else in a temporary folder."""

    def __init__(
        self, temporary: Callable[[], Path], notice: Callable[[str], None], *, memory: Path | None = MEMORY
    ) -> None:
        """Fall back on the folder that *temporary* makes, and say so once where *memory* is there without room."""
        self._temporary = temporary
        self._notice = notice
        self._memory = memory
        self._folder: Path | None = None
        self._beside: dict[Path, Path] = {}
        self._left: list[Path] = []
        self._pid = os.getpid()
        self.is_of_child = False
        """Whether what is here was made by a forked child of the process that began."""

    @property
    def is_memory(self) -> bool:
        """Whether the folder in use is backed by memory: then nothing waits for a disk."""
        return self._folder is not None and self._memory is not None and self._memory in self._folder.parents

    def folder(self, size_bytes: int) -> Path:
        """Return the folder for slots of *size_bytes*, made at first use; a forked child gets its own."""
        if self._pid != os.getpid():
            self._forget()
        if self._folder is None:
            self._folder = self._in_memory(size_bytes) or self._temporary().resolve()
        return self._folder

    def _in_memory(self, size_bytes: int) -> Path | None:
        if self._memory is None or not os.access(self._memory, os.W_OK | os.X_OK):
            return None
        status = os.statvfs(self._memory)
        free_bytes = status.f_bavail * status.f_frsize
        if free_bytes < max(_ROOM_BYTES, _ROOM_GOLDENS * size_bytes):
            self._notice(
                f"{self._memory} has {free_bytes // 1_000_000} MB left: the databases of tests are on disk {_MORE_ROOM}"
            )
            return None
        sweep(self._memory)
        folder = temporary_folder(f"{_PREFIX}{os.geteuid()}-{os.getpid()}-", self._memory)
        _keep_alive(folder)
        return folder

    def folder_beside(self, golden: Path) -> Path:
        """Return a folder on the file system of *golden*, where extents may be shared; elsewhere if that is read-only.

        In a cache it is ``slots``, beside ``goldens``.
        """
        if self._pid != os.getpid():
            self._forget()
        if golden.parent not in self._beside:
            cached = golden.parent.name == "goldens"
            parent = golden.parent.parent / "slots" if cached else golden.parent
            try:
                parent.mkdir(mode=0o700, exist_ok=True)
                sweep(parent)
                folder = temporary_folder(f"{_PREFIX}{os.geteuid()}-{os.getpid()}-", parent)
                _keep_alive(folder)
                refuse_long(folder / _LONGEST_SLOT)
            except OSError:
                folder = self._temporary().resolve()
            self._beside[golden.parent] = folder
        return self._beside[golden.parent]

    def fall_back(self, error: OSError) -> bool:
        """Leave memory-backed storage where *error* says that it is full; return whether that changes anything."""
        if not self.is_memory or self._folder is None or error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return False
        self._left.append(self._folder)
        self._notice(
            f"{self._memory} is full ({error.strerror}): the databases of tests are on disk from here on {_MORE_ROOM}"
        )
        self._memory, self._folder = None, None
        return True

    def close(self) -> None:
        """Remove what is in memory-backed storage; the temporary folder is its maker's."""
        if self.is_memory and self._folder is not None:
            self._left.append(self._folder)
        for folder in (*self._left, *self._beside.values()):
            _remove(folder, self._pid)
        self._forget()

    def _forget(self) -> None:
        self._pid, self._folder, self._beside, self._left = os.getpid(), None, {}, []
        self.is_of_child = True


_alive: list[int] = []
"""Descriptors whose locks say that this process lives."""


def _keep_alive(folder: Path) -> None:
    import fcntl

    descriptor = os.open(folder / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _alive.append(descriptor)


def sweep(parent: Path) -> None:
    """Remove what killed processes of this user left in *parent*."""
    for folder in left_behind(parent):
        shutil.rmtree(folder, ignore_errors=True)


def left_behind(parent: Path) -> Iterator[Path]:
    """Yield the folders of killed processes of this user in *parent*: their lock is free."""
    for folder in parent.glob(f"{_PREFIX}{os.geteuid()}-*"):
        try:
            if abs(time.time() - folder.stat().st_mtime) < _YOUNG_S:  # a clock that was put back makes nothing young
                continue
            from templatedb import lock  # most runs find nothing to ask it about

            alive = folder / "alive"
            is_dead = lock.is_abandoned(alive, if_unknown=not alive.exists())
        except OSError:
            continue
        if is_dead:
            yield folder
