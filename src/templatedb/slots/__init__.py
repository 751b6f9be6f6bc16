"""The two-method interface of the ways to give a test its private database."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Protocol


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """One private database, equal to the golden at the moment it was filled."""

    way: str
    """How it came about, as the summary names it: ``copy`` or ``memory``."""
    path: Path | None = None
    """The file; None in memory."""
    name: str = ""
    """The name in memory; empty for a file."""


class Slot(Protocol):
    """A place where databases equal to one golden come and go. Thread-safe."""

    def fill(self) -> Filled:
        """Make a private database equal to the golden."""

    def empty(self, filled: Filled) -> None:
        """Remove the database and everything SQLite put beside it; its connections are closed by now."""
