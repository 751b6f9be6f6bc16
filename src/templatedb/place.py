"""Where files that only this process needs are put, and that they go with it."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from pathlib import Path

_lock = threading.Lock()
_shared: dict[int, Path] = {}


def temporary_folder(prefix: str) -> Path:
    """Make a private temporary folder that is removed when this very process ends, not when a forked child does."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
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
