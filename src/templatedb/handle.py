"""A Golden: a verified file, held open, that clones are made from."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from templatedb.clone import Clone
from templatedb.digests import Stamp
from templatedb.errors import CloneError, GoldenChangedError, words_of
from templatedb.files import digest_of
from templatedb.plan import OpenGolden
from templatedb.records import CloneKind, Key, Manifest, Outcome
from templatedb.settings import Settings
from templatedb.slots import Filled, Slot
from templatedb.slots.copy import CopySlot
from templatedb.slots.image import Image

if TYPE_CHECKING:
    from templatedb.slots.memory import MemorySlots


class Golden:
    """A finished, verified, read-only database that clones are made from.

    Holds its file open until `close` or the end of its ``with`` block; safe for many threads.
    """

    def __init__(self, opened: OpenGolden, settings: Settings) -> None:
        """Wrap what `Template.golden` opened; not for callers."""
        self._opened = opened
        self._settings = settings
        self._image = Image(opened.descriptor, opened.path)
        self._memory: list[MemorySlots] = []
        self._stamp: Stamp | None = opened.stamp
        self._closer = weakref.finalize(self, _close, self._memory, self._image, opened.descriptor)

    def __repr__(self) -> str:
        """Show the key, shortened, and how the golden was come by."""
        return f"<Golden {self.key.short} {self.outcome}>"

    @property
    def key(self) -> Key:
        """The migration checksum."""
        return self._opened.manifest.key

    @property
    def path(self) -> Path:
        """The read-only file. Do not open it with sqlite3: take a clone."""
        return self._opened.path

    @property
    def manifest(self) -> Manifest:
        """The record of its build."""
        return self._opened.manifest

    @property
    def reason(self) -> str:
        """Why it was built, such as ``migrations/versions/0042_add.py changed``; empty for a hit and a first build."""
        return self._opened.reason

    @property
    def outcome(self) -> Outcome:
        """Whether it was there, was waited for, or was built."""
        return self._opened.outcome

    def clone(
        self,
        kind: CloneKind | str | None = None,
        *,
        folder: Path | None = None,
        slot: Slot | None = None,
        holder: str = "",
        release: Callable[[Clone], None] | None = None,
    ) -> Clone:
        """Return a private database equal to this golden, for a ``with`` block or to be closed by the caller.

        Args:
            kind: ``"file"`` or ``"memory"``; default: the settings'.
            folder: Where a file goes; default: a temporary folder that ends with this process.
            slot: Where it comes from instead: places of that kind that are used again, restored each time.
            holder: Who asks, for messages.
            release: Called when the clone is closed, instead of removing it at once.

        Raises CloneError for another kind, and when the golden is closed; GoldenChangedError when somebody has written
        into the golden.
        """
        if not self._closer.alive:
            # The number of its descriptor may be another file's by now: a clone of that would be a wrong database.
            raise CloneError(what=f"golden {self.key.short} is closed", remedy="Clone before its with block ends.")
        if slot is None:
            is_in_memory = kind_of(kind or self._settings.clone) is CloneKind.MEMORY
            slot = (
                self._memory_slots() if is_in_memory else CopySlot(self._opened.descriptor, folder or _clones_folder())
            )
        filled = slot.fill(holder)
        # After the fill, which may have read what was written only then.
        if self._stamp_now() != self._stamp:
            self._look_again(slot, filled)
        return Clone(slot, filled, release)

    def _stamp_now(self) -> Stamp:
        return Stamp.of(os.fstat(self._opened.descriptor))

    def _look_again(self, slot: Slot, filled: Filled) -> None:
        """Raise GoldenChangedError where the golden is not what it was; a prune changes its times only."""
        stamp = self._stamp_now()
        if digest_of(self._opened.descriptor) == self.manifest.digest and stamp == self._stamp_now():
            self._stamp = stamp
            return
        slot.empty(filled)
        self._stamp = None  # whatever is written to it later, it stays changed
        raise GoldenChangedError(
            what=f"somebody wrote into the golden {self.path} while it was in use",
            remedy="Open clones only, never the golden itself. Template.golden() builds it again.",
            path=self.path,
        )

    def _memory_slots(self) -> Slot:
        if not self._memory:
            from templatedb.slots.memory import MemorySlots

            self._memory.append(MemorySlots(self._image))
        return self._memory[0]

    @property
    def image(self) -> Image:
        """Its bytes, for slots."""
        return self._image

    def close(self) -> None:
        """Let go of the file: no more clones from here on, those that are open stay usable. Harmless when repeated."""
        self._closer()

    def __enter__(self) -> Self:
        """Return the golden itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def kind_of(kind: CloneKind | str) -> CloneKind:
    """Return the kind of that name; raises CloneError."""
    if isinstance(kind, CloneKind):
        return kind
    try:
        return CloneKind(kind)
    except ValueError:
        raise CloneError(what=f'a clone cannot be {kind!r}; allowed: "file" or "memory"') from None


def _clones_folder() -> Path:
    from templatedb import place

    try:
        return place.clones_folder()
    except OSError as error:
        what = f"no folder for databases could be made: {words_of(error)}"
        raise CloneError(what=what, remedy="Make room there, or set TMPDIR to another folder.") from error


def _close(memory: list[MemorySlots], image: Image, descriptor: int) -> None:
    for slots in memory:
        slots.close()
    image.close()
    os.close(descriptor)
