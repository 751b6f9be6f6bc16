"""A clone in the hands of a test, with the engines made on it, and what may be kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from templatedb import pools
from templatedb.clone import Clone
from templatedb.records import Keep

if TYPE_CHECKING:
    import sqlite3

    from templatedb.engines import Engines
    from templatedb.handle import Golden


class Lent:
    """A clone in the hands of a test."""

    def __init__(
        self,
        clone: Clone,
        golden: Golden,
        engines: Callable[[], Engines],
        *,
        opened_in: str,
        keep: Keep,
        reconnect: bool,
    ) -> None:
        """Hold *clone* of *golden*, opened in the test with that node id and not kept for any test yet.

        *engines* are those of the process, asked for with the first one that is wanted: that imports SQLAlchemy. With
        *reconnect* their connections do not outlive the test.
        """
        self.clone = clone
        self.golden = golden
        self.opened_in = opened_in
        self.keep = keep
        self.kept_for: str | None = None
        self._engines = engines
        self._reconnect = reconnect
        self._give_back: dict[int, Callable[[], None]] = {}
        """By the engine's identity: how it goes back."""

    @property
    def pools_name(self) -> str:
        """What SQLite, and so `pools`, calls the database."""
        filled = self.clone.filled
        return f"/{filled.name}" if filled.path is None else str(filled.path)

    def engine(self, factory: Callable[[str], Any]) -> Any:
        """Return an engine of *factory* on the clone, the same one each time; `close` gives it back.

        Imports SQLAlchemy; raises what the factory raises.
        """
        return self._take(factory, self.clone.url, reconnect=self._reconnect)

    def async_engine(self, factory: Callable[[str], Any]) -> Any:
        """Return the same for an async *factory*. Its connections never outlive the test: each is a thread."""
        return self._take(factory, self.clone.async_url, reconnect=False)

    def _take(self, factory: Callable[[str], Any], url: str, *, reconnect: bool) -> Any:
        engines = self._engines()
        engine = engines.take(factory, url)

        def give_back() -> None:
            engines.give_back(engine, url, path=self.pools_name, reconnect=reconnect)

        self._give_back[id(engine)] = give_back  # once, whatever number of fixtures ask for it
        return engine

    def close(self) -> None:
        """Give the engines back, then close the clone. Harmless when repeated."""
        try:
            while self._give_back:
                self._give_back.popitem()[1]()
        finally:
            self.clone.close()

    def connections(self) -> Iterator[sqlite3.Connection]:
        """Yield every sqlite3 connection that may hold rows that are not committed."""
        yield from dict.fromkeys((*self.clone.connections, *pools.connections(self.pools_name)))
