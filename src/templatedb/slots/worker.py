"""The slots of one process: for each golden its own, and the one place that an application with a global engine has."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

from templatedb.place import Storage
from templatedb.records import CloneKind, Key
from templatedb.slots import Restorable, Slot
from templatedb.slots.image import Image
from templatedb.slots.in_place import InPlaceSlot
from templatedb.slots.large import make_large
from templatedb.slots.memory import MemorySlots
from templatedb.slots.reused import Place, ReusedSlots

_numbers = itertools.count(1)


class WorkerSlots:
    """The slots of this process. Thread-safe."""

    def __init__(
        self,
        storage: Storage,
        *,
        exported: Callable[[], Path | None] = lambda: None,
        reconnect: bool = False,
    ) -> None:
        """Put slots into *storage*; *exported* is asked once for the path that the application was told."""
        self._storage = storage
        self._exported = exported
        self._reconnect = reconnect
        self._lock = threading.Lock()
        self._by_key: dict[Key, ReusedSlots] = {}
        self._in_memory: dict[Key, MemorySlots] = {}
        self._first: Place | None = None

    def of(self, key: Key, image: Image, kind: CloneKind, *, large_bytes: int) -> Slot:
        """Return the slots of that *kind* for the golden of *key*; one of *large_bytes* is not written each time."""
        with self._lock:
            if kind is CloneKind.MEMORY:
                if key not in self._in_memory:
                    self._in_memory[key] = MemorySlots(image, reuse=True)
                return self._in_memory[key]
            if key not in self._by_key:
                is_large = image.size_bytes >= large_bytes
                path = self._exported()
                if self._first is None and path is not None:
                    slot = make_large(image, path) if is_large else InPlaceSlot(path, synchronous=False)
                    self._first = Place(slot, is_fixed=True)
                self._by_key[key] = ReusedSlots(
                    image,
                    lambda: self._make_large(image) if is_large else self._make(image),
                    first=self._first,
                    fall_back=self._storage.fall_back,
                    reconnect=self._reconnect,
                )
            return self._by_key[key]

    def _make(self, image: Image) -> Restorable:
        folder = self._storage.folder(image.size_bytes)
        return InPlaceSlot(folder / f"clone-{next(_numbers)}.sqlite", synchronous=False)

    def _make_large(self, image: Image) -> Restorable:
        folder = self._storage.folder_beside(image.path) / str(next(_numbers))
        folder.mkdir()
        return make_large(image, folder / "clone.sqlite")

    def close(self) -> None:
        """Remove every place."""
        for reused in self._by_key.values():
            reused.close()
        for in_memory in self._in_memory.values():
            in_memory.close()
        if self._first is not None:
            self._first.slot.close()
        self._storage.close()
