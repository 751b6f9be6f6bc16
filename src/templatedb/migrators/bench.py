"""What a migrator works with in the build's process: what to fill, what helps it, what it has to show for it."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from templatedb.migrators.revisions import Revisions
from templatedb.steps import Steps
from templatedb.urls import driver_like


class Way(enum.StrEnum):
    """How the file is offered to the project's code; all but the first are for projects that did not take that."""

    PLAIN = "plain"
    """As Alembic's command line does, with the driver that the replaced URL had."""
    CONNECTION = "connection"
    """With a connection in Alembic's ``config.attributes``."""
    ASYNC = "async"
    """With a URL that names the async driver."""
    SYNC = "sync"
    """With a URL that names no driver."""

    def driver(self, replaced: str | None) -> str:
        """Return the SQLAlchemy driver for a URL that stands in for *replaced*."""
        if self is Way.ASYNC:
            return "sqlite+aiosqlite"
        return "sqlite" if self is Way.SYNC else driver_like(replaced)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a migrator is to fill, and where it runs."""

    path: Path
    """The file to migrate; it does not exist yet."""
    root: Path
    """Folder of the settings, and the working directory."""
    import_folders: tuple[Path, ...]
    way: Way


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the build's process offers to a migrator while it works."""

    steps: Steps
    revisions: Revisions
    """What Alembic did in this process, whoever started it."""
    replaces: Callable[[str], None]
    """To be called with a URL that the build's own stands in for: code that still names it means the same database."""
    covers: Callable[[Path], None]
    """To be called with a configuration file whose options are inputs already, so that it does not count as a whole."""
    notice: Callable[[str], None]
    """To be called with a line for whoever waits for this build; a hit does not repeat it."""
    home: Mapping[str, str]
    """HOME and the like as they were outside: for programs that keep them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Where a database records how far it was migrated, and what must stand there when all went well."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]
    """Sorted; compared whole with the columns' rows, in any order. None: a database without tables was asked for."""


@contextlib.contextmanager
def exits_only_in_failure() -> Iterator[None]:
    """Let code in the block end the process with success, as scripts do: the build goes on after the block."""
    try:
        yield
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise
