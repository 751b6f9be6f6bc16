"""Clones in memory: named databases that any number of connections and threads of this process share."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import sqlite3
import threading

from templatedb import opened, pools
from templatedb.slots import Filled, Way
from templatedb.slots.evict import TRANSACTION_CLOSED, wait
from templatedb.slots.image import Image
from templatedb.urls import memory_uri

_numbers = itertools.count(1)
_LEAK = (
    "left a transaction open, or a result half read, on its database in memory: commit, roll back or close it before"
    " the test ends"
)


class MemorySlots:
    """In-memory databases that are filled from one golden, under their open connections where they were filled before.

    Filled by ``backup()``: ``deserialize()`` would detach a named database from its other connections.
    """

    def __init__(self, image: Image, *, reuse: bool = False) -> None:
        """Fill from *image*; with *reuse* a name that is taken back is lent again, and its engines with it."""
        self._image = image
        self._reuse = reuse
        self._lock = threading.Lock()
        self._free: list[_Named] = []
        self._lent: dict[str, _Named] = {}
        if reuse:
            opened.note_names_in_memory()

    def fill(self, holder: str = "") -> Filled:
        """Fill a named database that nobody holds; an anchor connection keeps it alive."""
        leak, last_holder = "", ""
        while True:
            with self._lock:
                named = self._free.pop() if self._free else None
            named = named or _Named()
            try:
                if not named.fill(self._image) and not wait(functools.partial(named.fill, self._image)):
                    leak, last_holder = _LEAK, named.holder
                    named.close()  # the next one has another name: whoever holds this one cannot disturb it
                    continue
            except sqlite3.OperationalError:
                named.close()  # a test gave it another page size, say
                if named.holder == "":
                    raise
                continue
            except BaseException:
                named.close()
                raise
            if pools.settle_transactions(f"/{named.name}"):
                leak = leak or TRANSACTION_CLOSED
            last_holder = last_holder or named.holder
            named.holder = holder or "a clone"
            with self._lock:
                self._lent[named.name] = named
            return Filled(way=Way.MEMORY, name=named.name, leak=leak, last_holder=last_holder)

    def empty(self, filled: Filled) -> None:
        """Take the database back."""
        with self._lock:
            named = self._lent.pop(filled.name, None)
            if named is not None and self._reuse:
                self._free.append(named)
                return
        if named is not None:
            named.close()

    def close(self) -> None:
        """Give the memory of those that nobody holds back; the others stay until the process ends."""
        with self._lock:
            while self._free:
                self._free.pop().close()


@dataclasses.dataclass(slots=True)
class _Named:
    """One named database."""

    name: str = ""
    holder: str = ""
    """Who had it last; empty for a new one."""
    anchor: sqlite3.Connection | None = None

    def fill(self, image: Image) -> bool:
        """Fill it; return whether that could be done, which an open transaction or cursor prevents."""
        if self.anchor is None:
            # Named by process and counter, not at random: pytest-randomly seeds `random` alike in every worker.
            self.name = f"templatedb-{os.getpid()}-{next(_numbers)}"
            self.anchor = sqlite3.connect(
                memory_uri(self.name), uri=True, check_same_thread=False, isolation_level=None, timeout=0
            )
            pools.claim(f"/{self.name}")
        pools.settle(f"/{self.name}")
        try:
            image.back_up_to(self.anchor)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            return False
        return True

    def close(self) -> None:
        if self.anchor is not None:
            pools.close_all(f"/{self.name}")
            pools.disclaim(f"/{self.name}")
            self.anchor.close()
            self.anchor = None
