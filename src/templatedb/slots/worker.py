"""The slots of one process: for each golden its own, and the one place that an application with a global engine has."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from templatedb.errors import CloneError
from templatedb.place import Storage
from templatedb.records import CloneKind, Key
from templatedb.slots import Restorable, Slot
from templatedb.slots.image import Image
from templatedb.slots.in_place import InPlaceSlot
from templatedb.slots.reused import Place, ReusedSlots

if TYPE_CHECKING:
    from templatedb.slots.memory import MemorySlots

_numbers = itertools.count(1)


class WorkerSlots:
    """The slots of this process. Thread-safe."""

    def __init__(
        self,
        storage: Storage,
        *,
        exported: Path | None = None,
        reconnect: bool = False,
    ) -> None:
        """Put slots into *storage*; *exported* is the path that the application was told."""
        self._storage = storage
        self._exported = exported
        self._reconnect = reconnect
        self._lock = threading.Lock()
        self._by_key: dict[Key, ReusedSlots] = {}
        self._in_memory: dict[Key, MemorySlots] = {}
        self._for_application: dict[Key, ReusedSlots] = {}
        self._fixed: Place | None = None
        self._retired: list[ReusedSlots | MemorySlots] = []

    def of(self, key: Key, image: Image, kind: CloneKind, *, large_bytes: int, for_application: bool = False) -> Slot:
        """Return the slots of that *kind* for the golden of *key*; one of *large_bytes* is not written each time.

        *for_application* asks for the one place that was exported, where there is one. Nobody else gets that: a clone
        that lives for a whole session would keep it from every test. Raises CloneError when it is asked for in memory.
        """
        with self._lock:
            if for_application and self._exported is not None:
                return self._of_application(key, image, kind, self._exported, large_bytes=large_bytes)
            if kind is CloneKind.MEMORY:
                from templatedb.slots.memory import MemorySlots

                if key not in self._in_memory:
                    self._in_memory[key] = MemorySlots(image, reuse=True)
                return self._in_memory[key]
            if key not in self._by_key:
                is_large = image.size_bytes >= large_bytes
                self._by_key[key] = ReusedSlots(
                    image,
                    lambda: self._make_large(image) if is_large else self._make(image),
                    fall_back=self._storage.fall_back,
                    reconnect=self._reconnect,
                )
            return self._by_key[key]

    def _of_application(self, key: Key, image: Image, kind: CloneKind, path: Path, *, large_bytes: int) -> ReusedSlots:
        if kind is CloneKind.MEMORY:
            raise CloneError(
                what="a clone in memory is not what the application has open: that is the exported file",
                remedy='Leave clone="memory" out, or use clone_factory("memory") beside it.',
            )
        if self._fixed is None:
            is_large = image.size_bytes >= large_bytes
            slot = _make_large(image, path) if is_large else InPlaceSlot(path, synchronous=False)
            self._fixed = Place(slot, is_fixed=True)
        if key not in self._for_application:
            self._for_application[key] = ReusedSlots(
                image, lambda: _refuse_another(path), first=self._fixed, reconnect=self._reconnect
            )
        return self._for_application[key]

    def _make(self, image: Image) -> Restorable:
        folder = self._storage.folder(image.size_bytes)
        return InPlaceSlot(folder / f"clone-{next(_numbers)}.sqlite", synchronous=False)

    def _make_large(self, image: Image) -> Restorable:
        folder = self._storage.folder_beside(image.path) / str(next(_numbers))
        folder.mkdir()
        return _make_large(image, folder / "clone.sqlite")

    def retire(self, key: Key) -> None:
        """Lend no place of *key* again that was filled before; those that are lent stay until `close`."""
        with self._lock:
            for known in (self._by_key, self._for_application, self._in_memory):
                if (old := known.pop(key, None)) is not None:
                    self._retired.append(old)

    def end_test(self, *, all_are_back: bool) -> None:
        """Remove the places of a forked child: it runs one test and ends without any clean-up (pytest-forked)."""
        if all_are_back and self._storage.is_of_child:
            self._storage.close()

    def close(self) -> None:
        """Remove every place."""
        for reused in (*self._by_key.values(), *self._for_application.values(), *self._retired):
            reused.close()
        for in_memory in self._in_memory.values():
            in_memory.close()
        if self._fixed is not None:
            self._fixed.slot.close()
        self._storage.close()


def _refuse_another(path: Path) -> NoReturn:
    raise CloneError(
        what=f"the exported database {path} is in use already",
        remedy="One process has one of it: use clone_factory for more, and do not fork while a test has it.",
    )


def _make_large(image: Image, path: Path) -> Restorable:
    from templatedb.slots.large import make_large

    return make_large(image, path)
