"""Clones in memory: named databases that any number of connections and threads of this process share."""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import tempfile
import threading
from pathlib import Path

from templatedb.slots import Filled
from templatedb.slots.copy import write_copy
from templatedb.urls import memory_uri

_numbers = itertools.count(1)


class MemorySlot:
    """In-memory copies of one open golden.

    Filled by ``backup()``: ``deserialize()`` would detach a named database from its other connections.
    """

    def __init__(self, descriptor: int) -> None:
        """Read the golden once, at first use, from *descriptor* (never closed here)."""
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._source: sqlite3.Connection | None = None
        self._anchors: dict[str, sqlite3.Connection] = {}

    def fill(self) -> Filled:
        """Make a named database; an anchor connection keeps it alive until `empty`."""
        name = f"templatedb-{os.getpid()}-{next(_numbers)}"
        anchor = sqlite3.connect(memory_uri(name), uri=True, check_same_thread=False, isolation_level=None)
        try:
            with self._lock:
                if self._source is None:
                    self._source = _in_memory(self._descriptor)
                self._source.backup(anchor)
                self._anchors[name] = anchor
        except BaseException:
            anchor.close()
            raise
        return Filled(way="memory", name=name)

    def empty(self, filled: Filled) -> None:
        """Close the anchor: the database goes with its last connection."""
        with self._lock:
            anchor = self._anchors.pop(filled.name, None)
        if anchor is not None:
            anchor.close()

    def close(self) -> None:
        """Give the golden's own memory back; databases that are filled stay until they are emptied."""
        with self._lock:
            if self._source is not None:
                self._source.close()
                self._source = None


def _in_memory(descriptor: int) -> sqlite3.Connection:
    """Return a private in-memory copy of the golden; the golden itself is never opened with sqlite3 here."""
    connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    if hasattr(connection, "deserialize"):
        connection.deserialize(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
        return connection
    with tempfile.TemporaryDirectory(prefix="templatedb-") as folder:  # an SQLite built without deserialize
        path = Path(folder, "golden.sqlite")
        write_copy(descriptor, path)
        with contextlib.closing(sqlite3.connect(path)) as source:
            source.backup(connection)
    return connection
