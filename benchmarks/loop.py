"""Times restores alone: no pytest, no engine, no ORM; a raw connection writes a row and commits between any two.

    python loop.py BLOCKS GOLDEN FOLDER     in a project's folder; prints one line of JSON

Each way gives a database, which is checked and written to (not timed), and takes it away again (timed). Ways take turns
in blocks of twenty; the figures are medians in microseconds.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from templatedb import load

BLOCK = 20


class Stopwatch:
    """Adds up the time between `go` and `stop`."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.us = 0.0
        self._began = 0.0

    def go(self) -> None:
        """Start, or go on."""
        self._began = time.perf_counter()

    def stop(self) -> None:
        """Pause."""
        self.us += (time.perf_counter() - self._began) * 1e6


Way = Callable[[], AbstractContextManager[Callable[[], sqlite3.Connection]]]
"""Gives a way to connect to a fresh database, for a ``with`` block."""


def use(connect: Callable[[], sqlite3.Connection]) -> None:
    """Check that the database is the golden, and leave a row in it."""
    with contextlib.closing(connect()) as connection:
        if connection.execute("select value from settings").fetchall() != [("golden",)]:
            raise AssertionError("does not see exactly the golden's rows")
        if connection.execute("select 1 from accounts limit 1").fetchone() is not None:
            raise AssertionError("sees an earlier row")
        connection.execute("insert into accounts (email, name) values ('ada@example.org', 'Ada')")
        connection.commit()


def timed(way: Way) -> float:
    """Return what giving and taking away cost."""
    watch = Stopwatch()
    database = way()
    watch.go()
    connect = database.__enter__()
    watch.stop()
    use(connect)
    watch.go()
    database.__exit__(None, None, None)
    watch.stop()
    return watch.us


def ways(golden: Any, migrated: Path, folder: Path) -> dict[str, Way]:
    """Return the ways by name."""
    target = folder / "loop.sqlite"
    source = sqlite3.connect(shutil.copyfile(migrated, folder / "source.sqlite"))

    def opener(path: str | Path, **options: Any) -> Callable[[], sqlite3.Connection]:
        return lambda: sqlite3.connect(path, **options)

    def clone(kind: str) -> Way:
        @contextlib.contextmanager
        def give() -> Iterator[Callable[[], sqlite3.Connection]]:
            with golden.clone(kind) as clone:
                yield clone.connect

        return give

    @contextlib.contextmanager
    def copyfile() -> Iterator[Callable[[], sqlite3.Connection]]:
        yield opener(shutil.copyfile(migrated, target))
        target.unlink()

    @contextlib.contextmanager
    def vacuum() -> Iterator[Callable[[], sqlite3.Connection]]:
        source.execute("vacuum into ?", (str(target),))
        yield opener(target)
        target.unlink()

    @contextlib.contextmanager
    def backup_to_memory() -> Iterator[Callable[[], sqlite3.Connection]]:
        name = "file:/loop?vfs=memdb"
        with contextlib.closing(sqlite3.connect(name, uri=True)) as anchor:
            source.backup(anchor)
            yield opener(name, uri=True)

    return {
        "Golden.clone": clone("file"),
        "Golden.clone, memory": clone("memory"),
        "shutil.copyfile, unlink": copyfile,
        "VACUUM INTO, unlink": vacuum,
        "backup() to memory": backup_to_memory,
    }


def main() -> None:
    """Measure and print."""
    blocks, migrated, folder = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    with load().golden() as golden:
        compared = ways(golden, migrated, folder)
        times: dict[str, list[float]] = {name: [] for name in compared}
        failed: dict[str, str] = {}
        for _ in range(blocks):
            for name, way in compared.items():
                if name in failed:
                    continue
                try:
                    times[name] += [timed(way) for _ in range(BLOCK)]
                except Exception as error:
                    failed[name] = f"{type(error).__name__}: {error}"
    figures = {name: round(statistics.median(many), 1) for name, many in times.items() if many and name not in failed}
    print(json.dumps({"us": figures, "failed": failed, "times_each": blocks * BLOCK}))


if __name__ == "__main__":
    main()
