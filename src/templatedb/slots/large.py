"""Places for goldens that are too big to be written for each test: extents shared, or a WAL thrown away."""

from __future__ import annotations

import os
from pathlib import Path

from templatedb import pools
from templatedb.slots import Restorable, Restored
from templatedb.slots.image import Image, SharedImage
from templatedb.slots.in_place import InPlaceSlot
from templatedb.slots.rewind import RewindSlot
from templatedb.slots.shared import share_to_path


def can_share(image: Image, folder: Path) -> bool:
    """Whether files in *folder* can share extents with the golden. Leaves nothing behind."""
    probe = folder / f"probe-{os.getpid()}.sqlite"
    try:
        if not share_to_path(image.descriptor, probe):
            return False
        os.unlink(probe)
    except OSError:
        return False
    return True


class SharedSlot(InPlaceSlot):
    """A place beside a golden whose extents it shares, restored in place under the connections that stay open."""

    def __init__(self, path: Path) -> None:
        """Make it at *path*; it is on a disk, so pooled connections do not wait for that."""
        super().__init__(path, synchronous=False)
        self._shared: dict[Image, SharedImage] = {}

    def restore(self, image: Image) -> Restored:
        """Restore it as its base does, by sharing."""
        if image not in self._shared:
            self._shared[image] = SharedImage(image.descriptor, image.path)
        return super().restore(self._shared[image])


class RewoundSlot:
    """A place whose database is in WAL mode while a test has it; its pooled connections are closed after each test."""

    def __init__(self, path: Path) -> None:
        """Make nothing yet."""
        self.path = path
        pools.claim(str(path), synchronous=False)
        self._image: Image | None = None
        self._slot: RewindSlot | None = None

    def restore(self, image: Image) -> Restored:
        """Make the database equal to *image*: in constant time, but for the first time and after a leak."""
        pools.close_all(str(self.path))
        if self._slot is None or image is not self._image:
            self._close_slot()
            self._image = image
            self._slot = RewindSlot(self.path, image.descriptor, close_connections=_close_all)
        way = self._slot.restore()
        leak = self._slot.leak
        return Restored(way, f"left its database open ({leak}): close it before the test ends" if leak else "")

    def _close_slot(self) -> None:
        if self._slot is not None:
            self._slot.close()
            self._slot = None

    def close(self) -> None:
        """Remove it."""
        pools.disclaim(str(self.path))
        self._close_slot()


def _close_all(path: Path) -> bool:
    return pools.close_all(str(path))


def make_large(image: Image, path: Path) -> Restorable:
    """Make a place at *path* for a big golden, in the best way that the file system allows."""
    return SharedSlot(path) if can_share(image, path.parent) else RewoundSlot(path)
