"""The two-method interface of the ways to give a test its private database."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from templatedb.slots.image import Image


class Way(enum.StrEnum):
    """How a database came to equal the golden; the summary counts them by these words."""

    COPIED = "copied"
    """The golden's bytes were written to a new file."""
    IN_PLACE = "restored in place"
    """The golden's bytes were put back under the connections that are open."""
    UNCHANGED = "unchanged"
    """The last test had left it as it was."""
    BACKUP = "restored by backup"
    """SQLite's backup API wrote it: the application keeps it in WAL mode, and it could not be put back in place."""
    REPLACED = "replaced"
    """A new file at the same path: a test had replaced or removed it."""
    MEMORY = "in memory"
    """SQLite's backup API filled a database in memory."""
    SHARED = "sharing extents"
    """The file system let it share the golden's storage, at any size in no time."""
    REWOUND = "rewound"
    """What the test wrote was in a WAL that was thrown away."""


class Filled(NamedTuple):
    """One private database, equal to the golden at the moment it was filled."""

    way: Way
    path: Path | None = None
    """The file; None in memory."""
    name: str = ""
    """The name in memory; empty for a file."""
    leak: str = ""
    """What the last holder of this place had left behind, and what to do, to be read after its name; or empty."""
    last_holder: str = ""
    """Who that was."""


class Slot(Protocol):
    """A place where databases equal to one golden come and go. Thread-safe."""

    def fill(self, holder: str = "") -> Filled:
        """Make a private database equal to the golden, for the *holder* of that name."""

    def empty(self, filled: Filled) -> None:
        """Take the database back: its holder is done with it."""


class Restored(NamedTuple):
    """What it took to restore a place."""

    way: Way
    leak: str = ""
    """What had to be taken from the last holder by force, and what to do, to be read after its name; or empty."""


class LockedError(Exception):
    """Somebody reads an old state of a database: a transaction, or a half-read cursor."""


class StuckError(Exception):
    """A place cannot be taken back: a connection out of reach would go on seeing old rows.

    Its text says what the last holder did and what to do, to be read after the holder's name.
    """


class Restorable(Protocol):
    """One place that is brought back to a golden again and again. Not thread-safe: it has one holder at a time."""

    path: Path

    def restore(self, image: Image) -> Restored:
        """Make it equal to *image* for every connection; raises StuckError, and OSError for want of room."""

    def close(self) -> None:
        """Remove it, side files included."""
