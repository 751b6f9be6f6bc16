"""From which size on is rewinding a clone cheaper than writing all its bytes in place?

Prints a Markdown table, microseconds per test, medians: one test inserts a row through an SQLAlchemy engine, commits
and reads it; its clone is restored before it. In place, the pool lives on; to rewind, it is disposed of, connects again
and parses the schema again.

    python benchmarks/threshold.py [FOLDER ...]
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy

from templatedb.slots import Way
from templatedb.slots.copy import write_copy
from templatedb.slots.rewind import RewindSlot

SIZES_MB = (1, 2, 4, 6, 8, 12, 16, 32)
TABLES = (7, 67)
ROUNDS = 60
MEGABYTE = 1 << 20


def make_golden(path: Path, size_mb: int, tables: int) -> None:
    """Make a database of about that size: tables of ten columns and two indexes, and one of blobs."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma synchronous=off")
        for number in range(tables):
            columns = ", ".join(f"column_{column} varchar(40)" for column in range(8))
            connection.execute(f"create table table_{number}(id integer primary key, name text not null, {columns})")
            connection.execute(f"create index by_name_{number} on table_{number}(name)")
            connection.execute(f"create index by_column_{number} on table_{number}(column_1, column_2)")
        connection.execute("create table filling(body blob)")
        missing = size_mb * MEGABYTE - os.stat(path).st_size
        connection.executemany("insert into filling values (?)", ((os.urandom(4000),) for _ in range(missing // 4096)))
        connection.commit()


def run_test(engine: sqlalchemy.Engine) -> None:
    """Do what a small test does."""
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("insert into table_3(name) values ('a')"))
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select count(*) from table_3")).scalar_one() == 1


def new_engine(path: Path) -> sqlalchemy.Engine:
    """Make an engine as the plugin does: nothing is written to the disk before a test goes on."""
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")

    @sqlalchemy.event.listens_for(engine, "connect")
    def hurry(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("pragma synchronous=off")

    return engine


@contextlib.contextmanager
def written_in_place(golden: int, folder: Path) -> Iterator[tuple[sqlalchemy.Engine, Callable[[], object]]]:
    """Write the golden's bytes under the live pool, with counters that no connection has seen."""
    path = folder / "clone.sqlite"
    write_copy(golden, path)
    image = bytearray(os.pread(golden, os.fstat(golden).st_size, 0))
    engine = new_engine(path)
    descriptor = os.open(path, os.O_RDWR)
    guard = sqlite3.connect(path, isolation_level=None)

    def restore() -> None:
        guard.execute("begin exclusive")
        counter = (int.from_bytes(os.pread(descriptor, 4, 24)) + 1).to_bytes(4)
        image[24:28] = image[92:96] = counter
        if os.fstat(descriptor).st_size != len(image):
            os.ftruncate(descriptor, len(image))
        os.pwrite(descriptor, image, 0)
        guard.execute("rollback")

    yield engine, restore
    engine.dispose()
    guard.close()
    os.close(descriptor)


@contextlib.contextmanager
def rewound(golden: int, folder: Path) -> Iterator[tuple[sqlalchemy.Engine, Callable[[], object]]]:
    """Throw the WAL away, and with it the pool."""
    path = folder / "clone.sqlite"
    engine = new_engine(path)

    def dispose(path: Path) -> bool:
        engine.dispose()
        return True

    slot = RewindSlot(path, golden, close_connections=dispose)
    for _ in range(2):  # the trial
        slot.restore()
        run_test(engine)

    def restore() -> None:
        assert slot.restore() is Way.REWOUND

    yield engine, restore
    slot.close()


def measure(way: Callable[[int, Path], contextlib.AbstractContextManager], golden: int, folder: Path) -> list[float]:
    """Return microseconds per test and of those in the restore: medians."""
    folder.mkdir()
    restores, tests = [], []
    with way(golden, folder) as (engine, restore):
        for _ in range(ROUNDS):
            started = time.perf_counter()
            restore()
            between = time.perf_counter()
            run_test(engine)
            restores.append(between - started)
            tests.append(time.perf_counter() - started)
    shutil.rmtree(folder)
    return [statistics.median(times) * 1e6 for times in (tests, restores)]


def main(bases: list[str]) -> None:
    """Measure in each of the folders."""
    print("| where | tables | MB | in place, test | of it restore | rewound, test | of it restore | cheaper |")
    print("|---|--:|--:|--:|--:|--:|--:|---|")
    for base in bases:
        folder = Path(tempfile.mkdtemp(dir=base))
        try:
            for tables in TABLES:
                for size_mb in SIZES_MB:
                    path = folder / "golden.sqlite"
                    path.unlink(missing_ok=True)
                    make_golden(path, size_mb, tables)
                    golden = os.open(path, os.O_RDONLY)
                    in_place = measure(written_in_place, golden, folder / "in place")
                    by_rewind = measure(rewound, golden, folder / "rewind")
                    os.close(golden)
                    cheaper = "rewind" if by_rewind[0] < in_place[0] else "in place"
                    shown = " | ".join(f"{figure:.0f}" for figure in (*in_place, *by_rewind))
                    print(f"| {base} | {tables} | {size_mb} | {shown} | {cheaper} |", flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1:] or [tempfile.gettempdir(), *(["/dev/shm"] if os.path.isdir("/dev/shm") else [])])
