"""What a test holds: a private database, by path, URL or connection."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from templatedb.errors import CloneError
from templatedb.records import CloneKind
from templatedb.slots import Filled, Slot
from templatedb.urls import memory_uri, memory_url, sqlite_url

if TYPE_CHECKING:
    import sqlite3


class Clone:
    """A private, writable database equal to the golden; gone after `close` or the end of its ``with`` block.

    May be used by many threads. Connections from `connect` are closed with the clone; engines made on its URL are the
    caller's to dispose of first.
    """

    def __init__(self, slot: Slot, filled: Filled, release: Callable[[Clone], None] | None = None) -> None:
        """Hold *filled*; `close` gives it back to its *slot*, or calls *release* where somebody else decides when."""
        self._slot = slot
        self._filled = filled
        self._release = release
        self._connections: list[sqlite3.Connection] = []
        self._open = True
        self.was_asked = False
        """Whether anybody could open it: asked for its path, a URL or a connection."""

    def __repr__(self) -> str:
        """Show where the database is."""
        return f"<Clone {self._filled.path or self._filled.name}>"

    @property
    def kind(self) -> CloneKind:
        """Whether it is a file or in memory."""
        return CloneKind.MEMORY if self._filled.path is None else CloneKind.FILE

    @property
    def filled(self) -> Filled:
        """The database itself, and how it came to equal the golden."""
        return self._filled

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return not self._open

    @property
    def path(self) -> Path:
        """The file, absolute. Raises CloneError for a clone in memory, which has none."""
        self.was_asked = True
        if self._filled.path is None:
            raise CloneError(
                what="a clone in memory has no path",
                remedy='Use its url, or ask for a file: @pytest.mark.templatedb(clone="file"), or the setting'
                ' clone = "file".',
            )
        return self._filled.path

    @property
    def url(self) -> str:
        """SQLAlchemy URL."""
        return self._url("sqlite")

    @property
    def async_url(self) -> str:
        """SQLAlchemy URL for ``aiosqlite``."""
        return self._url("sqlite+aiosqlite")

    def _url(self, driver: str) -> str:
        self.was_asked = True
        path = self._filled.path
        return memory_url(self._filled.name, driver) if path is None else sqlite_url(path, driver)

    def connect(self, **options: Any) -> sqlite3.Connection:
        """Open a connection with the *options* of ``sqlite3.connect``.

        Any thread may use it, unless the options say otherwise. It is closed with the clone.
        Raises CloneError when the clone is closed.
        """
        if not self._open:
            raise CloneError(
                what=f"the clone {self._filled.path or self._filled.name} is closed",
                remedy="Connect before its test or with block ends.",
            )
        self.was_asked = True
        connection = self._connect(**options)
        self._connections.append(connection)
        return connection

    def _connect(self, **options: Any) -> sqlite3.Connection:
        import sqlite3

        options.setdefault("check_same_thread", False)
        if self._filled.path is None:
            options["uri"] = True
        where = self._filled.path or memory_uri(self._filled.name)
        connection: sqlite3.Connection = sqlite3.connect(where, **options)
        return connection

    @property
    def connections(self) -> tuple[sqlite3.Connection, ...]:
        """What `connect` has handed out, closed ones included."""
        return tuple(self._connections)

    def dump(self) -> str:
        """Return schema and committed rows as SQL text, the same for two clones that hold the same."""
        self.was_asked = True
        with contextlib.closing(self._connect()) as connection:
            return "\n".join(connection.iterdump())

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a connection of our own for the block, which gives up at once where a writer blocks it."""
        with contextlib.closing(self._connect(timeout=0)) as connection:
            yield connection

    def copy_to(self, path: Path, *, timeout_s: float = 1.0) -> None:
        """Write what is committed as one file to *path*; raises sqlite3.OperationalError while a writer blocks it.

        Works until the database is discarded, also after `close`.
        """
        import sqlite3

        with contextlib.closing(self._connect(timeout=timeout_s)) as source:
            # Python's backup() would wait for a writer without end; a plain read gives up in time.
            source.execute("begin")
            source.execute("select count(*) from sqlite_master").fetchone()
            with contextlib.closing(sqlite3.connect(path)) as destination:
                source.backup(destination)

    def close(self) -> None:
        """Close its connections and give the database back. Harmless when repeated."""
        if not self._open:
            return
        self._open = False
        if self._connections:
            self._close_connections()
        if self._release is None:
            self.discard()
        else:
            self._release(self)

    def _close_connections(self) -> None:
        import sqlite3

        for connection in self._connections:
            # One made for a single thread, at the caller's wish, cannot be closed from here: Python closes it later.
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        self._connections.clear()

    def discard(self) -> None:
        """Give the database back now: it is removed, or restored for another holder."""
        self._slot.empty(self._filled)

    def __enter__(self) -> Self:
        """Return the clone itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
