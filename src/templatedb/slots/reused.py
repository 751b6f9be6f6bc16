"""The places of one worker for one golden: each lent to one holder at a time, restored, and lent again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from templatedb import pools
from templatedb.errors import CloneError, words_of
from templatedb.slots import Filled, Restorable, Restored, StuckError
from templatedb.slots.image import Image


class Place:
    """A place with who has it."""

    def __init__(self, slot: Restorable, *, is_fixed: bool = False) -> None:
        """Have nobody in it; *is_fixed* where somebody outside knows its path, so that no other can stand in for it."""
        self.slot = slot
        self.is_fixed = is_fixed
        self.holder = ""
        """Who has it, or had it last."""
        self.is_new = True
        """Whether nobody had it yet."""
        self.lent = threading.Lock()
        """Held while somebody has it. Its own, for several goldens share a place."""

    def give_back(self) -> None:
        """Let it be lent again; harmless when repeated."""
        if self.lent.locked():
            self.lent.release()


class ReusedSlots:
    """Lends places that are equal to one golden; the lowest that is free, so that its engines are used again."""

    def __init__(
        self,
        image: Image,
        make: Callable[[], Restorable],
        *,
        first: Place | None = None,
        fall_back: Callable[[OSError], bool] = lambda error: False,
        reconnect: bool = False,
    ) -> None:
        """Restore places from *image* and *make* new ones as needed; *first* is shared with other goldens.

        Where there is no room *fall_back* says whether to try again, elsewhere. With *reconnect* every pooled
        connection to a place is closed before it is restored.
        """
        self._image = image
        self._make = make
        self._fall_back = fall_back
        self._reconnect = reconnect
        self._first = first
        self._inherited: list[Place] = []
        self._begin([] if first is None else [first])

    def _begin(self, places: list[Place]) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._places = places

    def fill(self, holder: str = "") -> Filled:
        """Lend a place, restored. Raises CloneError where that cannot be; it names who is to blame, or the folder."""
        if self._pid != os.getpid():
            # SQLite's connections must not be carried over a fork: the parent keeps these, and keeps them referenced.
            self._inherited += self._places
            self._begin([])
        leak, last_holder = "", ""
        while True:
            try:
                place = self._take()
            except OSError as error:
                if not self._fall_back(error):
                    raise CloneError(
                        what=f"no database could be made: {words_of(error)}",
                        remedy="Make room there, or set TMPDIR to another folder.",
                    ) from error
                continue
            try:
                restored = self._restore(place)
            except StuckError as error:
                leak, last_holder = str(error), place.holder
                self._give_up(place, leak)
                continue
            except OSError as error:
                if place.is_fixed or not self._fall_back(error):
                    place.give_back()
                    raise CloneError(
                        what=f"no database could be written to {place.slot.path}: {error.strerror}",
                        remedy=f"Make sure that {place.slot.path.parent} is there and has room.",
                    ) from error
                with self._lock:
                    self._places.remove(place)
                place.slot.close()
                continue
            except BaseException:
                place.give_back()
                raise
            if restored.leak:
                leak, last_holder = restored.leak, place.holder
            place.holder, place.is_new = holder, False
            return Filled(way=restored.way, path=place.slot.path, leak=leak, last_holder=last_holder)

    def _restore(self, place: Place) -> Restored:
        if self._reconnect:
            pools.close_all(str(place.slot.path))
        return place.slot.restore(self._image)

    def _take(self) -> Place:
        with self._lock:
            for place in self._places:
                if place.lent.acquire(blocking=False):
                    return place
            place = Place(self._make())
            place.lent.acquire()
            self._places.append(place)
            return place

    def _give_up(self, place: Place, leak: str) -> None:
        """Never lend the *place* again: whoever still holds it keeps it to himself. It stays marked as lent."""
        if place.is_fixed or place.is_new:  # yet another new one would fare no better
            place.give_back()
            raise CloneError(
                what=f"the database {place.slot.path} cannot be restored: {place.holder or 'an earlier test'} {leak}"
            )

    def empty(self, filled: Filled) -> None:
        """Take a place back; it is restored when it is lent again, so a failed test's rows stay until then."""
        with self._lock:
            for place in self._places:
                if place.slot.path is filled.path:  # the very one that `fill` gave; to compare paths takes longer
                    place.give_back()

    def close(self) -> None:
        """Remove all places but the shared one."""
        if self._pid == os.getpid():
            for place in self._places:
                if place is not self._first:
                    place.slot.close()
            self._places = []
